//! Whether the line is up, as far as the resolver can tell: it is while an upstream server answers.
//!
//! Questions of people say so by themselves. When nobody asks anything, or nothing is answered, the box asks for the
//! root's name servers, a question that names nobody: the portal then knows within seconds of a cut and of its end.

use std::time::Duration;

use domain::base::iana::Rtype;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::{
    key::Key,
    limits::{DOUBTED_INTERVAL, HEARD_INTERVAL},
    resolver::Resolver,
};

/// The standing of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineStanding {
    /// An upstream server answers, or none has been missed yet.
    Up,
    /// None answers.
    Down {
        /// How long there has been no answer.
        lasting: Duration,
    },
}

impl LineStanding {
    /// Whether nothing of the Internet can be reached.
    #[must_use]
    pub const fn is_down(self) -> bool {
        match self {
            Self::Up => false,
            Self::Down { .. } => true,
        }
    }
}

/// Keeps the resolver's knowledge of the line fresh until `stop`.
pub(super) async fn follow(resolver: Resolver, stop: CancellationToken) -> anyhow::Result<()> {
    let root_servers = Key::new(&[0], Rtype::NS, false, false);
    loop {
        let upstreams = resolver.upstreams();
        let pause = if upstreams.is_in_doubt() { DOUBTED_INTERVAL } else { HEARD_INTERVAL };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = sleep(pause) => {}
        }
        if upstreams.is_in_doubt() || !upstreams.was_heard_since(Instant::now() - HEARD_INTERVAL) {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = upstreams.ask_each(&root_servers) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

    use super::*;
    use crate::enforce::dns::{limits::FAILURES_UNTIL_DEAD, upstream::Upstreams};

    /// An address on the loopback where nobody listens.
    fn silent() -> SocketAddr {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
    }

    #[tokio::test]
    async fn a_line_is_down_when_no_server_answers_any_more() {
        let upstreams = Upstreams::new(&[silent(), silent()]);
        assert_eq!(upstreams.line(), LineStanding::Up);
        let key = Key::new(&[0], Rtype::NS, false, false);
        for _ in 0..FAILURES_UNTIL_DEAD {
            assert!(!upstreams.line().is_down());
            upstreams.ask_each(&key).await;
            assert!(upstreams.is_in_doubt());
        }
        assert!(upstreams.line().is_down());
    }

    #[test]
    fn a_box_without_upstream_servers_has_no_line() {
        assert!(Upstreams::new(&[]).line().is_down());
    }
}
