//! The way through TCP at the concentrator: TLS, and behind it a socket towards WireGuard for each connection.
//!
//! Nobody is asked for a certificate: a box whose certificate has ended must come in too, and WireGuard behind the door knows
//! who may. Whoever has no key of ours reaches a port that says nothing, and is put out after half a minute.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use preau::{
    model::Moment,
    protocol::relay::ALPN,
    system::clock::Clock,
    vpn::ladder::{Ended, Local, Queue, carry, collect, prepare},
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
    version::TLS13,
};
use tokio::{
    net::{TcpListener, TcpStream, UdpSocket},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::limits::{
    ACCEPT_WAIT, ANSWERED_WITHIN, CONNECTIONS_MAX, HANDSHAKE_WAIT_MAX, HANDSHAKES_MAX, QUIET_MAX,
    SOURCE_CONNECTIONS_MAX,
};
use crate::authority::Authority;

/// The door, bound.
pub struct Door {
    listener: TcpListener,
    tls: TlsAcceptor,
    handshakes: Arc<Semaphore>,
    wireguard: SocketAddr,
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("wireguard", &self.wireguard).finish_non_exhaustive()
    }
}

impl Door {
    /// Binds at `listen`, as `name`, in front of the WireGuard of this machine that listens at `wireguard_port`. `clock` is the
    /// authority's.
    ///
    /// # Errors
    /// When the address is taken, or no authority signs.
    pub async fn bind(
        listen: SocketAddr,
        name: &str,
        wireguard_port: u16,
        authority: Authority,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen for the tunnel's way through TCP at {listen}"))?;
        let (key, until) = authority.certify(name)?;
        let certificates = Certificates {
            name: name.to_owned(),
            authority,
            clock,
            made: Mutex::new((Arc::new(key), until)),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(certificates));
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.alpn_protocols = vec![ALPN.to_vec()];
        let wireguard = SocketAddr::from((Ipv4Addr::LOCALHOST, wireguard_port));
        let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
        Ok(Self { listener, tls: TlsAcceptor::from(Arc::new(config)), handshakes, wireguard })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn local_address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until `stop`.
    ///
    /// # Errors
    /// None; it ends with `stop`.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let places = Places::default();
        let mut connections = JoinSet::new();
        info!("the tunnel's way through TCP is open");
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(cause = %error, "cannot accept a connection");
                    sleep(ACCEPT_WAIT).await;
                    continue;
                }
            };
            let Some(place) = places.take(peer.ip()) else { continue };
            let (tls, handshakes, wireguard) =
                (self.tls.clone(), Arc::clone(&self.handshakes), self.wireguard);
            connections.spawn(async move {
                // The place is free again when this ends, or is dropped with the set.
                let _place = place;
                if let Err(error) = serve(stream, &tls, &handshakes, wireguard).await {
                    debug!(cause = format!("{error:#}"), "a connection of the way through TCP failed");
                }
            });
        }
    }
}

/// Carries for one connection until it ends.
async fn serve(
    stream: TcpStream,
    tls: &TlsAcceptor,
    handshakes: &Semaphore,
    wireguard: SocketAddr,
) -> anyhow::Result<()> {
    prepare(&stream)?;
    let in_turn = async {
        let _turn = handshakes.acquire().await;
        tls.accept(stream).await
    };
    let stream = timeout(HANDSHAKE_WAIT_MAX, in_turn).await.context("TLS took too long")??;
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no socket on loopback")?;
    let (local, queue) = (Local::towards(socket, wireguard), Queue::default());
    let ended = tokio::select! {
        ended = carry(stream, &local, &queue) => ended,
        error = collect(&local, &queue) => Ended::Broken(error),
        () = quiet(&queue) => Ended::Silent,
    };
    debug!(?ended, "a connection of the way through TCP ended");
    Ok(())
}

/// Returns when WireGuard has nothing to say to whoever is there.
async fn quiet(queue: &Queue) {
    let (mut known, mut wait) = (0, ANSWERED_WITHIN);
    loop {
        sleep(wait).await;
        let taken = queue.taken();
        if taken == known {
            return;
        }
        (known, wait) = (taken, QUIET_MAX);
    }
}

/// The door's certificate, made anew in time.
struct Certificates {
    name: String,
    authority: Authority,
    clock: Clock,
    made: Mutex<(Arc<CertifiedKey>, Moment)>,
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificates")
    }
}

impl ResolvesServerCert for Certificates {
    /// Whoever asks for another name has come to the wrong door, and is told so by an alert.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if !hello.server_name().is_some_and(|asked| asked.eq_ignore_ascii_case(&self.name)) {
            return None;
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if self.clock.now() >= made.1 {
            match self.authority.certify(&self.name) {
                Ok((key, until)) => *made = (Arc::new(key), until),
                // Boxes do not ask whether it has ended.
                Err(error) => {
                    warn!(cause = format!("{error:#}"), "the door goes on with its old certificate")
                }
            }
        }
        Some(Arc::clone(&made.0))
    }
}

/// How many connections there are from each source.
#[derive(Clone, Debug, Default)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection's place, free again when dropped.
#[derive(Debug)]
struct Place {
    places: Places,
    source: IpAddr,
}

impl Places {
    fn take(&self, from: IpAddr) -> Option<Place> {
        let source = source(from);
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, its): (usize, usize) = (taken.values().sum(), taken.get(&source).copied().unwrap_or(0));
        if all >= CONNECTIONS_MAX || its >= SOURCE_CONNECTIONS_MAX {
            return None;
        }
        taken.insert(source, its + 1);
        Some(Place { places: self.clone(), source })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        match taken.get(&self.source) {
            Some(1) | None => drop(taken.remove(&self.source)),
            Some(&count) => drop(taken.insert(self.source, count - 1)),
        }
    }
}

/// Who a connection is counted for: an IPv4 address, or the network of 64 bits that a line has in IPv6.
fn source(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_fills_its_own_places_only_and_a_network_of_ipv6_is_one() {
        let places = Places::default();
        let from: IpAddr = "192.0.2.1".parse().unwrap();
        let taken: Vec<Place> = (0..SOURCE_CONNECTIONS_MAX).map(|_| places.take(from).unwrap()).collect();
        assert!(places.take(from).is_none());
        assert!(places.take("::ffff:192.0.2.1".parse().unwrap()).is_none());
        let other = places.take("192.0.2.2".parse().unwrap());
        assert!(other.is_some());
        assert_eq!(source("2001:db8::1".parse().unwrap()), source("2001:db8::ffff:1".parse().unwrap()));
        drop((taken, other));
        assert!(places.0.lock().unwrap().is_empty());
    }
}
