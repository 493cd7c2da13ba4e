//! Accepts the connections that TPROXY hands over and sends each down the road of its protocol.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use rustix::process::{Resource, getrlimit};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::interval,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    closing::reset,
    connect::OwnNetworks,
    errand::Footing,
    http,
    limits::Limits,
    page::RefusalPage,
    passage::{Ground, Passage},
    relay::Pipes,
    tls,
    updates::Updates,
};
use crate::{
    enforce::{
        dns::Resolver,
        gate::Gate,
        places::{Client, Place, Places},
    },
    journal::Channel,
    model::{self, Speech, Transport, Zone},
    system::sockets::listen_transparent,
};

const PORT_HTTP: u16 = 80;
const PORT_TLS: u16 = 443;

/// How long to wait after the kernel refused to hand over a connection, mostly for want of file descriptors: existing
/// connections end meanwhile, and the processor is not spent on asking again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long the next timer to end runs at most. A timer that would end before all others costs the runtime a write to itself;
/// those of connections run longer, so that none of them is the first.
const TICK: Duration = Duration::from_secs(1);

/// File descriptors left to the rest of the daemon.
const FILES_RESERVED: u64 = 256;

/// File descriptors of one connection: two sockets, and on average no more than one pipe.
const FILES_PER_CONNECTION: u64 = 4;

/// What the proxy serves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The zones in the order of the configuration; zone *i* has the port `port_base + i`.
    pub zones: Vec<Arc<Zone>>,
    /// The first port; all of the zones' ports exist.
    pub port_base: u16,
}

/// The interception proxy, its listeners bound.
pub struct Service {
    listeners: Vec<(Arc<Zone>, TcpListener)>,
    ground: Ground,
    places: Places,
}

impl Service {
    /// Binds a transparent listener for each zone and family. To be called within the runtime that serves.
    ///
    /// # Errors
    /// When a port is taken, or the process may not have transparent sockets (`CAP_NET_ADMIN`).
    pub fn bind(
        settings: &Settings,
        gate: Gate,
        resolver: Resolver,
        page: RefusalPage,
        updates: Option<Updates>,
        epoch: watch::Receiver<u64>,
    ) -> anyhow::Result<Self> {
        let mut listeners = Vec::with_capacity(settings.zones.len() * 2);
        for (index, zone) in settings.zones.iter().enumerate() {
            let port = u16::try_from(index).ok().and_then(|index| settings.port_base.checked_add(index));
            let port = port.context("there are more zones than ports for them")?;
            for wildcard in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
                let listener = listen_transparent(SocketAddr::new(wildcard, port))
                    .with_context(|| format!("cannot listen for intercepted connections on port {port}"))?;
                listeners.push((Arc::clone(zone), listener));
            }
        }
        let limits = Limits { connections_max: connections_max(), ..Limits::SCHOOL };
        let places = Places::new(limits.connections_max, limits.connections_per_client_max);
        let ground = Ground {
            footing: Footing { gate, resolver, own: OwnNetworks::of(&settings.zones), epoch },
            page,
            updates,
            pipes: Pipes::new(limits.pipes_max),
            limits,
        };
        Ok(Self { listeners, ground, places })
    }

    /// Serves until `stop`, on the runtime that calls, whichever it was that bound; connections that are open then are
    /// closed.
    ///
    /// # Errors
    /// When a listener cannot be taken over. A failing accept is survived.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut accepting = JoinSet::new();
        for (zone, listener) in self.listeners {
            let moved = listener.into_std().and_then(TcpListener::from_std);
            let listener = moved.context("cannot take over a listener of the proxy")?;
            let (ground, gate) = (self.ground.clone(), self.ground.footing.gate.clone());
            accepting.spawn(accept(
                listener,
                self.places.clone(),
                move |source| gate.client_at(source),
                move |client, source, place| {
                    serve_one(client, source, place, Arc::clone(&zone), ground.clone())
                },
            ));
        }
        let mut ticks = interval(TICK);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {}
        accepting.shutdown().await;
        Ok(())
    }
}

/// Takes connections for ever, and serves each in a task of its own; all of them end with this one.
async fn accept<Served>(
    listener: TcpListener,
    places: Places,
    whose: impl Fn(IpAddr) -> Client,
    serve: impl Fn(TcpStream, IpAddr, Place) -> Served,
) where
    Served: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    let mut is_failing = false;
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((client, source)) => {
                    is_failing = false;
                    // Too many: the client learns it at once, and the kernel's queue stays free for the others.
                    let Some(place) = places.take(whose(source.ip())) else {
                        reset(client);
                        continue;
                    };
                    connections.spawn(serve(client, source.ip(), place));
                }
                Err(error) => {
                    if !is_failing {
                        warn!(%error, "cannot accept connections, going on trying");
                    }
                    is_failing = true;
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Sends one connection down the road of the port that the client asked for; it has its `place` until its end.
async fn serve_one(client: TcpStream, source: IpAddr, _place: Place, zone: Arc<Zone>, ground: Ground) {
    let Ok(destination) = client.local_addr() else { return reset(client) };
    ground.footing.gate.hear_of(source).await;
    let passage = |channel| Passage::new(&ground, source, &zone, destination, channel);
    match destination.port() {
        PORT_TLS => tls::serve(client, &passage(Channel::Tls)).await,
        // Boxed: it is large, and every connection would have room for it.
        PORT_HTTP => Box::pin(http::serve(client, &passage(Channel::Http))).await,
        port => match tls_service(&zone, port) {
            Some(service) => tls::serve(client, &passage(Channel::Tls).narrowed_to(service)).await,
            // Closed: nothing else is sent here, so this is somebody knocking at the listener itself.
            None => {
                debug!("connection for another port closed");
                reset(client);
            }
        },
    }
}

/// The service of the zone that speaks TLS on this port.
fn tls_service(zone: &Zone, port: u16) -> Option<&model::Service> {
    let (service, ports) = zone.service_on(Transport::Tcp, port)?;
    (ports.speaks == Some(Speech::Tls)).then_some(service)
}

/// As many connections as the process may open files for.
fn connections_max() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let connections = files.saturating_sub(FILES_RESERVED) / FILES_PER_CONNECTION;
    let wanted = Limits::SCHOOL.connections_max;
    let possible = usize::try_from(connections).unwrap_or(wanted);
    if possible < wanted {
        warn!(files, connections = possible, "the limit of open files bounds the proxy's connections");
    }
    possible.min(wanted)
}

#[cfg(test)]
mod tests {
    use std::io;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// A listener that echoes one byte of each connection, and lets in two at a time.
    async fn echo() -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let places = Places::new(10, 2);
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, places, Client::Address, |mut client, _, place| async move {
            let byte = client.read_u8().await.unwrap();
            client.write_u8(byte).await.unwrap();
            drop(place);
        }));
        (address, accepting)
    }

    async fn ask(client: &mut TcpStream) -> io::Result<u8> {
        client.write_u8(7).await?;
        client.read_u8().await
    }

    #[tokio::test]
    async fn a_connection_too_many_is_reset_and_its_place_comes_back() {
        let (address, _accepting) = echo().await;
        let connect = || async { TcpStream::connect(address).await.unwrap() };
        let (mut first, mut second) = (connect().await, connect().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(ask(&mut connect().await).await.is_err());
        assert_eq!(ask(&mut first).await.unwrap(), 7);
        assert_eq!(ask(&mut second).await.unwrap(), 7);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(ask(&mut connect().await).await.unwrap(), 7);
    }

    #[test]
    fn a_connection_has_room_for_the_road_of_tls_and_for_no_other() {
        fn served<F>(_serve: impl Fn(TcpStream, IpAddr, Place, Arc<Zone>, Ground) -> F) -> usize {
            size_of::<F>()
        }
        let bytes = served(serve_one);
        assert!(bytes < 3 * 1024, "{bytes} bytes");
    }

    #[tokio::test]
    async fn open_connections_end_with_the_service() {
        let (address, mut accepting) = echo().await;
        let mut client = TcpStream::connect(address).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        accepting.shutdown().await;
        assert!(client.read_u8().await.is_err());
    }
}
