//! The box's end of the way through TCP.

use std::{
    net::{self, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use rustls_pki_types::CertificateDer;
use tokio::{
    net::UdpSocket,
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::{
    carry::{Ended, Local, carry, collect},
    queue::Queue,
    standing::{Standing, Trouble},
    way::{Place, Resolve, Way},
};

/// The wait after a try that failed, at first and at most; each is twice the one before, and up to half of it is drawn.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(30);

/// A connection that stood for so long was a good one: after it the first wait is the short one.
const GOOD_AFTER: Duration = Duration::from_secs(60);

/// A connection into which WireGuard sent nothing for so long is ended: it says at least that it is there while it is used.
const UNUSED_MAX: Duration = Duration::from_secs(180);

/// What the way through TCP to one concentrator needs.
pub struct Settings {
    /// Where it is: [`Concentrator::tls`](crate::protocol::enrolment::Concentrator::tls).
    pub place: Place,
    /// The authorities that may sign for it: those that may sign for central.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Finds addresses on the line, never through the tunnel.
    pub resolve: Resolve,
    /// The mark of packets that are routed by the line and never into the tunnel, where there is one.
    pub mark: Option<u32>,
}

/// The way through TCP to one concentrator, from the box's side. It is there from [`Ladder::open`] until it is dropped;
/// connections are made only while it is served, and while WireGuard sends something there.
#[derive(Debug)]
pub struct Ladder {
    way: Way,
    local: Local,
    address: SocketAddr,
    queue: Arc<Queue>,
    wanted: watch::Sender<bool>,
    standing: watch::Sender<Standing>,
}

impl Ladder {
    /// Opens the socket on loopback that WireGuard is to be told is the concentrator.
    ///
    /// # Errors
    /// When an authority cannot be used, or loopback has no port left.
    ///
    /// # Panics
    /// Outside of a runtime, as every socket.
    pub fn open(settings: Settings) -> anyhow::Result<Self> {
        let Settings { place, authorities, resolve, mark } = settings;
        let way = Way::new(place, &authorities, resolve, mark)?;
        let socket =
            net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot open a socket on loopback")?;
        socket.set_nonblocking(true)?;
        let socket = UdpSocket::from_std(socket)?;
        let address = socket.local_addr()?;
        let (queue, standing) = (Arc::default(), watch::Sender::default());
        let (local, wanted) = (Local::learning(socket), watch::Sender::new(true));
        Ok(Self { way, local, address, queue, wanted, standing })
    }

    /// The endpoint for WireGuard.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.subscribe()
    }

    /// Says whether there is to be a connection at all; from the beginning it is so.
    pub(super) fn wanted(&self) -> watch::Sender<bool> {
        self.wanted.clone()
    }

    /// Keeps a connection for as long as it takes; whatever fails is tried again.
    ///
    /// # Errors
    /// When the socket on loopback fails.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            error = collect(&self.local, &self.queue) => Err(error).context("the socket on loopback failed"),
            () = self.hold() => Ok(()),
        }
    }

    async fn hold(&self) {
        let (mut retry, mut wanted) = (RETRY_MIN, self.wanted.subscribe());
        loop {
            if !*wanted.borrow_and_update() {
                retry = RETRY_MIN;
                self.standing.send_modify(|standing| standing.is_connected = false);
            }
            // The sender lives in `self`.
            let _ = wanted.wait_for(|wanted| *wanted).await;
            self.queue.filled().await;
            let began = Instant::now();
            let trouble = match self.way.connect().await {
                Ok(stream) => {
                    info!("the tunnel's way through TCP is connected");
                    self.standing.send_modify(|standing| {
                        standing.is_connected = true;
                        standing.connections += 1;
                    });
                    let ended = tokio::select! {
                        biased;
                        _ = wanted.wait_for(|wanted| !*wanted) => continue,
                        ended = carry(stream, &self.local, &self.queue) => ended,
                        () = self.unused() => {
                            info!("the tunnel's way through TCP is not used and rests");
                            self.standing.send_modify(|standing| standing.is_connected = false);
                            continue;
                        }
                    };
                    info!(?ended, "the tunnel's way through TCP ended; it is made anew");
                    trouble_of(&ended)
                }
                Err(trouble) => {
                    debug!(cause = %trouble, "the tunnel's way through TCP is not there");
                    trouble
                }
            };
            let dropped = self.queue.dropped();
            self.standing.send_modify(|standing| {
                standing.is_connected = false;
                standing.trouble = Some(trouble);
                standing.dropped = dropped;
            });
            if began.elapsed() >= GOOD_AFTER {
                retry = RETRY_MIN;
            }
            tokio::select! {
                () = sleep(drawn(retry)) => {}
                _ = wanted.wait_for(|wanted| !*wanted) => continue,
            }
            retry = (retry * 2).min(RETRY_MAX);
        }
    }

    /// Returns when WireGuard has sent nothing for a while: it goes another way.
    async fn unused(&self) {
        let mut known = self.queue.taken();
        loop {
            sleep(UNUSED_MAX).await;
            let taken = self.queue.taken();
            if taken == known {
                return;
            }
            known = taken;
        }
    }
}

/// What the end of a connection says.
fn trouble_of(ended: &Ended) -> Trouble {
    match ended {
        Ended::Foreign(_) => Trouble::Captive,
        Ended::Silent | Ended::Slow | Ended::Closed | Ended::Broken(_) => Trouble::Ended,
    }
}

/// Between half of `wait` and the whole of it.
fn drawn(wait: Duration) -> Duration {
    let half = wait / 2;
    let span = u64::try_from(half.as_millis()).unwrap_or(u64::MAX - 1);
    half + Duration::from_millis(getrandom::u64().map_or(span, |number| number % (span + 1)))
}
