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
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::visitor::Visitor;
use crate::model::Domain;

/// How long a TLS handshake may take, both directions: a slow handshake holds a connection's place.
const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(8);

/// How long the head of a request may take, the idle time before it counted in: the slow-headers attack.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);

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
    /// HTTPS under the portal's name only.
    Secure {
        /// The pages.
        router: Router,
        /// The portal's certificate.
        tls: Arc<ServerConfig>,
        /// The portal's name.
        name: Domain,
    },
}

/// Serves one connection until it ends, fails, or `stop` is signalled and its request is answered.
pub(super) async fn serve(stream: TcpStream, visitor: Visitor, road: Road, stop: CancellationToken) {
    let outcome = match road {
        Road::Plain(router) => exchange(stream, visitor, router, KeepAlive::Off, stop).await,
        Road::Secure { router, tls, name } => {
            let stream = tokio::select! {
                handshake = timeout(HANDSHAKE_WAIT_MAX, handshake(stream, tls, &name)) => handshake,
                () = stop.cancelled() => return,
            };
            match stream {
                Ok(Ok(Some(stream))) => exchange(stream, visitor, router, KeepAlive::On, stop).await,
                Ok(Ok(None)) => Ok(()),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => Err("handshake took too long".into()),
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

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// The TLS handshake. Nothing, when the client asks for another name: it was told so by an alert at once (decision D6).
async fn handshake(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    name: &Domain,
) -> io::Result<Option<TlsStream<TcpStream>>> {
    let mut start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let is_ours =
        start.client_hello().server_name().is_some_and(|asked| asked.eq_ignore_ascii_case(name.as_str()));
    if !is_ours {
        start.io.write_all(&UNRECOGNIZED_NAME).await?;
        start.io.shutdown().await?;
        return Ok(None);
    }
    start.into_stream(tls).await.map(Some)
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
