//! One connection to the concentrator: name, address, TCP, TLS; and what each failure says about the line.

use std::{
    error::Error,
    fmt, io,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use futures_util::future::{BoxFuture, select_ok};
use rustls::{ClientConfig, crypto::aws_lc_rs, version::TLS13};
use rustls_pki_types::{CertificateDer, ServerName};
use thiserror::Error;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{carry::prepare, standing::Trouble, verifier::Verifier};
use crate::protocol::relay::ALPN;

/// How long the name, the connection and TLS may take, each.
const STEP_WAIT_MAX: Duration = Duration::from_secs(10);

/// Addresses that are tried together.
const TRIES_MAX: usize = 4;

/// Finds the addresses of a name. The daemon hands in its own resolver's, which asks on the line.
pub type Resolve = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Where a concentrator's way through TCP is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    name: String,
    port: u16,
}

/// A text that is no such place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no name with a port; write such as `tunnel.ac-exemple.example:443`")]
pub struct PlaceError(String);

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let wrong = || PlaceError(text.to_owned());
        let (name, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        let is_name = matches!(ServerName::try_from(name), Ok(ServerName::DnsName(_)));
        if is_name { Ok(Self { name: name.to_owned(), port }) } else { Err(wrong()) }
    }
}

impl Place {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}

/// Makes connections.
pub(super) struct Way {
    place: Place,
    resolve: Resolve,
    mark: Option<u32>,
    tls: TlsConnector,
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Way").finish_non_exhaustive()
    }
}

impl Way {
    pub(super) fn new(
        place: Place,
        authorities: &[CertificateDer<'static>],
        resolve: Resolve,
        mark: Option<u32>,
    ) -> anyhow::Result<Self> {
        let verifier = Arc::new(Verifier::new(authorities)?);
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { place, resolve, mark, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// A connection that is ready to carry.
    pub(super) async fn connect(&self) -> Result<TlsStream<TcpStream>, Trouble> {
        let found = timeout(STEP_WAIT_MAX, (self.resolve)(self.place.name.clone())).await;
        let found = found.ok().and_then(Result::ok).filter(|found| !found.is_empty());
        let found = found.ok_or(Trouble::Unresolved)?;
        let tries: Vec<_> = found.into_iter().take(TRIES_MAX).map(|ip| Box::pin(self.knock(ip))).collect();
        let stream = match timeout(STEP_WAIT_MAX, select_ok(tries)).await {
            Ok(Ok((stream, _))) => stream,
            Ok(Err(_)) | Err(_) => return Err(Trouble::Unreachable),
        };
        prepare(&stream).map_err(|_| Trouble::Cut)?;
        let name = ServerName::try_from(self.place.name.clone()).map_err(|_| Trouble::Unresolved)?;
        match timeout(STEP_WAIT_MAX, self.tls.connect(name, stream)).await {
            // Whoever does not choose our protocol is no concentrator, though the authority signed for it.
            Ok(Ok(stream)) if stream.get_ref().1.alpn_protocol() != Some(ALPN) => Err(Trouble::Captive),
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) if is_of_tls(&error) => Err(Trouble::Captive),
            Ok(Err(_)) | Err(_) => Err(Trouble::Cut),
        }
    }

    async fn knock(&self, ip: IpAddr) -> io::Result<TcpStream> {
        let socket = if ip.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(mark) = self.mark {
            socket2::SockRef::from(&socket).set_mark(mark)?;
        }
        socket.connect(SocketAddr::new(ip, self.place.port)).await
    }
}

/// Whether the other end said something that is not what the concentrator says.
fn is_of_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner: &(dyn Error + Send + Sync + 'static)| inner.is::<rustls::Error>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_name_with_a_port() {
        let place: Place = "tunnel.ac-exemple.example:443".parse().unwrap();
        assert_eq!((place.name(), place.port()), ("tunnel.ac-exemple.example", 443));
        for wrong in ["", "tunnel.example", "tunnel.example:0", "192.0.2.1:443", "a b:443", "x:65536"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }
}
