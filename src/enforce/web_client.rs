//! The box's own requests to web servers: to the school's ENT, and to applications that are told of a sign-out.
//!
//! Nothing here is anybody's traffic: a request goes to a URL that the configuration names, and what comes back is read by
//! the box and given to nobody. Each request has a connection of its own, follows no redirection, and is bounded in time
//! and size, so that a server that answers slowly, much or never costs a request and no more.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use bytes::{Bytes, BytesMut};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response, Uri,
    body::{Body as _, Incoming},
    client::conn::http1,
    header::{ACCEPT_ENCODING, CONNECTION, HOST, HeaderValue, USER_AGENT},
    http::uri::Scheme,
};
use hyper_util::rt::TokioIo;
use rustls::{CertificateError, ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_rustls::TlsConnector;

use super::dns::{ResolveError, Resolver};
use crate::model::Domain;

/// How long a request may take in all, from the name to the last byte.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

/// How long one address may be silent before the next is tried beside it.
const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(300);

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 6;

/// Longest body of an answer, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// Header fields of an answer.
const FIELDS_MAX: usize = 100;

/// Certificate authorities that one file may hold.
const AUTHORITIES_MAX: usize = 4096;

/// Where Debian keeps the authorities that the system trusts.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What the box says it is.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("preau/", env!("CARGO_PKG_VERSION")));

/// Asks web servers in the box's own name. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct WebClient {
    resolver: Resolver,
    tls: TlsConnectorOf,
}

/// Why there is no answer. None of them names the server: they may end in the log.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The URL is neither http nor https, or its host is no name.
    #[error("the URL cannot be asked")]
    Url,
    /// The name has no address, or no resolver answered.
    #[error("the name cannot be resolved")]
    Name(#[source] ResolveError),
    /// No address of the server takes a connection.
    #[error("the server cannot be reached")]
    Connection(#[source] io::Error),
    /// The server's certificate does not hold.
    #[error("the server's certificate does not hold: {0}")]
    Certificate(CertificateFault),
    /// TLS or HTTP went wrong in another way.
    #[error("the server breaks off or does not speak the protocol")]
    Protocol,
    /// It took more than ten seconds in all.
    #[error("the server takes too long")]
    Time,
    /// The answer is larger than 1 MiB, or its head than 64 KiB.
    #[error("the answer is too large")]
    Size,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateFault {
    /// It has ended or not begun: it may as well be the box's clock that is wrong.
    #[error("it has ended or not begun, or the clock is wrong")]
    Dates,
    /// None of the trusted authorities signed it.
    #[error("no trusted authority signed it")]
    Authority,
    /// It is for another name.
    #[error("it is for another name")]
    Name,
    /// Anything else.
    #[error("it is malformed, revoked or not for servers")]
    Other,
}

/// The TLS side, without printing the authorities.
#[derive(Clone)]
struct TlsConnectorOf(TlsConnector);

impl WebClient {
    /// A client that trusts the authorities of the PEM file `authorities_path`, or those of the system.
    ///
    /// # Errors
    /// When the file cannot be read or holds no authority.
    pub fn new(resolver: Resolver, authorities_path: Option<&Path>) -> anyhow::Result<Self> {
        let authorities = read_authorities(authorities_path.unwrap_or(Path::new(SYSTEM_AUTHORITIES)))?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .context("cannot set up TLS")?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { resolver, tls: TlsConnectorOf(TlsConnector::from(Arc::new(config))) })
    }

    /// Sends `request`, whose URI is absolute, and reads the whole answer, whatever its status. With `at` the connection
    /// goes there instead of where the name is; the certificate must be the name's all the same.
    ///
    /// # Errors
    /// See [`WebError`]; whether the server has acted on the request is then not known.
    pub async fn send(
        &self,
        request: Request<Bytes>,
        at: Option<SocketAddr>,
    ) -> Result<Response<Bytes>, WebError> {
        timeout(REQUEST_TIME_MAX, self.exchange(request, at)).await.unwrap_or(Err(WebError::Time))
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
        at: Option<SocketAddr>,
    ) -> Result<Response<Bytes>, WebError> {
        let target = Target::of(request.uri())?;
        let request = as_sent(request)?;
        let stream = match at {
            Some(address) => TcpStream::connect(address).await.map_err(WebError::Connection)?,
            None => connect_to_one_of(self.addresses(&target.host).await?, target.port).await?,
        };
        // Requests are one write; nothing is gained by waiting for more.
        stream.set_nodelay(true).map_err(WebError::Connection)?;
        if !target.is_https {
            return converse(stream, request).await;
        }
        let name = target.host.server_name()?;
        let stream = self.tls.0.connect(name, stream).await.map_err(|error| tls_fault(&error))?;
        converse(stream, request).await
    }

    async fn addresses(&self, host: &Host) -> Result<Vec<IpAddr>, WebError> {
        match host {
            Host::Address(address) => Ok(vec![*address]),
            Host::Name(name) => self.resolver.addresses_for_box(name).await.map_err(WebError::Name),
        }
    }
}

impl std::fmt::Debug for TlsConnectorOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsConnector")
    }
}

/// Where a request goes.
#[derive(Debug)]
struct Target {
    is_https: bool,
    host: Host,
    port: u16,
}

#[derive(Debug)]
enum Host {
    Name(Domain),
    Address(IpAddr),
}

impl Target {
    fn of(uri: &Uri) -> Result<Self, WebError> {
        let is_https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(WebError::Url),
        };
        let text = uri.host().ok_or(WebError::Url)?;
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let host = match bare.parse() {
            Ok(address) => Host::Address(address),
            Err(_) => Host::Name(bare.parse().map_err(|_| WebError::Url)?),
        };
        let port = uri.port_u16().unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self { is_https, host, port })
    }
}

impl Host {
    fn server_name(&self) -> Result<ServerName<'static>, WebError> {
        match self {
            Self::Address(address) => Ok(ServerName::from(*address)),
            Self::Name(name) => ServerName::try_from(name.as_str().to_owned()).map_err(|_| WebError::Url),
        }
    }
}

/// The request in origin form, with the fields that each request has.
fn as_sent(request: Request<Bytes>) -> Result<Request<Full<Bytes>>, WebError> {
    let (mut head, body) = request.into_parts();
    // Without user information: a URL's password must not end in a field that servers log.
    let authority = head.uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = HeaderValue::from_str(host).map_err(|_| WebError::Url)?;
    head.headers.insert(HOST, host);
    head.headers.entry(USER_AGENT).or_insert(AGENT);
    head.headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    head.headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = path.parse().map_err(|_| WebError::Url)?;
    Ok(Request::from_parts(head, Full::new(body)))
}

/// The first address that takes a connection: each is given a moment alone, then the next is tried beside it.
async fn connect_to_one_of(addresses: Vec<IpAddr>, port: u16) -> Result<TcpStream, WebError> {
    let mut next = addresses.into_iter().take(ADDRESSES_MAX);
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        let more = next.next();
        let is_last = more.is_none();
        attempts.extend(more.map(|address| TcpStream::connect((address, port))));
        tokio::select! {
            attempt = attempts.next() => match attempt {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => failure = error,
                None => return Err(WebError::Connection(failure)),
            },
            () = sleep(NEXT_ADDRESS_AFTER), if !is_last => {}
        }
    }
}

/// One request and its answer over `stream`.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<Full<Bytes>>,
) -> Result<Response<Bytes>, WebError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(FIELDS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(http_fault)?;
    let answer = async {
        let (head, body) = sender.send_request(request).await.map_err(http_fault)?.into_parts();
        Ok(Response::from_parts(head, read_whole(body).await?))
    };
    let mut answer = std::pin::pin!(answer);
    tokio::select! {
        answered = &mut answer => answered,
        // What the connection had read before it ended is still to be collected.
        _ended = connection => answer.await,
    }
}

async fn read_whole(mut body: Incoming) -> Result<Bytes, WebError> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |bytes| bytes > BODY_BYTES_MAX) {
        return Err(WebError::Size);
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame.map_err(http_fault)?.into_data() {
            if whole.len() + bytes.len() > BODY_BYTES_MAX {
                return Err(WebError::Size);
            }
            whole.extend_from_slice(&bytes);
        }
    }
    Ok(whole.freeze())
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err takes")]
fn http_fault(error: hyper::Error) -> WebError {
    if error.is_parse_too_large() { WebError::Size } else { WebError::Protocol }
}

fn tls_fault(error: &io::Error) -> WebError {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(fault)) = inner else {
        return WebError::Protocol;
    };
    WebError::Certificate(match fault {
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => CertificateFault::Dates,
        CertificateError::UnknownIssuer => CertificateFault::Authority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::Name
        }
        _ => CertificateFault::Other,
    })
}

/// The authorities in a PEM file. One that cannot be used is left out, as long as another can.
fn read_authorities(path: &Path) -> anyhow::Result<RootCertStore> {
    let shown = path.display();
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(|certificates| certificates.take(AUTHORITIES_MAX).collect())
        .with_context(|| format!("cannot read the certificate authorities `{shown}` (PEM)"))?;
    let mut authorities = RootCertStore::empty();
    let (usable, _) = authorities.add_parsable_certificates(certificates);
    if usable == 0 {
        bail!("`{shown}` holds no certificate authority");
    }
    Ok(authorities)
}

/// Checks that `path` is a PEM file with at least one certificate authority.
///
/// # Errors
/// When it is not, naming the file.
pub fn check_authorities(path: &Path) -> anyhow::Result<()> {
    read_authorities(path).map(drop)
}
