//! The tunnel's interface: the kernel's own WireGuard where it has one, otherwise this program's, as a watched child.

use tokio_util::sync::CancellationToken;

use super::{path_mtu::MTU_MAX, settings::Settings};
use crate::system::{
    links::{Link, Links, set_kernel_setting, set_kernel_setting_if_there},
    wireguard,
};

/// The kernel's name of the interface.
pub const INTERFACE: &str = "academie0";

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Device {
    /// The kernel. The interface outlives the daemon.
    Kernel,
    /// A child. The interface goes with it, and it with the daemon.
    Program,
}

impl Device {
    /// The kernel where it can, and its interface is then there.
    pub(super) async fn find(links: &Links) -> anyhow::Result<Self> {
        Ok(if links.make_wireguard(INTERFACE).await? { Self::Kernel } else { Self::Program })
    }

    /// Runs what must run for the interface to be there, until `stop`.
    pub(super) async fn run(self, stop: &CancellationToken) {
        match self {
            Self::Kernel => stop.cancelled().await,
            Self::Program => wireguard::child(INTERFACE).run(stop).await,
        }
    }
}

/// Gives the interface the box's addresses inside and switches it on.
pub(super) async fn raise(links: &Links, link: &Link, settings: &Settings) -> anyhow::Result<()> {
    let name = &link.name;
    for (setting, value) in [
        (format!("ipv4/conf/{name}/accept_redirects"), "0"),
        (format!("ipv4/conf/{name}/send_redirects"), "0"),
        // The way back is by the routes of the tunnel's own table; a kernel that looks elsewhere shall find something.
        (format!("ipv4/conf/{name}/rp_filter"), "2"),
    ] {
        set_kernel_setting(&setting, value)?;
    }
    for (setting, value) in
        [("accept_ra", "0"), ("autoconf", "0"), ("disable_ipv6", "0"), ("accept_redirects", "0")]
    {
        set_kernel_setting_if_there(&format!("ipv6/conf/{name}/{setting}"), value)?;
    }
    // What the path carries is said by the routes.
    links.set_mtu(link, u32::from(MTU_MAX)).await?;
    links.set_addresses(link, &settings.addresses).await?;
    links.switch_on(link).await
}
