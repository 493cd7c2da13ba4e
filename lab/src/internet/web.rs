//! The web servers of the lab's Internet: any name over HTTP/1.1 and HTTP/2, plain or with a certificate made for the name asked.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Response, StatusCode, body::Incoming, header, http::request::Parts, service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use super::{dns, doh, lessons::Lessons, pages};
use crate::{
    authority::NamedServers,
    plan::{LESSONS_NAME, UPDATES_NAME},
};

/// How long a client may take for its hello or for a request's head.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// The longest request body read, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// What browsers are told of HTTP/3 (RFC 7838): it is on the same port, for a minute.
const ALTERNATIVE: &str = "h3=\":443\"; ma=60";

/// What the web servers share.
pub(super) struct Site {
    record: Option<Arc<dns::Record>>,
    lessons: Lessons,
}

impl Site {
    /// Sites that also resolve names (RFC 8484) when there is a record to write the questions to.
    pub(super) fn new(record: Option<Arc<dns::Record>>) -> Self {
        Self { record, lessons: Lessons::default() }
    }
}

/// How a request came, for pages that show it.
pub(super) struct Way {
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) server_name: Option<String>,
    pub(super) scheme: &'static str,
}

pub(super) async fn serve_plain(listener: TcpListener, site: Arc<Site>) -> anyhow::Result<()> {
    let mut work = JoinSet::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else { continue };
        dns::make_room(&mut work).await;
        let site = Arc::clone(&site);
        work.spawn(async move {
            if let Ok(local) = stream.local_addr() {
                converse(stream, site, Way { local, peer, server_name: None, scheme: "http" }).await;
            }
        });
    }
}

pub(super) async fn serve_tls(
    listener: TcpListener,
    site: Arc<Site>,
    servers: Arc<NamedServers>,
) -> anyhow::Result<()> {
    let mut work = JoinSet::new();
    loop {
        let Ok((stream, peer)) = listener.accept().await else { continue };
        dns::make_room(&mut work).await;
        let (site, servers) = (Arc::clone(&site), Arc::clone(&servers));
        work.spawn(async move {
            let Ok(local) = stream.local_addr() else { return };
            // A failed handshake is the client's business.
            if let Ok((stream, server_name)) = accept_tls(stream, &servers).await {
                converse(stream, site, Way { local, peer, server_name, scheme: "https" }).await;
            }
        });
    }
}

/// Ends the handshake with a certificate for the name the client asks, or for the address it came to when it asks none.
pub(super) async fn accept_tls(
    stream: TcpStream,
    servers: &NamedServers,
) -> anyhow::Result<(TlsStream<TcpStream>, Option<String>)> {
    let local = stream.local_addr().context("the connection is gone")?;
    let start =
        timeout(WAIT_MAX, LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream)).await??;
    let server_name = start.client_hello().server_name().map(str::to_owned);
    let name = server_name.clone().unwrap_or_else(|| local.ip().to_canonical().to_string());
    let stream = timeout(WAIT_MAX, start.into_stream(servers.configuration(&name)?)).await??;
    Ok((stream, server_name))
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, site: Arc<Site>, way: Way) {
    let way = Arc::new(way);
    let service = service_fn(|request| {
        let (site, way) = (Arc::clone(&site), Arc::clone(&way));
        async move { Ok::<_, Infallible>(respond(request, &site, &way).await) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(WAIT_MAX);
    // A client that goes away in the middle of a request is no failure of the Internet.
    server.serve_connection(TokioIo::new(stream), service).await.ok();
}

async fn respond(request: Request<Incoming>, site: &Site, way: &Way) -> Response<pages::Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await.map(|body| body.to_bytes()) else {
        return page(StatusCode::PAYLOAD_TOO_LARGE, "text/plain", "trop grand".into());
    };
    let mut response = answer(&head, &body, site, way).await;
    if way.scheme == "https" && way.local.port() == 443 {
        response.headers_mut().insert(header::ALT_SVC, header::HeaderValue::from_static(ALTERNATIVE));
    }
    response
}

/// The answer to a request, however it came.
pub(super) async fn answer(head: &Parts, body: &[u8], site: &Site, way: &Way) -> Response<pages::Body> {
    let host = head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = head.uri.host().unwrap_or(host).to_ascii_lowercase();
    if let Some(record) = site.record.as_deref().filter(|_| head.uri.path() == doh::PATH) {
        return match doh::answer(head.uri.query(), body, record).await {
            Some(answer) => page(StatusCode::OK, doh::MEDIA_TYPE, answer.into()),
            None => page(StatusCode::BAD_REQUEST, "text/plain", "pas une question".into()),
        };
    }
    if [LESSONS_NAME, UPDATES_NAME].contains(&host.as_str()) {
        return site.lessons.answer(head, body);
    }
    match head.uri.path().trim_start_matches('/').split_once('/').unwrap_or_default() {
        ("octets", count) => pages::bytes(count.parse().unwrap_or(0)),
        ("lent", seconds) => pages::slow(seconds.parse().unwrap_or(1)),
        _ if head.uri.path() == "/echo" => {
            let Way { local, peer, server_name, scheme } = way;
            let name = server_name.as_deref().unwrap_or("-");
            let (method, uri, version) = (&head.method, &head.uri, head.version);
            let mut text =
                format!("{scheme} from {peer} to {local} server name {name}\n{method} {uri} {version:?}\n");
            for (name, value) in &head.headers {
                text.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes())));
            }
            text.push_str(&format!("\n{}", String::from_utf8_lossy(body)));
            page(StatusCode::OK, "text/plain; charset=utf-8", text.into())
        }
        _ => match pages::probe(&host, head.uri.path()) {
            Some((status, text)) => page(status, "text/plain", text.into()),
            None => page(StatusCode::OK, "text/html; charset=utf-8", pages::of_host(&host).into()),
        },
    }
}

fn page(status: StatusCode, media_type: &'static str, body: Bytes) -> Response<pages::Body> {
    let mut response = Response::new(Full::new(body).boxed());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type));
    response
}
