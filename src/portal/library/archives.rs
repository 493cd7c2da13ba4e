//! Archives of openZIM: what kiwix-serve answers on loopback is handed on to people who may read.
//!
//! Of a request, path and query go on, and what is about parts and kept copies; nothing of who asks. Of an answer, what
//! describes its content comes back, and a way to another page only where that is the library's.

use std::{io, net::SocketAddr, time::Duration};

use anyhow::{Context as _, ensure};
use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
};
use bytes::Bytes;
use futures_util::{FutureExt as _, future::BoxFuture, stream};
use http_body_util::{BodyExt as _, Empty};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};
use tracing::warn;

use super::{
    cage::{cage, is_inert},
    roads::{House, Reader},
};
use crate::{
    library::Library,
    portal::{asked::Asked, visitor::Visitor, words::LibraryWords},
    protocol::content::Kind,
};

/// How long kiwix-serve may take to begin an answer: a search through all of Wikipédia on a slow disk.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// What kiwix-serve has beside archives that its pages need.
const PARTS: &[&str] = &["skin", "search", "suggest", "random", "catch", "searchdescription.xml"];

/// Fields of a request that go on.
const ASKED: &[HeaderName] = &[header::IF_NONE_MATCH, header::IF_RANGE, header::RANGE];

/// Fields of an answer that come back.
const TOLD: &[HeaderName] = &[
    header::ACCEPT_RANGES,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_RANGE,
    header::CONTENT_TYPE,
    header::ETAG,
];

/// Hands on a request to kiwix-serve.
pub(super) async fn hand_on(
    State(secure): House,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Reader { library, standing: _ } = match secure.reader(&visitor, &asked) {
        Ok(reader) => reader,
        Err(answer) => return *answer,
    };
    let Some(first) = first_step(uri.path()) else { return secure.nothing_there(&asked) };
    let held = library.held(first).filter(|held| held.package.kind == Kind::Zim);
    if held.is_none() && !PARTS.contains(&first) {
        return secure.nothing_there(&asked);
    }
    let target = uri.path_and_query().map_or(uri.path(), |target| target.as_str());
    let told = timeout(ANSWER_WITHIN, ask(library.kiwix(), &method, target, &headers)).await;
    let answer = match told.map_err(anyhow::Error::from).and_then(|told| told) {
        Ok(answer) => answer,
        Err(cause) => {
            warn!(cause = format!("{cause:#}"), "kiwix-serve does not answer");
            let words = LibraryWords::of(asked.language);
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return secure.notice(&asked, status, words.not_now, words.not_now_text, None);
        }
    };
    let is_page = answer
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if let Some(held) = held.filter(|_| is_page && answer.status() == StatusCode::OK && method == Method::GET)
    {
        library.count(&held);
    }
    let inert = is_inert(answer.headers());
    cage(answer, &format!("{}{}/", secure.house.origin(), Library::ARCHIVES_ROOT), inert)
}

/// The step behind the root: an archive, or something that its pages need.
fn first_step(path: &str) -> Option<&str> {
    path.strip_prefix(Library::ARCHIVES_ROOT)?.strip_prefix('/')?.split('/').next()
}

async fn ask(
    address: SocketAddr,
    method: &Method,
    target: &str,
    asked: &HeaderMap,
) -> anyhow::Result<Response> {
    let stream = TcpStream::connect(address).await.context("cannot reach it")?;
    let (mut sender, connection) = http1::handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await?;
    let mut connection = connection.fuse().boxed();
    let mut request = hyper::Request::builder().method(method).uri(target);
    request = request.header(header::HOST, address.to_string()).header(header::CONNECTION, "close");
    for name in ASKED {
        if let Some(value) = asked.get(name) {
            request = request.header(name, value);
        }
    }
    let mut sending = std::pin::pin!(sender.send_request(request.body(Empty::new())?));
    let mut ended = false;
    let told = loop {
        tokio::select! {
            told = &mut sending => break told?,
            done = &mut connection, if !ended => {
                done?;
                ended = true;
            }
        }
    };
    let (parts, body) = told.into_parts();
    let mut answer = Response::new(body_of(body, (!ended).then_some(connection)));
    *answer.status_mut() = parts.status;
    for name in TOLD {
        if let Some(value) = parts.headers.get(name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    if parts.status.is_redirection()
        && let Some(place) = parts.headers.get(header::LOCATION)
    {
        answer.headers_mut().insert(header::LOCATION, inside(place)?);
    }
    Ok(answer)
}

/// A way to another page, which must be the library's.
fn inside(place: &HeaderValue) -> anyhow::Result<HeaderValue> {
    let root = format!("{}/", Library::ARCHIVES_ROOT);
    ensure!(place.as_bytes().starts_with(root.as_bytes()), "it leads out of the library");
    Ok(place.clone())
}

type Connection = BoxFuture<'static, Result<(), hyper::Error>>;

/// The body as it comes; the connection it comes by is moved on with it.
fn body_of(body: Incoming, connection: Option<Connection>) -> Body {
    let pieces = stream::try_unfold((body, connection), |(mut body, mut connection)| async move {
        loop {
            let frame = match &mut connection {
                Some(moving) => tokio::select! {
                    frame = body.frame() => frame,
                    done = moving => {
                        connection = None;
                        done.map_err(io::Error::other)?;
                        continue;
                    }
                },
                None => body.frame().await,
            };
            match frame.transpose().map_err(io::Error::other)?.map(hyper::body::Frame::into_data) {
                Some(Ok(bytes)) => return Ok::<_, io::Error>(Some((bytes, (body, connection)))),
                Some(Err(_trailers)) => {}
                None => return Ok(None),
            }
        }
    });
    Body::from_stream(pieces)
}
