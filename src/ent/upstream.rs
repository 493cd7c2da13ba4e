//! Asking origins: HTTP/1.1 over connections that are kept and used again.
//!
//! What goes out is written anew from parsed parts, with one length and no field of the client's connection, so that no
//! client's bytes decide where a request ends. What comes back is bounded.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, combinators::UnsyncBoxBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Body as _, Frame, Incoming, SizeHint},
    client::conn::http1::{self, SendRequest},
    http::request::Parts,
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep, timeout},
};

use super::{
    body::CutShort,
    crew::Crew,
    settings::{Origin, Upstream},
};

/// Bounds on talking to one origin, each with what it stops.
struct Limits;

impl Limits {
    /// Requests at once: a class that opens a page must not open hundreds of connections over a thin line.
    const REQUESTS_MAX: usize = 64;
    /// How long a request waits for its turn.
    const TURN: Duration = Duration::from_secs(30);
    /// How long a connection may take: a line that is cut says nothing at all.
    const CONNECT: Duration = Duration::from_secs(5);
    /// How long the head of an answer may take.
    const HEAD: Duration = Duration::from_secs(30);
    /// How long it may take where a copy can stand in: a line that died under a connection in use says nothing either.
    const HEAD_WITH_COPY: Duration = Duration::from_secs(6);
    /// How long a body may be silent.
    const SILENCE: Duration = Duration::from_secs(30);
    /// Longest head of an answer, in bytes.
    const HEAD_BYTES: usize = 64 * 1024;
    /// Most fields of an answer.
    const FIELDS: usize = 128;
    /// Origins remembered at once: names below those of the updates are many, and a client may make some up.
    const ORIGINS: usize = 256;
    /// How long an idle connection is used again: most origins close theirs after a minute or less.
    const IDLE: Duration = Duration::from_secs(50);
    /// How long an origin that could not be reached is not tried where a copy can stand in.
    const DOWN: Duration = Duration::from_secs(3);
}

/// A connection to an origin, TLS included.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// A connection in the making.
pub type Connecting<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Connection>>> + Send + 'a>>;

/// How origins are reached: the daemon goes by its resolver and the line or the tunnel, tests by loopback.
pub trait Connect: Send + Sync {
    /// Connects to the upstream of `origin`, in TLS where it says so.
    fn connect<'a>(&'a self, origin: &'a Origin) -> Connecting<'a>;
}

/// The body of a request on its way to an origin.
pub(super) type Outgoing = UnsyncBoxBody<Bytes, CutShort>;

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// As long as an origin may need.
    Full,
    /// Less: a copy can stand in, or a write wait here.
    HasCopy,
}

/// Why an origin gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// It cannot be reached.
    Unreachable,
    /// It takes too long.
    Silent,
    /// It broke off, or does not speak HTTP/1.1 within the bounds.
    Broken,
}

/// Asks origins.
pub(super) struct Client {
    connect: Arc<dyn Connect>,
    crew: Arc<Crew>,
    pools: Arc<Mutex<HashMap<Upstream, Pool>>>,
}

struct Pool {
    idle: Vec<(SendRequest<Outgoing>, Instant)>,
    turns: Arc<Semaphore>,
    down_until: Option<Instant>,
}

impl Default for Pool {
    fn default() -> Self {
        Self { idle: Vec::new(), turns: Arc::new(Semaphore::new(Limits::REQUESTS_MAX)), down_until: None }
    }
}

impl Pool {
    /// Whether a request is under way, or a connection can be used again.
    fn is_in_use(&self) -> bool {
        let waits = |(sender, since): &(SendRequest<Outgoing>, Instant)| {
            since.elapsed() < Limits::IDLE && !sender.is_closed()
        };
        self.turns.available_permits() < Limits::REQUESTS_MAX || self.idle.iter().any(waits)
    }
}

impl Client {
    pub(super) fn new(connect: Arc<dyn Connect>, crew: Arc<Crew>) -> Self {
        Self { connect, crew, pools: Arc::default() }
    }

    fn pools(&self) -> MutexGuard<'_, HashMap<Upstream, Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with_pool<T>(&self, origin: &Origin, act: impl FnOnce(&mut Pool) -> T) -> T {
        let mut pools = self.pools();
        if pools.len() >= Limits::ORIGINS && !pools.contains_key(&origin.upstream) {
            pools.retain(|_, pool| pool.is_in_use());
        }
        act(pools.entry(origin.upstream.clone()).or_default())
    }

    /// Whether the origin could not be reached a moment ago.
    pub(super) fn seems_down(&self, origin: &Origin) -> bool {
        self.with_pool(origin, |pool| pool.down_until.is_some_and(|until| Instant::now() < until))
    }

    /// Sends a request and waits for the head of its answer.
    pub(super) async fn send(
        &self,
        origin: &Origin,
        head: Parts,
        body: Option<Outgoing>,
        patience: Patience,
    ) -> Result<Response<Arriving>, Lost> {
        let turns = self.with_pool(origin, |pool| Arc::clone(&pool.turns));
        let turn = match timeout(Limits::TURN, turns.acquire_owned()).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(_)) | Err(_) => return Err(Lost::Silent),
        };
        let head_within = match patience {
            Patience::Full => Limits::HEAD,
            Patience::HasCopy => Limits::HEAD_WITH_COPY,
        };
        let can_repeat = body.is_none() && head.method.is_safe();
        let mut body = body;
        loop {
            let idle = self.idle(origin).await;
            let is_used = idle.is_some();
            let mut sender = match idle {
                Some(sender) => sender,
                None => self.open(origin).await?,
            };
            let request = Request::from_parts(head.clone(), body.take().unwrap_or_else(nothing));
            match timeout(head_within, sender.try_send_request(request)).await {
                Ok(Ok(response)) => {
                    let (head, incoming) = response.into_parts();
                    check_size(&head.headers)?;
                    let lease = Lease {
                        pools: Arc::clone(&self.pools),
                        key: origin.upstream.clone(),
                        sender,
                        _turn: turn,
                    };
                    return Ok(Response::from_parts(head, Arriving::new(incoming, lease)));
                }
                Ok(Err(mut error)) => match error.take_message() {
                    // The origin closed the connection before the request was on it.
                    Some(request) if is_used => body = Some(request.into_body()),
                    _ if is_used && can_repeat => {}
                    _ => return Err(Lost::Broken),
                },
                Err(_) => {
                    self.note_down(origin);
                    return Err(Lost::Silent);
                }
            }
        }
    }

    /// Remembers that the origin did not answer, so that a class does not wait for it thirty times.
    fn note_down(&self, origin: &Origin) {
        self.with_pool(origin, |pool| {
            pool.down_until = Some(Instant::now() + Limits::DOWN);
            pool.idle.clear();
        });
    }

    /// A connection that waits for its next request; the last one used is the least likely to be closed.
    async fn idle(&self, origin: &Origin) -> Option<SendRequest<Outgoing>> {
        loop {
            let (mut sender, since) = self.with_pool(origin, |pool| pool.idle.pop())?;
            let is_young = since.elapsed() < Limits::IDLE;
            if is_young && !sender.is_closed() && sender.ready().await.is_ok() {
                return Some(sender);
            }
        }
    }

    async fn open(&self, origin: &Origin) -> Result<SendRequest<Outgoing>, Lost> {
        let connected = timeout(Limits::CONNECT, self.connect.connect(origin)).await;
        let Ok(Ok(connection)) = connected else {
            self.note_down(origin);
            return Err(Lost::Unreachable);
        };
        self.with_pool(origin, |pool| pool.down_until = None);
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(Limits::HEAD_BYTES)
            .max_headers(Limits::FIELDS)
            .handshake(TokioIo::new(connection))
            .await
            .map_err(|_| Lost::Broken)?;
        // How the connection ends is told to whoever waits for an answer on it.
        self.crew.start(async move { drop(driver.await) });
        Ok(sender)
    }
}

/// A head beyond the bounds is no answer; hyper's own bound is on what it reads at once.
fn check_size(fields: &HeaderMap) -> Result<(), Lost> {
    let bytes: usize = fields.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > Limits::HEAD_BYTES { Err(Lost::Broken) } else { Ok(()) }
}

fn nothing() -> Outgoing {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A connection lent for one request; goes back when the body was read to its end.
struct Lease {
    pools: Arc<Mutex<HashMap<Upstream, Pool>>>,
    key: Upstream,
    sender: SendRequest<Outgoing>,
    _turn: OwnedSemaphorePermit,
}

impl Lease {
    fn give_back(self) {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get_mut(&self.key)
            && pool.idle.len() < Limits::REQUESTS_MAX
        {
            pool.idle.push((self.sender, Instant::now()));
        }
    }
}

/// The body of an answer as it comes in.
pub(super) struct Arriving {
    incoming: Incoming,
    lease: Option<Lease>,
    silence: Pin<Box<Sleep>>,
}

impl std::fmt::Debug for Arriving {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Arriving")
    }
}

impl Arriving {
    fn new(incoming: Incoming, lease: Lease) -> Self {
        let mut arriving = Self { incoming, lease: Some(lease), silence: Box::pin(sleep(Limits::SILENCE)) };
        if arriving.incoming.is_end_stream() {
            arriving.end();
        }
        arriving
    }

    fn end(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.give_back();
        }
    }
}

impl hyper::body::Body for Arriving {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let deadline = Instant::now() + Limits::SILENCE;
                self.silence.as_mut().reset(deadline);
                if self.incoming.is_end_stream() {
                    self.end();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(CutShort))),
            Poll::Ready(None) => {
                self.end();
                Poll::Ready(None)
            }
            Poll::Pending => self.silence.as_mut().poll(context).map(|()| Some(Err(CutShort))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
