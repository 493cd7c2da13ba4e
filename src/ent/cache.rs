//! The cache as its owner uses it: requests go in, answers come out.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::{Method, Request, Response, body::Body as HttpBody};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    asked::Asked,
    body::{Body, CutShort},
    cache_status::{Forward, Status},
    crew::Crew,
    deferred::Queue,
    flights::{Flights, Seat},
    give::{Standing, give, response},
    handing_in::Writes,
    held::Held,
    hop::strip_connection,
    invalidation,
    judge::{Verdict, judge},
    offers::{Missed, refused},
    origins::Origins,
    refusal::Refusal,
    settings::{Elsewhere, Keep, Settings},
    store::Store,
    targeted::SURROGATE_CONTROL,
    upstream::{Arriving, Client, Connect, Lost, Outgoing, Patience},
    validation::is_for_the_origin,
};
use crate::{model::Domain, system::clock::Clock};

/// Who asks, as the gate knows them.
#[derive(Clone, Debug, Default)]
pub struct Visitor {
    /// The key of the person signed in, from the session; without one, nothing is kept for a person.
    pub person: Option<[u8; 32]>,
    /// Whether the request came in TLS.
    pub is_secure: bool,
    /// The name that TLS was made for; the request must be for the same.
    pub server_name: Option<Domain>,
}

/// The cache. Cloning is cheap; all clones are one cache.
#[derive(Clone)]
pub struct Cache(pub(super) Arc<Inside>);

/// What all clones share.
pub(super) struct Inside {
    pub(super) origins: Origins,
    pub(super) store: Store,
    pub(super) client: Client,
    pub(super) crew: Arc<Crew>,
    pub(super) flights: Flights,
    /// Held while a part of a body joins the parts that are kept: two that come at once must not each join what was before.
    pub(super) joining: tokio::sync::Mutex<()>,
    /// When somebody asked last.
    visited: Mutex<Option<Instant>>,
    pub(super) clock: Clock,
    /// The writes that wait for the line, where some may.
    pub(super) writes: Option<Writes>,
    /// Where people are sent who find nothing here while the line is down.
    pub(super) elsewhere: Option<Elsewhere>,
}

impl Inside {
    fn visited(&self) -> MutexGuard<'_, Option<Instant>> {
        self.visited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cache")
    }
}

impl Cache {
    /// A cache before the origins of `settings`, which keeps in `store` and reaches them by `upstream`; what it may take while the
    /// line is down waits in `writes`.
    #[must_use]
    pub fn new(
        settings: Settings,
        store: Store,
        upstream: Arc<dyn Connect>,
        clock: Clock,
        writes: Option<Queue>,
    ) -> Self {
        let Settings { origins, elsewhere } = settings;
        Self::before(Origins::named(origins), store, upstream, clock, (writes, elsewhere))
    }

    /// A cache of the files of `hosts` and of every name below them, which it reaches over plain HTTP by `upstream`
    /// ([`Keep::Files`]).
    #[must_use]
    pub fn of_files(hosts: Arc<[Domain]>, store: Store, upstream: Arc<dyn Connect>, clock: Clock) -> Self {
        Self::before(Origins::below(hosts), store, upstream, clock, (None, None))
    }

    fn before(
        origins: Origins,
        store: Store,
        upstream: Arc<dyn Connect>,
        clock: Clock,
        (writes, elsewhere): (Option<Queue>, Option<Elsewhere>),
    ) -> Self {
        let crew = Arc::new(Crew::default());
        Self(Arc::new(Inside {
            origins,
            client: Client::new(upstream, Arc::clone(&crew)),
            store,
            crew,
            flights: Flights::default(),
            joining: tokio::sync::Mutex::default(),
            visited: Mutex::default(),
            clock,
            writes: writes.map(Writes::new),
            elsewhere,
        }))
    }

    /// Whether it stands before `host`.
    #[must_use]
    pub fn serves(&self, host: &Domain) -> bool {
        self.0.origins.find(host).is_some()
    }

    /// Answers `request` of `visitor`, whom the gate has let through.
    pub async fn answer<B>(&self, visitor: &Visitor, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
    {
        *self.0.visited() = Some(Instant::now());
        let mut answer = self.answer_or_refuse(visitor, request).await;
        match answer.extensions_mut().remove::<Missed>() {
            Some(missed) => self.offer(visitor, &missed).await,
            None => answer,
        }
    }

    async fn answer_or_refuse<B>(&self, visitor: &Visitor, request: Request<B>) -> Response<Body>
    where
        B: HttpBody<Data = Bytes> + Send + 'static,
    {
        let (parts, body) = request.into_parts();
        let asked = match Asked::read(&self.0.origins, visitor, parts, self.0.clock.now()) {
            Ok(asked) => asked,
            Err(refusal) => return refusal.response(),
        };
        if let (Some(person), Some(writes)) = (visitor.person, &self.0.writes) {
            writes.hear(person, &asked.origin, &asked.fields).await;
        }
        let is_read = matches!(asked.method, Method::GET | Method::HEAD);
        if !is_read || !body.is_end_stream() {
            let body = (!body.is_end_stream()).then(|| body.map_err(|_| CutShort).boxed_unsync());
            let is_replayable = asked.origin.write_rule(asked.method.as_str(), &asked.path).is_some();
            return match (&self.0.writes, visitor.person) {
                (Some(writes), Some(person)) if is_replayable => {
                    self.hand_in(asked, person, body, writes).await
                }
                _ => self.pass(&asked, body, Forward::Method).await,
            };
        }
        if asked.rule.keep == Keep::Never || is_for_the_origin(&asked.fields) {
            return self.pass(&asked, None, Forward::Bypass).await;
        }
        self.look(asked).await
    }

    /// How long nobody has asked for anything; none where nobody has yet.
    pub(super) fn quiet_for(&self) -> Option<Duration> {
        self.0.visited().map(|at| at.elapsed())
    }

    /// Answers from what is held where that is enough, and asks the origin where it is not.
    pub(super) async fn look(&self, mut asked: Asked) -> Response<Body> {
        asked.begun = self.0.flights.changes();
        let kept = match self.0.store.at_hand(&asked.key) {
            Some(kept) => kept,
            None => self.0.store.find(&asked.key).await,
        };
        let Some(held) = Held::choose(&kept, &asked) else {
            let forward = if kept.is_empty() { Forward::UriMiss } else { Forward::VaryMiss };
            return self.fetch(asked, None, forward).await;
        };
        if !held.has_bytes_for(&asked) {
            return self.fetch(asked, Some(held), Forward::Partial).await;
        }
        match judge(&held.head.life, &asked.directives, asked.at) {
            Verdict::Serve => self.give_held(&asked, &held),
            Verdict::ServeAndRenew => {
                self.renew_later(&asked, &held);
                self.give_held(&asked, &held)
            }
            Verdict::Ask(forward) => self.fetch(asked, Some(held), forward).await,
        }
    }

    pub(super) fn give_held(&self, asked: &Asked, held: &Held) -> Response<Body> {
        let life = &held.head.life;
        let status = Status::hit(life.left_at(asked.at), life.stale_at(asked.at));
        give(&self.0.store, asked, held, status, Standing::Answer)
    }

    /// Renews what is held while the client has it already; once, however many ask.
    fn renew_later(&self, asked: &Asked, held: &Held) {
        if let Seat::Pilot(pilot) = self.0.flights.board(asked.key) {
            let (cache, mut asked, held) = (self.clone(), asked.clone(), held.clone());
            asked.method = Method::GET;
            asked.forget_conditions();
            self.0.crew.start(async move {
                drop(cache.ask(asked, Some(held), Forward::Stale, Some(pilot)).await);
            });
        }
    }

    /// Passes a request on as it is, and forgets what it changed.
    async fn pass(&self, asked: &Asked, body: Option<Outgoing>, forward: Forward) -> Response<Body> {
        let is_write = !asked.method.is_safe();
        self.try_pass(asked, body, forward, Patience::Full).await.unwrap_or_else(|lost| {
            match refusal_of(lost) {
                Refusal::NoOrigin if is_write => refused(asked, Refusal::NotSent),
                refusal => refused(asked, refusal),
            }
        })
    }

    /// As [`Cache::pass`], where the origin answers.
    ///
    /// # Errors
    /// When it does not.
    pub(super) async fn try_pass(
        &self,
        asked: &Asked,
        body: Option<Outgoing>,
        forward: Forward,
        patience: Patience,
    ) -> Result<Response<Body>, Lost> {
        let answer = self.0.client.send(&asked.origin, asked.onward(), body, patience).await?;
        if invalidation::changes(&asked.method, answer.status()) {
            let named = invalidation::named(answer.headers(), asked.origin.host.as_str(), &asked.path);
            for path in named.iter().map(String::as_str).chain([asked.path.as_str()]) {
                for key in asked.keys_of(path) {
                    self.0.flights.note_changed(key);
                    self.0.store.forget(&key, None).await;
                }
            }
        }
        Ok(direct(answer, Status::forwarded(forward)))
    }

    /// Runs until `stop`, and ends what the cache still does in the background.
    ///
    /// # Errors
    /// Never: without an origin, the cache serves what it holds.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        match &self.0.writes {
            Some(writes) => self.hand_on(writes, stop).await,
            None => stop.cancelled().await,
        }
        self.0.crew.end().await;
        Ok(())
    }
}

/// What a client is told of an origin that gave no answer.
pub(super) fn refusal_of(lost: Lost) -> Refusal {
    match lost {
        Lost::Unreachable | Lost::Silent => Refusal::NoOrigin,
        Lost::Broken => Refusal::BadOrigin,
    }
}

/// The origin's answer as it came, for the one who asked.
pub(super) fn direct(answer: Response<Arriving>, status: Status) -> Response<Body> {
    let (mut head, arriving) = answer.into_parts();
    strip_connection(&mut head.headers);
    head.headers.remove(SURROGATE_CONTROL);
    status.say(&mut head.headers);
    response(head.status, head.headers, Body::arriving(arriving))
}
