//! The console's listener.

use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use axum::Router;
use preau::system::sockets::listen_tcp;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    certificate::Certificate,
    connection::{self, Entrance},
    parts::{Parts, Settings},
    road::{Console, router},
};

/// How long connections may take to end after the stop signal.
const STOP_WAIT_MAX: Duration = Duration::from_secs(3);

/// The pause after the kernel refused to hand over a connection, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections at once in all: bounds memory under a flood.
const CONNECTIONS_MAX: usize = 1024;

/// Connections at once from one address: an office behind one address is many people.
const CONNECTIONS_OF_ADDRESS_MAX: usize = 256;

/// The console, its socket bound.
#[derive(Debug)]
pub struct Service {
    socket: TcpListener,
    router: Router,
    certificate: Certificate,
    entrance: Entrance,
    ending: CancellationToken,
}

impl Service {
    /// Reads the certificate and binds the socket.
    ///
    /// # Errors
    /// When the certificate cannot be used or the kernel refuses the socket.
    pub fn bind(settings: Settings, parts: Parts) -> anyhow::Result<Self> {
        let certificate = Certificate::open(&settings.certificate_path, &settings.key_path)?;
        let tls = certificate.tls(settings.clients.as_ref())?;
        let entrance = Entrance { tls, clients: settings.clients.clone() };
        let listen = settings.listen;
        let socket = listen_tcp(listen).with_context(|| format!("console cannot listen on {listen}"))?;
        let ending = CancellationToken::new();
        let router = router(Arc::new(Console::new(settings, parts, ending.clone())));
        Ok(Self { socket, router, certificate, entrance, ending })
    }

    /// Where it listens, also where the settings left the port to the kernel.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn address(&self) -> anyhow::Result<std::net::SocketAddr> {
        self.socket.local_addr().context("the console's socket has no address")
    }

    /// Serves until `stop` is signalled; connections then have three seconds to finish.
    ///
    /// # Errors
    /// Never: what goes wrong with one connection ends that connection.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        info!("console listens");
        let mut connections: JoinSet<Option<IpAddr>> = JoinSet::new();
        connections.spawn(watch(self.certificate, stop.clone()));
        let mut open: HashMap<IpAddr, usize> = HashMap::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = connections.join_next() => {
                    forget(&mut open, ended.ok().flatten());
                    continue;
                }
                accepted = self.socket.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(cause = %error, "console cannot take a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let of_address = open.entry(peer.ip()).or_default();
            if connections.len() > CONNECTIONS_MAX || *of_address >= CONNECTIONS_OF_ADDRESS_MAX {
                debug!("too many connections; one is closed at once");
                continue;
            }
            *of_address += 1;
            let serving =
                connection::serve(stream, peer, self.router.clone(), self.entrance.clone(), stop.clone());
            connections.spawn(async move {
                serving.await;
                Some(peer.ip())
            });
        }
        self.ending.cancel();
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(STOP_WAIT_MAX, all_ended).await.is_err() {
            debug!("some connections of the console did not end in time and are dropped");
        }
        Ok(())
    }
}

async fn watch(certificate: Certificate, stop: CancellationToken) -> Option<IpAddr> {
    certificate.watch(stop).await;
    None
}

/// One connection from `address` less.
fn forget(open: &mut HashMap<IpAddr, usize>, address: Option<IpAddr>) {
    let Some(address) = address else { return };
    if let Some(count) = open.get_mut(&address) {
        *count -= 1;
        if *count == 0 {
            open.remove(&address);
        }
    }
}
