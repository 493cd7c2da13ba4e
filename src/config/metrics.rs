//! Where those who watch come for figures.

use std::net::SocketAddr;

use super::{fields::parsed, file, problem::Collector};

/// The address, if one is written: of the machine itself, for nobody is asked who they are.
pub(super) fn listen(written: Option<&file::Metrics>, problems: &mut Collector<'_>) -> Option<SocketAddr> {
    let written = &written?.listen;
    let listen: SocketAddr = parsed("metrics.listen", written, problems)?;
    if !listen.ip().is_loopback() {
        let what = format!(
            "metrics.listen: `{listen}` can be reached from elsewhere; write an address of the machine itself such as `127.0.0.1:9273`"
        );
        problems.at(&written.span(), what);
        return None;
    }
    Some(listen)
}
