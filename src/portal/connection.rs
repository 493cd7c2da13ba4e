//! One connection to the portal, from its first byte to its end, within bounds at every step.

use std::{io, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1, service::Service as _};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, StartHandshake, server::TlsStream};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    front::{Front, Named},
    visitor::Visitor,
};
use crate::model::Domain;

/// How long a TLS handshake may take, both directions: a slow handshake holds a connection's place.
pub(super) const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(8);

/// How long the head of a request may take, the idle time before it counted in: the slow-headers attack.
pub(super) const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);

/// How long a connection may go on taking requests; the one under way is then finished.
const LIFE_MAX: Duration = Duration::from_secs(60);

/// How long the last request may take after that: slow bodies and slow readers.
const LAST_REQUEST_WAIT_MAX: Duration = Duration::from_secs(30);

/// The longest request head, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Header fields a request may have.
const FIELDS_MAX: usize = 64;

/// A fatal alert `unrecognized_name` (RFC 8446 section 6.2) as one plaintext record. Browsers then say that the site
/// cannot be reached safely; rustls' own answer, `access_denied`, makes them ask for a client certificate.
const UNRECOGNIZED_NAME: [u8; 7] = [0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70];

/// What a listener does with its connections.
#[derive(Clone, Debug)]
pub(super) enum Road {
    /// Plain HTTP, one request a connection.
    Plain(Router),
    /// HTTPS under the portal's name, and under those of the sites that the box fronts.
    Secure {
        /// The pages.
        router: Router,
        /// The portal's certificate.
        tls: Arc<ServerConfig>,
        /// The portal's name.
        name: Domain,
        /// The other sites that the box answers for.
        front: Option<Arc<Front>>,
    },
}

/// Serves one connection until it ends, fails, or `stop` is signalled and its request is answered.
pub(super) async fn serve(stream: TcpStream, visitor: Visitor, road: Road, stop: CancellationToken) {
    let outcome = match road {
        Road::Plain(router) => exchange(stream, visitor, router, KeepAlive::Off, stop).await,
        Road::Secure { router, tls, name, front } => {
            let handshake = handshake(stream, tls, &name, front.as_deref());
            let stream = tokio::select! {
                handshake = timeout(HANDSHAKE_WAIT_MAX, handshake) => handshake,
                () = stop.cancelled() => return,
            };
            match (stream, front) {
                (Ok(Ok(Greeted::Portal(stream))), _) => {
                    exchange(*stream, visitor, router, KeepAlive::On, stop).await
                }
                (Ok(Ok(Greeted::Fronted(start, asked))), Some(front)) => {
                    front.serve(*start, asked, visitor, stop).await
                }
                (Ok(Ok(Greeted::Fronted(..) | Greeted::Refused)), _) => Ok(()),
                (Ok(Err(error)), _) => Err(error.into()),
                (Err(_), _) => Err("handshake took too long".into()),
            }
        }
    };
    if let Err(error) = outcome {
        // What a client did wrong; nothing of its request is in the error's text.
        debug!(cause = %error, "connection failed");
    }
}

/// Whether a connection may carry a second request.
#[derive(Clone, Copy, Debug)]
enum KeepAlive {
    On,
    Off,
}

pub(super) type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What a TLS hello came to.
enum Greeted {
    /// It was for the portal; the handshake is done.
    Portal(Box<TlsStream<TcpStream>>),
    /// It is for a site that the box fronts, if the gate allows it.
    Fronted(Box<StartHandshake<TcpStream>>, Named),
    /// It was for another name, and was told so by an alert at once (decision D6).
    Refused,
}

/// The TLS handshake, or its beginning where the gate must be asked first.
async fn handshake(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    name: &Domain,
    front: Option<&Front>,
) -> io::Result<Greeted> {
    let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let hello = start.client_hello();
    let asked = hello.server_name().unwrap_or_default();
    if asked.eq_ignore_ascii_case(name.as_str()) {
        return start.into_stream(tls).await.map(Box::new).map(Greeted::Portal);
    }
    if let Some(fronted) = front.and_then(|front| front.asked(asked)) {
        return Ok(Greeted::Fronted(Box::new(start), fronted));
    }
    refuse(start.io).await.map(|()| Greeted::Refused)
}

/// Tells a client at once that the name it asks for is none of ours (decision D6).
pub(super) async fn refuse(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(&UNRECOGNIZED_NAME).await?;
    stream.shutdown().await
}

/// Requests and answers on a connection that is ready.
async fn exchange<S>(
    stream: S,
    visitor: Visitor,
    router: Router,
    keep_alive: KeepAlive,
    stop: CancellationToken,
) -> Outcome
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(visitor.clone());
        service.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT_MAX)
        .max_header_size(HEAD_BYTES_MAX)
        .max_headers(FIELDS_MAX)
        .max_buf_size(2 * HEAD_BYTES_MAX)
        .keep_alive(matches!(keep_alive, KeepAlive::On))
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = &mut connection => return Ok(ended?),
        () = tokio::time::sleep(LIFE_MAX) => {}
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    Ok(timeout(LAST_REQUEST_WAIT_MAX, connection).await.map_err(|_| "the last request took too long")??)
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use rustls::{AlertDescription, ClientConfig, RootCertStore, crypto::aws_lc_rs};
    use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
    use tokio::{
        io::AsyncReadExt as _,
        net::{TcpListener, TcpStream},
        task::JoinSet,
    };
    use tokio_rustls::TlsConnector;

    use super::*;
    use crate::portal::{
        CertificateFrom, Shown, certificate::tests::write_pair_valid_always, page_tests::zone,
        shown::tests::settings_in,
    };

    /// A listener on loopback whose connections take `road`; it ends with the returned set.
    async fn listen(road: Road) -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (stream, peer) = listener.accept().await.unwrap();
                let visitor = Visitor { source: peer.ip(), zone: Arc::new(zone()) };
                serve(stream, visitor, road.clone(), CancellationToken::new()).await;
            }
        });
        (address, tasks)
    }

    fn router() -> Router {
        Router::new().fallback(|axum::Extension(visitor): axum::Extension<Visitor>| async move {
            format!("bonjour {} de {}", visitor.source, visitor.zone.name)
        })
    }

    async fn plain_answer(request: &str) -> String {
        let (address, _tasks) = listen(Road::Plain(router())).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The end of the connection is awaited: one request each. A reset after an oversized head is an end too.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    /// What a TLS client that asks for `server_name` gets.
    async fn secure_answer(server_name: &'static str) -> io::Result<String> {
        let dir = tempfile::tempdir().unwrap();
        let (certificate_path, _) = write_pair_valid_always(dir.path());
        let shown = Shown::open(&settings_in(dir.path(), CertificateFrom::Files)).unwrap();
        let tls = shown.tls_config(&[b"http/1.1"]).unwrap();
        let name = "portail.exemple".parse().unwrap();
        let (address, _tasks) = listen(Road::Secure { router: router(), tls, name, front: None }).await;
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&certificate_path).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await?;
        let server_name = ServerName::try_from(server_name).unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(server_name, stream).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: portail.exemple\r\nConnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    #[track_caller]
    fn assert_refused(outcome: io::Result<String>) {
        let error = outcome.unwrap_err().into_inner().unwrap();
        let told = error.downcast_ref::<rustls::Error>();
        assert_eq!(told, Some(&rustls::Error::AlertReceived(AlertDescription::UnrecognisedName)));
    }

    #[tokio::test]
    async fn the_portals_name_is_served_with_its_certificate() {
        let answer = secure_answer("portail.exemple").await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("bonjour 127.0.0.1 de pedagogique"));
    }

    #[tokio::test]
    async fn tls_for_another_name_gets_an_alert_at_once() {
        assert_refused(secure_answer("jeux.example").await);
    }

    #[tokio::test]
    async fn tls_without_a_name_gets_an_alert_at_once() {
        assert_refused(secure_answer("127.0.0.1").await);
    }

    #[tokio::test]
    async fn plain_http_carries_one_request_a_connection() {
        let request = "GET / HTTP/1.1\r\nHost: a.fr\r\n\r\n";
        let answer = plain_answer(&request.repeat(2)).await;
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 1);
        assert!(answer.to_ascii_lowercase().contains("connection: close"));
    }

    #[tokio::test]
    async fn heads_beyond_the_bounds_are_refused() {
        let long = format!("GET / HTTP/1.1\r\nHost: a.fr\r\nX: {}\r\n\r\n", "a".repeat(HEAD_BYTES_MAX));
        assert!(plain_answer(&long).await.starts_with("HTTP/1.1 431"));
        let many = format!("GET / HTTP/1.1\r\nHost: a.fr\r\n{}\r\n", "X: 1\r\n".repeat(FIELDS_MAX));
        assert!(plain_answer(&many).await.starts_with("HTTP/1.1 431"));
    }

    #[tokio::test]
    async fn what_is_no_http_is_refused() {
        for request in ["\u{16}\u{3}\u{1}\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/1.1\r\n Host: a.fr\r\n\r\n"] {
            assert!(plain_answer(request).await.starts_with("HTTP/1.1 400"), "{request:?}");
        }
    }
}
