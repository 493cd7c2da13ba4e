//! The portal's listeners, on every zone's box addresses.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    cas,
    connection::{self, Road},
    front::Front,
    parts::Parts,
    plain::{self, Plain},
    secure::{self, Secure},
    settings::Settings,
    shown::Shown,
    visitor::Visitor,
};
use crate::{
    enforce::{gate::Gate, places::Places},
    model::Zone,
    system::sockets::listen_tcp,
};

/// How long connections may take to end after the stop signal.
const STOP_WAIT_MAX: Duration = Duration::from_secs(3);

/// The pause after the kernel refused to hand over a connection, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections at once in all: bounds memory under a flood (about 60 KiB each).
const CONNECTIONS_MAX: usize = 2048;

/// Connections at once of one machine: keeps it from taking everybody's place. A page with many closed sites on it opens
/// some dozens.
const CONNECTIONS_OF_CLIENT_MAX: usize = 64;

/// The portal, its sockets bound.
#[derive(Debug)]
pub struct Service {
    listeners: Vec<Listener>,
    /// Ends the pages that stay open to be told of changes.
    ending: CancellationToken,
    farewell: cas::Farewell,
    shown: Shown,
}

/// One socket and what its connections get.
#[derive(Debug)]
struct Listener {
    socket: TcpListener,
    zone: Arc<Zone>,
    road: Road,
    places: Places,
    gate: Gate,
}

impl Service {
    /// Reads the certificate and binds every socket: HTTP and HTTPS on each zone's IPv4 and IPv6 box address.
    ///
    /// # Errors
    /// When the certificate cannot be used or the kernel refuses a socket.
    pub fn bind(settings: &Settings, parts: Parts) -> anyhow::Result<Self> {
        let shown = Shown::open(settings)?;
        let tls = shown.tls_config(&[b"http/1.1"])?;
        let front = match parts.fronting.clone() {
            Some(fronting) => {
                let (gate, identity) = (parts.gate.clone(), parts.identity.clone());
                Some(Arc::new(Front::new(&settings.fronted, fronting, gate, identity)?))
            }
            None => None,
        };
        let (gate, clock, ending) = (parts.gate.clone(), parts.clock.clone(), CancellationToken::new());
        let secure = Secure::new(settings, parts, ending.clone())?;
        let farewell = cas::Farewell::new(secure.cas.clone(), clock);
        let (house, name) = (secure.house.clone(), settings.name.clone());
        let plain = Plain { house, name: name.clone(), gate: gate.clone(), front: front.clone() };
        let plain = Road::Plain(plain::router(Arc::new(plain)));
        let secure = Road::Secure { router: secure::router(Arc::new(secure)), tls, name, front };
        let places = Places::new(CONNECTIONS_MAX, CONNECTIONS_OF_CLIENT_MAX);
        let mut listeners = Vec::new();
        for zone in &settings.zones {
            for address in [IpAddr::V4(zone.ipv4.addr()), IpAddr::V6(zone.ipv6.addr())] {
                for (port, road) in [(settings.http_port, &plain), (settings.https_port, &secure)] {
                    let address = SocketAddr::new(address, port);
                    let socket =
                        listen_tcp(address).with_context(|| format!("portal cannot listen on {address}"))?;
                    let (zone, road) = (zone.clone(), road.clone());
                    let (places, gate) = (places.clone(), gate.clone());
                    listeners.push(Listener { socket, zone, road, places, gate });
                }
            }
        }
        Ok(Self { listeners, farewell, ending, shown })
    }

    /// The certificate it shows.
    #[must_use]
    pub fn shown(&self) -> Shown {
        self.shown.clone()
    }

    /// Serves until `stop` is signalled; connections then have three seconds to finish.
    ///
    /// # Errors
    /// When a listener ends on its own.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        info!(sockets = self.listeners.len(), "portal listens");
        let mut running = JoinSet::new();
        let (asked_to_stop, ending) = (stop.clone(), self.ending);
        running.spawn(async move {
            asked_to_stop.cancelled().await;
            ending.cancel();
        });
        running.spawn(self.farewell.serve(stop.clone()));
        for listener in self.listeners {
            running.spawn(listener.serve(stop.clone()));
        }
        while let Some(ended) = running.join_next().await {
            ended.context("a listener of the portal was cut short")?;
        }
        Ok(())
    }
}

impl Listener {
    async fn serve(self, stop: CancellationToken) {
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                accepted = self.socket.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(cause = %error, "portal cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let Some(place) = self.places.take(self.gate.client_at(peer.ip())) else {
                debug!("too many connections; one is closed at once");
                continue;
            };
            // Without it the last bytes of an answer wait for the client's word on those before; it fails where the client
            // is gone already.
            let _ = stream.set_nodelay(true);
            let visitor = Visitor { source: peer.ip(), zone: self.zone.clone() };
            let (gate, road, stop) = (self.gate.clone(), self.road.clone(), stop.clone());
            connections.spawn(async move {
                gate.hear_of(visitor.source).await;
                connection::serve(stream, visitor, road, stop).await;
                drop(place);
            });
        }
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WAIT_MAX, all_ended).await.is_err() {
            debug!("some connections of the portal did not end in time and are dropped");
        }
    }
}
