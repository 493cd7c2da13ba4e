//! One connection to the console, from its first byte to its end, within bounds at every step.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, service::Service as _};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::client::ClientCertificates;

/// How long a TLS handshake may take: a slow one holds a connection's place.
const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(8);

/// How long the head of a request may take, over HTTP/1.1: the slow-headers attack.
const HEAD_WAIT_MAX: Duration = Duration::from_secs(10);

/// How long a connection may go on taking requests; those under way are then finished.
const LIFE_MAX: Duration = Duration::from_secs(15 * 60);

/// How long the last requests may take after that: slow bodies and slow readers.
const LAST_REQUEST_WAIT_MAX: Duration = Duration::from_secs(30);

/// The longest request head, in bytes.
const HEAD_BYTES_MAX: u32 = 16 * 1024;

/// Header fields a request may have, over HTTP/1.1.
const FIELDS_MAX: usize = 64;

/// Requests at once on one connection, over HTTP/2.
const STREAMS_MAX: u32 = 32;

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// What a connection passes first.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    pub(super) tls: Arc<ServerConfig>,
    /// Whose certificates are believed.
    pub(super) clients: Option<ClientCertificates>,
}

/// Serves one connection until it ends, fails, or `stop` is signalled and its requests are answered.
pub(super) async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    Entrance { tls, clients }: Entrance,
    stop: CancellationToken,
) {
    let handshake = tokio::select! {
        handshake = timeout(HANDSHAKE_WAIT_MAX, TlsAcceptor::from(tls).accept(stream)) => handshake,
        () = stop.cancelled() => return,
    };
    let Ok(Ok(stream)) = handshake else {
        debug!("a handshake with the console failed or took too long");
        return;
    };
    let chain = stream.get_ref().1.peer_certificates();
    let certified = clients.map(|clients| clients.certified(chain)).unwrap_or_default();
    let service = TowerToHyperService::new(router);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer.ip().to_canonical()));
        request.extensions_mut().insert(certified.clone());
        service.call(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT_MAX)
        .max_headers(FIELDS_MAX)
        .max_buf_size(usize::try_from(2 * HEAD_BYTES_MAX).unwrap_or(usize::MAX));
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_BYTES_MAX)
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(Some(HEAD_WAIT_MAX))
        .keep_alive_timeout(HEAD_WAIT_MAX);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = tokio::time::sleep(LIFE_MAX) => None,
        () = stop.cancelled() => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            match timeout(LAST_REQUEST_WAIT_MAX, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        // What a client did wrong; nothing of its request is in the error's text.
        debug!(cause = %error, "connection to the console failed");
    }
}
