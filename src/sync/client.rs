//! The box's requests to central, under its own certificate.
//!
//! HTTP/1.1 over TLS 1.3 with connections kept. When the certificate is renewed, requests from then on show the new one;
//! those under way end with the one they began with.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use futures_util::future::{BoxFuture, select_ok};
use reqwest::{
    Method,
    dns::{Name, Resolving},
    header::CONTENT_TYPE,
};
use rustls::{ClientConfig, NamedGroup, crypto::aws_lc_rs, version::TLS13};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use tokio::{net::TcpStream, sync::watch, time::timeout};
use url::Url;

use super::{
    keeping::Kept,
    verifier::{Trusted, Verifier},
};
use crate::{
    protocol::{enrolment::Refusal, line::BYTES_MAX},
    system::clock::Clock,
};

/// How long a connection may take to stand.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(15);

/// How long a connection is kept without a request: shorter than central keeps it, so that none is used that just ended.
const IDLE_MAX: Duration = Duration::from_secs(120);

/// Connections kept at once: the live line, reports, the repository.
const IDLE_COUNT_MAX: usize = 3;

/// Addresses of central that are knocked at together.
const KNOCKS_MAX: usize = 4;

/// The longest answer with a setup in it, in bytes.
pub(super) const ENROLLED_BYTES_MAX: usize = 4 << 20;

/// Finds the addresses of a name. The daemon hands in its own resolver's; a command asks the system.
pub type Resolve = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Asks the system.
#[must_use]
pub fn resolve_by_system() -> Resolve {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// Why there is no answer to a request.
#[derive(Debug, Error)]
pub enum CallError {
    /// Central said no, or that it failed itself.
    #[error("central refuses: {} (`{}`, {status})", refusal.sentence, refusal.code)]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// Why.
        refusal: Refusal,
    },
    /// Central could not be reached, or the connection broke, or it was not central.
    #[error("central cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    /// What came is not what central answers.
    #[error("central's answer cannot be read: {0}")]
    Unreadable(String),
}

impl CallError {
    /// The word for what was refused, if central refused.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { refusal, .. } => Some(&refusal.code),
            Self::Unreachable(_) | Self::Unreadable(_) => None,
        }
    }
}

/// Requests to central. Cloning is cheap; all clones show the same certificate.
#[derive(Clone)]
pub struct Client {
    central: Url,
    clock: Clock,
    resolve: Resolve,
    http: watch::Sender<reqwest::Client>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// A client that shows the certificate of `kept` and takes for central whoever its authorities signed for.
    ///
    /// # Errors
    /// When certificate and key cannot be used.
    pub fn new(kept: &Kept, clock: Clock, resolve: Resolve) -> anyhow::Result<Self> {
        let config = with_certificate(kept, &clock)?;
        let http = watch::Sender::new(http(config, &resolve)?);
        Ok(Self { central: kept.central.clone(), clock, resolve, http })
    }

    /// A client without a certificate, for whoever has a token only.
    pub(super) fn for_enrolment(
        central: Url,
        authority: [u8; 32],
        clock: Clock,
        resolve: Resolve,
    ) -> anyhow::Result<Self> {
        let config = config(Trusted::Digest(authority), &clock)?.with_no_client_auth();
        let http = watch::Sender::new(http(config, &resolve)?);
        Ok(Self { central, clock, resolve, http })
    }

    /// Shows the certificate of `kept` from now on.
    pub(super) fn swap(&self, kept: &Kept) -> anyhow::Result<()> {
        let renewed = http(with_certificate(kept, &self.clock)?, &self.resolve)?;
        self.http.send_replace(renewed);
        Ok(())
    }

    /// Where central is.
    #[must_use]
    pub fn central(&self) -> &Url {
        &self.central
    }

    /// Whether anybody takes connections where central is, known within `wait_max`. Nothing is said to them.
    pub(super) async fn is_anybody_there(&self, wait_max: Duration) -> bool {
        let Some((name, port)) = self.central.host_str().zip(self.central.port_or_known_default()) else {
            return false;
        };
        let connected = async {
            let found = (self.resolve)(name.to_owned()).await?;
            let tries = found.into_iter().take(KNOCKS_MAX);
            let tries: Vec<_> = tries.map(|ip| Box::pin(TcpStream::connect((ip, port)))).collect();
            if tries.is_empty() {
                return Err(io::ErrorKind::NotFound.into());
            }
            select_ok(tries).await
        };
        matches!(timeout(wait_max, connected).await, Ok(Ok(_)))
    }

    /// What makes requests, for bodies that are too long to be held. Ask again for each request: the certificate may have been
    /// renewed.
    #[must_use]
    pub fn http(&self) -> reqwest::Client {
        self.http.borrow().clone()
    }

    /// The same, told again at each renewal.
    #[must_use]
    pub fn renewals(&self) -> watch::Receiver<reqwest::Client> {
        self.http.subscribe()
    }

    /// Posts `body` to `path`, such as `v1/line`, and reads the answer, which may take `wait_max` in all.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        wait_max: Duration,
    ) -> Result<T, CallError> {
        self.call(Method::POST, path, body, wait_max, BYTES_MAX).await
    }

    /// The same with PUT.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        wait_max: Duration,
    ) -> Result<T, CallError> {
        self.call(Method::PUT, path, body, wait_max, BYTES_MAX).await
    }

    /// Gets `path` and reads the answer.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str, wait_max: Duration) -> Result<T, CallError> {
        let url = self.central.join(path).map_err(|error| CallError::Unreadable(error.to_string()))?;
        let answer = self.http().get(url).timeout(wait_max).send().await.map_err(unreachable)?;
        read_answer(answer, BYTES_MAX).await
    }

    pub(super) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
        wait_max: Duration,
        answer_bytes_max: usize,
    ) -> Result<T, CallError> {
        let unreadable = |error: &dyn fmt::Display| CallError::Unreadable(error.to_string());
        let url = self.central.join(path).map_err(|error| unreadable(&error))?;
        let body = serde_json::to_vec(body).map_err(|error| unreadable(&error))?;
        let request = self.http().request(method, url).header(CONTENT_TYPE, "application/json");
        let answer = request.timeout(wait_max).body(body).send().await.map_err(unreachable)?;
        read_answer(answer, answer_bytes_max).await
    }
}

/// What was answered, or how it was refused.
async fn read_answer<T: DeserializeOwned>(
    answer: reqwest::Response,
    bytes_max: usize,
) -> Result<T, CallError> {
    let status = answer.status();
    let bytes = read(answer, bytes_max).await?;
    if status.is_success() {
        return serde_json::from_slice(&bytes).map_err(|error| CallError::Unreadable(error.to_string()));
    }
    match serde_json::from_slice(&bytes) {
        Ok(refusal) => Err(CallError::Refused { status: status.as_u16(), refusal }),
        Err(_) => Err(CallError::Unreadable(format!("status {status}"))),
    }
}

/// Without the address, which is nothing for the log.
fn unreachable(error: reqwest::Error) -> CallError {
    CallError::Unreachable(error.without_url())
}

async fn read(mut answer: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, CallError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if bytes.len() + chunk.len() > bytes_max {
            return Err(CallError::Unreadable(format!("it is longer than {bytes_max} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

type Halfway = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn config(trusted: Trusted, clock: &Clock) -> anyhow::Result<Halfway> {
    let verifier = Arc::new(Verifier::new(trusted, clock.clone()));
    // What passes here holds for years, such as what the tunnel's ends share beforehand: the agreement that a quantum computer
    // does not undo comes first, the plain one after it.
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups.sort_by_key(|group| group.name() != NamedGroup::X25519MLKEM768);
    Ok(ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier))
}

fn with_certificate(kept: &Kept, clock: &Clock) -> anyhow::Result<ClientConfig> {
    let trusted = Trusted::Authorities(kept.authorities.clone());
    Ok(config(trusted, clock)?.with_client_auth_cert(kept.chain.clone(), kept.key()?)?)
}

fn http(config: ClientConfig, resolve: &Resolve) -> anyhow::Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(config)
        .dns_resolver(Names(Arc::clone(resolve)))
        .https_only(true)
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_WAIT_MAX)
        .pool_idle_timeout(IDLE_MAX)
        .pool_max_idle_per_host(IDLE_COUNT_MAX)
        .tcp_keepalive(Duration::from_secs(60))
        .build()?)
}

/// The handed-in resolver as reqwest asks for it.
struct Names(Resolve);

impl reqwest::dns::Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let found = (self.0)(name.as_str().to_owned());
        Box::pin(async move {
            // Port 0 stands for the address's own.
            let addresses = found.await?.into_iter().map(|ip| SocketAddr::new(ip, 0));
            let addresses: reqwest::dns::Addrs = Box::new(addresses);
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agreement_that_a_quantum_computer_does_not_undo_is_offered_first() {
        let clock = Clock::from_fn(|| crate::model::Moment::from_unix_seconds(0));
        let offered = config(Trusted::Digest([0; 32]), &clock).unwrap().with_no_client_auth();
        let groups: Vec<_> = offered.crypto_provider().kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(groups.first(), Some(&NamedGroup::X25519MLKEM768));
        assert!(groups.contains(&NamedGroup::X25519), "{groups:?}");
    }
}
