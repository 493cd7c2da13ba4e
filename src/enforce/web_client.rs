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
use tokio_rustls::{TlsConnector, client::TlsStream};

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

/// The TLS side of a client that speaks HTTP/1.1, without printing the authorities it trusts.
#[derive(Clone)]
pub(super) struct TlsConnectorOf(TlsConnector);

impl WebClient {
    /// A client that trusts the authorities of the PEM file `authorities_path`, or those of the system.
    ///
    /// # Errors
    /// When the file cannot be read or holds no authority.
    pub fn new(resolver: Resolver, authorities_path: Option<&Path>) -> anyhow::Result<Self> {
        Ok(Self { resolver, tls: TlsConnectorOf::new(authorities_path)? })
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
        self.send_within(REQUEST_TIME_MAX, request, at).await
    }

    async fn send_within(
        &self,
        time_max: Duration,
        request: Request<Bytes>,
        at: Option<SocketAddr>,
    ) -> Result<Response<Bytes>, WebError> {
        timeout(time_max, self.exchange(request, at)).await.unwrap_or(Err(WebError::Time))
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
            None => connect_to_one_of(self.addresses(&target.host).await?, target.port)
                .await
                .map_err(WebError::Connection)?,
        };
        // Requests are one write; nothing is gained by waiting for more.
        stream.set_nodelay(true).map_err(WebError::Connection)?;
        if !target.is_https {
            return converse(stream, request).await;
        }
        let name = target.host.server_name()?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| tls_fault(&error))?;
        converse(stream, request).await
    }

    async fn addresses(&self, host: &Host) -> Result<Vec<IpAddr>, WebError> {
        match host {
            Host::Address(address) => Ok(vec![*address]),
            Host::Name(name) => self.resolver.addresses_for_box(name).await.map_err(WebError::Name),
        }
    }
}

impl TlsConnectorOf {
    /// Trusts the authorities of the PEM file `authorities_path`, or those of the system.
    ///
    /// # Errors
    /// When the file cannot be read or holds no authority.
    pub(super) fn new(authorities_path: Option<&Path>) -> anyhow::Result<Self> {
        let authorities = read_authorities(authorities_path.unwrap_or(Path::new(SYSTEM_AUTHORITIES)))?;
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .context("cannot set up TLS")?
            .with_root_certificates(authorities)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Makes `stream` a connection to the server called `name`.
    ///
    /// # Errors
    /// When the server's certificate does not hold, or it breaks off.
    pub(super) async fn connect(
        &self,
        name: ServerName<'static>,
        stream: TcpStream,
    ) -> io::Result<TlsStream<TcpStream>> {
        self.0.connect(name, stream).await
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
pub(super) async fn connect_to_one_of(addresses: Vec<IpAddr>, port: u16) -> io::Result<TcpStream> {
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
                None => return Err(failure),
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
        CertificateError::UnknownIssuer | CertificateError::BadSignature => CertificateFault::Authority,
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

#[cfg(test)]
mod tests {
    use std::{fs, net::Ipv4Addr};

    use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
    use rustls::ServerConfig;
    use rustls_pki_types::PrivateKeyDer;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
        task::JoinSet,
    };
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::enforce::dns;

    fn client(authorities: &str) -> WebClient {
        let resolver = Resolver::new(&dns::Settings {
            upstreams: Vec::new(),
            own_names: Vec::new(),
            fronted_names: Vec::new(),
            local_names: Vec::new(),
            zones: Vec::new(),
            listen_port: 0,
            redirected_port: 0,
        });
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authorities.pem");
        fs::write(&path, authorities).unwrap();
        WebClient::new(resolver, Some(&path)).unwrap()
    }

    /// An authority, and a key with its certificate for `name` valid in these years.
    struct Credentials {
        authority: String,
        config: Arc<ServerConfig>,
    }

    fn credentials(name: &str, years: [i32; 2]) -> Credentials {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years[0], 1, 1);
        params.not_after = rcgen::date_time_ymd(years[1], 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Credentials { authority: issuer.pem(), config: Arc::new(config) }
    }

    /// A server that gives each connection this answer; the task holds what it was sent.
    async fn server(answer: Vec<u8>, tls: Option<Arc<ServerConfig>>) -> (SocketAddr, JoinSet<Vec<u8>>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            match tls {
                None => speak(stream, &answer).await,
                Some(config) => match TlsAcceptor::from(config).accept(stream).await {
                    Ok(stream) => speak(stream, &answer).await,
                    Err(_) => Vec::new(),
                },
            }
        });
        (address, tasks)
    }

    async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: &[u8]) -> Vec<u8> {
        let mut asked = vec![0; 4096];
        let length = stream.read(&mut asked).await.unwrap();
        asked.truncate(length);
        drop(stream.write_all(answer).await);
        drop(stream.flush().await);
        if answer.is_empty() {
            std::future::pending::<()>().await;
        }
        asked
    }

    async fn ask(client: &WebClient, url: &str, at: Option<SocketAddr>) -> Result<Response<Bytes>, WebError> {
        client.send(Request::get(url).body(Bytes::new()).unwrap(), at).await
    }

    /// Asks a server for `name` with a certificate for `certified`; what goes wrong with it.
    async fn certificate_fault(
        certified: &str,
        years: [i32; 2],
        trusts: Option<&str>,
    ) -> Option<CertificateFault> {
        let credentials = credentials(certified, years);
        let client = client(trusts.unwrap_or(&credentials.authority));
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok".to_vec();
        let (address, _tasks) = server(answer, Some(credentials.config)).await;
        match ask(&client, "https://ent.exemple.fr/", Some(address)).await {
            Ok(answer) => {
                assert_eq!(answer.body().as_ref(), b"ok");
                None
            }
            Err(WebError::Certificate(fault)) => Some(fault),
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn a_request_is_whole_and_its_answer_is_given_as_it_came() {
        let client = client(&credentials("a.fr", [1975, 4096]).authority);
        let answer = b"HTTP/1.1 302 Found\r\nlocation: http://ailleurs.example/\r\n\r\nfin".to_vec();
        let (address, mut tasks) = server(answer, None).await;
        let answer = ask(&client, &format!("http://{address}/a?b=c"), None).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (302, &b"fin"[..]), "not followed");
        let asked = String::from_utf8(tasks.join_next().await.unwrap().unwrap()).unwrap();
        assert!(asked.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{asked}");
        for field in
            [format!("host: {address}"), "connection: close".to_owned(), "user-agent: preau/".to_owned()]
        {
            assert!(asked.contains(&field), "{field} in {asked}");
        }
    }

    #[tokio::test]
    async fn a_certificate_must_be_the_names_and_in_its_dates_and_signed() {
        assert_eq!(certificate_fault("ent.exemple.fr", [1975, 4096], None).await, None);
        let fault = certificate_fault("autre.exemple.fr", [1975, 4096], None).await;
        assert_eq!(fault, Some(CertificateFault::Name));
        for years in [[1975, 1980], [4000, 4096]] {
            assert_eq!(certificate_fault("ent.exemple.fr", years, None).await, Some(CertificateFault::Dates));
        }
        let other = credentials("x.fr", [1975, 4096]).authority;
        let fault = certificate_fault("ent.exemple.fr", [1975, 4096], Some(&other)).await;
        assert_eq!(fault, Some(CertificateFault::Authority));
    }

    #[tokio::test]
    async fn an_answer_too_large_is_refused_whether_announced_or_not() {
        let client = client(&credentials("a.fr", [1975, 4096]).authority);
        let body = "x".repeat(BODY_BYTES_MAX + 1);
        for head in [
            "HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n".to_owned(),
            format!("HTTP/1.1 200 OK\r\n\r\n{body}"),
            format!("HTTP/1.1 200 OK\r\nx: {body}\r\n\r\n"),
        ] {
            let (address, _tasks) = server(head.into_bytes(), None).await;
            let error = ask(&client, &format!("http://{address}/"), None).await.unwrap_err();
            assert!(matches!(error, WebError::Size), "{error}");
        }
    }

    #[tokio::test]
    async fn a_silent_server_costs_its_time_and_no_more() {
        let client = client(&credentials("a.fr", [1975, 4096]).authority);
        let (address, _tasks) = server(Vec::new(), None).await;
        let request = Request::get(format!("http://{address}/")).body(Bytes::new()).unwrap();
        let error = client.send_within(Duration::from_millis(200), request, None).await.unwrap_err();
        assert!(matches!(error, WebError::Time), "{error}");
    }

    #[tokio::test]
    async fn what_cannot_be_asked_is_told_by_its_kind() {
        let client = client(&credentials("a.fr", [1975, 4096]).authority);
        for url in ["/chemin", "ftp://a.fr/", "https://x..y/"] {
            assert!(matches!(ask(&client, url, None).await, Err(WebError::Url)), "{url}");
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
        let error = ask(&client, &format!("http://{free}/"), None).await.unwrap_err();
        assert!(matches!(error, WebError::Connection(_)), "{error}");
        assert!(matches!(ask(&client, "http://a.fr/", None).await, Err(WebError::Name(_))));
        let (address, _tasks) = server(b"SSH-2.0-x\r\n\r\n".to_vec(), None).await;
        let error = ask(&client, &format!("http://{address}/"), None).await.unwrap_err();
        assert!(matches!(error, WebError::Protocol), "{error}");
    }

    #[tokio::test]
    async fn an_address_that_refuses_gives_way_to_the_next() {
        let listener = TcpListener::bind("127.0.0.3:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let addresses = ["127.0.0.2", "127.0.0.3"].map(|text| text.parse().unwrap()).to_vec();
        assert!(connect_to_one_of(addresses, port).await.is_ok());
        assert!(connect_to_one_of(Vec::new(), port).await.is_err());
    }
}
