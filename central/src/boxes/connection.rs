//! One connection of a box, from its first byte to its end, within bounds at every step.

use std::{
    convert::Infallible,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::{Body, Bytes},
    response::{IntoResponse as _, Response},
};
use hyper::{
    Request,
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::Service as _,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustls::ServerConfig;
use tokio::{
    net::TcpStream,
    time::{Sleep, sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    Caller,
    admission::admit,
    limits::{
        BODY_WAIT_MAX, FIELDS_MAX, HANDSHAKE_WAIT_MAX, HEAD_BYTES_MAX, HEAD_WAIT_MAX, IDLE_WAIT_MAX,
        STOP_WAIT_MAX,
    },
    places::Place,
};
use crate::authority::{Authority, Holding};

/// What every connection needs.
#[derive(Clone, Debug)]
pub(super) struct Answering {
    pub(super) authority: Authority,
    pub(super) tls: Arc<ServerConfig>,
    pub(super) routes: Router,
}

/// The address a request came from, for those who count wrong tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct From(pub(super) IpAddr);

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Serves one connection until it ends, fails, its certificate is revoked, or `stop` is signalled.
pub(super) async fn serve(
    stream: TcpStream,
    from: IpAddr,
    mut place: Place,
    answering: Answering,
    stop: CancellationToken,
) {
    let acceptor = TlsAcceptor::from(Arc::clone(&answering.tls));
    let handshake = tokio::select! {
        handshake = timeout(HANDSHAKE_WAIT_MAX, acceptor.accept(stream)) => handshake,
        () = stop.cancelled() => return,
    };
    let outcome = match handshake {
        Ok(Ok(stream)) => {
            let caller = caller(&stream);
            if caller.as_ref().is_some_and(|caller| !place.belongs_to(&caller.school)) {
                debug!("a school has too many connections");
                return;
            }
            exchange(stream, from, caller, answering, stop).await
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err("handshake took too long".into()),
    };
    if let Err(error) = outcome {
        // What the other side did wrong; nothing of its request is in the error's text.
        debug!(cause = %error, "connection failed");
    }
}

fn caller(stream: &TlsStream<TcpStream>) -> Option<Caller> {
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates()?.first()?;
    Authority::read(certificate).map(|shown| Caller { school: shown.school.clone(), shown })
}

/// Requests and answers on a connection that is ready.
async fn exchange(
    stream: TlsStream<TcpStream>,
    from: IpAddr,
    caller: Option<Caller>,
    answering: Answering,
    stop: CancellationToken,
) -> Outcome {
    let Answering { authority, routes, .. } = answering;
    let idle_max = if caller.is_some() { IDLE_WAIT_MAX } else { HEAD_WAIT_MAX };
    let (asked, asks) = (caller.clone(), authority.clone());
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let shown = asked.clone().map(|caller| (asks.holding(&caller.shown), caller));
        answer(request, from, shown, routes.clone())
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle_max)
        .max_header_size(HEAD_BYTES_MAX)
        .max_headers(FIELDS_MAX)
        .max_buf_size(2 * HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = &mut connection => return Ok(ended?),
        // Also what waits on the live line is cut: whoever took the box learns nothing any more.
        () = revoked(&authority, caller.as_ref()) => return Ok(()),
        () = stop.cancelled() => {}
    }
    connection.as_mut().graceful_shutdown();
    Ok(timeout(STOP_WAIT_MAX, connection).await.map_err(|_| "the last request took too long")??)
}

/// Returns once a certificate that was good is revoked; one that was revoked before is told so by answers.
async fn revoked(authority: &Authority, caller: Option<&Caller>) {
    match caller {
        Some(caller) if authority.holding(&caller.shown) != Holding::Nothing => {
            authority.revoked(&caller.shown).await;
        }
        _ => std::future::pending().await,
    }
}

async fn answer(
    request: Request<Incoming>,
    from: IpAddr,
    shown: Option<(Holding, Caller)>,
    routes: Router,
) -> Result<Response, Infallible> {
    let shown = shown.map(|(holding, caller)| (caller, holding));
    let caller = match admit(request.uri().path(), shown) {
        Ok(caller) => caller,
        Err(refused) => return Ok(refused.into_response()),
    };
    let mut request = request.map(|body| Body::new(Timely::new(body)));
    request.extensions_mut().insert(From(from));
    if let Some(caller) = caller {
        request.extensions_mut().insert(caller);
    }
    TowerToHyperService::new(routes).call(request).await
}

/// A body that must be there in time.
struct Timely {
    inner: Incoming,
    end: Pin<Box<Sleep>>,
}

impl Timely {
    fn new(inner: Incoming) -> Self {
        Self { inner, end: Box::pin(sleep(BODY_WAIT_MAX)) }
    }
}

impl HttpBody for Timely {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        self.end.as_mut().poll(context).map(|()| Some(Err("the body took too long".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
