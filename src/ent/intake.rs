//! What comes from the origin on its way into the store, while those who wait for it read it.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use http_body_util::BodyExt as _;
use hyper::{
    Response, StatusCode,
    body::Body as _,
    header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, IF_RANGE, RANGE},
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    asked::Asked,
    body::{Body, CutShort},
    cache::{Cache, direct},
    cache_status::{Forward, Status},
    fetch::land,
    flights::{Landing, Pilot, Shared, SharedPart},
    freshness::Arrival,
    give::give_growing,
    head::Head,
    held::Held,
    hop::strip_connection,
    ranges::{Asked as Range, brought},
    storable::{Came, head_of},
    store::{Draft, Kept, Key, Reading, Store},
    upstream::{Arriving, Patience},
    validation::{is_same_representation, renewed, strip_conditions, strong_validator},
};
use crate::model::Moment;

/// How often a body that was cut is asked for again from where it was cut, and how long before each time.
const RESUMES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(1), Duration::from_secs(5)];

/// Variants kept under one address; the oldest make room.
const VARIANTS_MAX: usize = 16;

/// A body on its way into the store.
struct Intake {
    cache: Cache,
    asked: Asked,
    head: Arc<Head>,
    draft: Draft,
    /// Where in the complete body it begins, and how long that is, where the origin said it.
    first: u64,
    length: Option<u64>,
    /// The response whose place it takes.
    instead_of: Option<u64>,
    /// Others wait until it is in the store.
    pilot: Option<Pilot>,
}

impl Cache {
    /// Takes an answer: keeps it where it may be kept, and gives it to the client in any case.
    pub(super) async fn take(
        &self,
        asked: Asked,
        held: Option<&Held>,
        answer: Response<Arriving>,
        times: (Moment, Moment),
        forward: Forward,
        pilot: Option<Pilot>,
    ) -> Response<Body> {
        let code = answer.status();
        let status = Status { origin: Some(code.as_u16()), ..Status::forwarded(forward) };
        let Some(head) = self.head_to_keep(&asked, code, answer.headers(), times) else {
            if let Some(pilot) = &pilot {
                pilot.land(Landing::NotShared);
                self.0.flights.note_unshared(asked.key, asked.at);
            }
            // What the origin no longer lets anybody keep is not kept any more.
            if let Some(held) = held.filter(|_| !code.is_server_error() && code != StatusCode::NOT_MODIFIED) {
                self.0.store.forget(&asked.key, Some(held.kept.id)).await;
            }
            return direct(answer, status);
        };
        let (mut parts, arriving) = answer.into_parts();
        strip_connection(&mut parts.headers);
        let intake = self.intake(asked.clone(), head, arriving.size_hint().exact(), held, pilot);
        let shared = intake.shared();
        land(intake.pilot.as_ref(), Landing::Growing(shared.clone()));
        let status = Status { is_stored: true, ..status };
        let given = give_growing(&asked, &shared, Some(parts.headers), status);
        self.0.crew.start(intake.run(arriving, None));
        given.unwrap_or_else(|| super::refusal::Refusal::BadOrigin.response())
    }

    /// Takes the rest of a body of which the first part is held, and gives all of it.
    pub(super) async fn complete(
        &self,
        asked: Asked,
        held: &Held,
        answer: Response<Arriving>,
        (asked_at, received): (Moment, Moment),
        forward: Forward,
        pilot: Option<Pilot>,
    ) -> Response<Body> {
        let (parts, arriving) = answer.into_parts();
        let arrival = Arrival { request: &asked.fields, asked: asked_at, received };
        let head = renewed(&held.head, &parts.headers, arrival, &asked.rule);
        let prefix = self.0.store.read(&held.kept.body, 0..held.prefix());
        let intake = self.intake(asked.clone(), head, Some(held.kept.body.length()), Some(held), pilot);
        let shared = intake.shared();
        land(intake.pilot.as_ref(), Landing::Growing(shared.clone()));
        let status = Status { is_stored: true, origin: Some(206), ..Status::forwarded(forward) };
        let given = give_growing(&asked, &shared, None, status);
        self.0.crew.start(intake.run(arriving, Some(prefix)));
        given.unwrap_or_else(|| super::refusal::Refusal::BadOrigin.response())
    }

    /// Whether an answer brings what is missing behind the first `from` bytes of what is held.
    pub(super) fn brings_rest(&self, held: &Held, from: u64, answer: &Response<Arriving>) -> bool {
        let total = held.kept.body.length();
        brought(answer.headers()) == Some((from..total, total))
            && is_same_representation(answer.headers(), &held.head.fields)
    }

    /// Takes a range: keeps it beside what is held of the same bytes, and gives it as it came.
    pub(super) fn take_part(
        &self,
        asked: Asked,
        held: Option<&Held>,
        answer: Response<Arriving>,
        times: (Moment, Moment),
        forward: Forward,
        pilot: Option<Pilot>,
    ) -> Response<Body> {
        let status = Status { origin: Some(206), ..Status::forwarded(forward) };
        let mut fields = answer.headers().clone();
        let range = brought(&fields).filter(|(range, _)| {
            // A range whose length is not what it says has a wrong place.
            answer.body().size_hint().exact() == Some(range.end - range.start)
        });
        fields.remove(CONTENT_RANGE);
        let head = range.as_ref().and_then(|(_, total)| {
            fields.insert(CONTENT_LENGTH, HeaderValue::from(*total));
            self.head_to_keep(&asked, StatusCode::OK, &fields, times)
        });
        let (Some((range, total)), Some(head)) = (range, head) else {
            land(pilot.as_ref(), Landing::NotShared);
            return direct(answer, status);
        };
        let onto = held.filter(|held| is_same_representation(&held.head.fields, &fields));
        let (mut parts, arriving) = answer.into_parts();
        strip_connection(&mut parts.headers);
        let mut intake = self.intake(asked, head, Some(total), onto, pilot);
        (intake.first, intake.length) = (range.start, Some(total));
        let (head, growing) = (Arc::clone(&intake.head), intake.draft.growing());
        let shared = SharedPart { head, growing, range: range.clone(), total };
        land(intake.pilot.as_ref(), Landing::Part(shared));
        Status { is_stored: true, ..status }.say(&mut parts.headers);
        parts.headers.remove(super::targeted::SURROGATE_CONTROL);
        let Some(follower) = intake.draft.follow() else {
            return super::refusal::Refusal::BadOrigin.response();
        };
        self.0.crew.start(intake.run_part(arriving, range.end));
        let body = Body::growing(follower, 0, Some(range.end - range.start));
        super::give::response(StatusCode::PARTIAL_CONTENT, parts.headers, body)
    }

    fn head_to_keep(
        &self,
        asked: &Asked,
        status: StatusCode,
        fields: &hyper::HeaderMap,
        (asked_at, received): (Moment, Moment),
    ) -> Option<Head> {
        let came = Came {
            status,
            fields,
            arrival: Arrival { request: &asked.fields, asked: asked_at, received },
            request: &asked.directives,
            path: asked.bare_path(),
        };
        head_of(came, &asked.rule).filter(|head| head.written().is_some())
    }

    fn intake(
        &self,
        asked: Asked,
        head: Head,
        length: Option<u64>,
        held: Option<&Held>,
        pilot: Option<Pilot>,
    ) -> Intake {
        let instead_of = held.map(|held| held.kept.id);
        let draft = self.0.store.begin();
        Intake {
            cache: self.clone(),
            asked,
            head: Arc::new(head),
            draft,
            first: 0,
            length,
            instead_of,
            pilot,
        }
    }
}

impl Intake {
    fn shared(&self) -> Shared {
        Shared { head: Arc::clone(&self.head), growing: self.draft.growing(), length: self.length }
    }

    /// Writes what is held already, then what comes; resumes a body that is cut; keeps it.
    async fn run(mut self, mut arriving: Arriving, before: Option<Reading>) {
        let mut is_whole = match before {
            Some(before) => self.pour_kept(before).await,
            None => Ok(()),
        };
        if is_whole.is_ok() {
            is_whole = self.pour(&mut arriving, self.length).await;
            for wait in RESUMES {
                if is_whole.is_ok() || self.is_let_go() {
                    break;
                }
                sleep(wait).await;
                let Some(mut rest) = self.resume().await else { continue };
                is_whole = self.pour(&mut rest, self.length).await;
            }
        }
        let Some(written) = self.head.written() else { return };
        let store = self.cache.0.store.clone();
        let flights = self.cache.0.flights.clone();
        let is_changed = || flights.is_changed_since(&self.asked.key, self.asked.begun);
        match (is_whole, self.length) {
            // Whoever reads it has it; a write changed the page meanwhile, and this is perhaps the older one.
            (Ok(()), _) if is_changed() => drop(self.draft.finish()),
            (Ok(()), _) => {
                let kept = store.keep(&self.asked.key, self.draft.finish(), written, self.instead_of).await;
                if let Some(kept) = kept.filter(|_| is_changed()) {
                    store.forget(&self.asked.key, Some(kept.id)).await;
                }
            }
            (Err(CutShort), _) if is_changed() => drop(self.draft),
            (Err(CutShort), Some(length)) if strong_validator(&self.head.fields).is_some() => {
                let part = self.draft.cut(0, length);
                store.keep_part(&self.asked.key, part, written, self.instead_of).await;
            }
            (Err(CutShort), _) => drop(self.draft),
        }
        let kept = store.find(&self.asked.key).await;
        for oldest in kept.iter().skip(VARIANTS_MAX) {
            store.forget(&self.asked.key, Some(oldest.id)).await;
        }
        drop(self.pilot);
    }

    /// Writes a range that ends before byte `end`; what is cut is kept as far as it came.
    async fn run_part(mut self, mut arriving: Arriving, end: u64) {
        let came = self.pour(&mut arriving, Some(end - self.first)).await;
        let (Some(written), Some(total)) = (self.head.written(), self.length) else { return };
        let part = match came {
            Ok(()) => self.draft.finish_part(self.first, total),
            Err(CutShort) => self.draft.cut(self.first, total),
        };
        let store = &self.cache.0.store;
        if self.cache.0.flights.is_changed_since(&self.asked.key, self.asked.begun) {
            return;
        }
        let _alone = self.cache.0.joining.lock().await;
        let onto = grown(store, &self.asked.key, &self.head, total).await.or(self.instead_of);
        store.keep_part(&self.asked.key, part, written, onto).await;
        drop(self.pilot);
    }

    /// Writes what comes, up to `length` bytes in all where that is known.
    async fn pour(&mut self, arriving: &mut Arriving, length: Option<u64>) -> Result<(), CutShort> {
        let leash = self.asked.leash.clone();
        loop {
            if self.is_let_go() {
                return Err(CutShort);
            }
            let frame = match leash.as_ref().filter(|leash| !leash.is_cancelled()) {
                None => arriving.frame().await,
                Some(leash) => tokio::select! {
                    frame = arriving.frame() => frame,
                    () = leash.cancelled() => continue,
                },
            };
            let Some(frame) = frame else { break };
            if let Ok(bytes) = frame?.into_data() {
                self.draft.write(bytes).await;
            }
        }
        let came = self.draft.growing().length();
        if length.is_none_or(|length| came == length) { Ok(()) } else { Err(CutShort) }
    }

    /// Whether it was begun for nobody and is to end, and nobody reads it.
    fn is_let_go(&self) -> bool {
        self.asked.leash.as_ref().is_some_and(CancellationToken::is_cancelled)
            && !self.draft.growing().has_followers()
    }

    async fn pour_kept(&mut self, before: Reading) -> Result<(), CutShort> {
        match before {
            Reading::AtOnce(bytes) => self.draft.write(bytes).await,
            Reading::Pieces(mut pieces) => {
                while let Some(piece) = pieces.next().await {
                    self.draft.write(piece.map_err(|_| CutShort)?).await;
                }
            }
        }
        Ok(())
    }

    /// Asks for what is missing, if it is certain to be of the same bytes; none where it cannot be had now.
    async fn resume(&self) -> Option<Arriving> {
        let (from, total) = (self.draft.growing().length(), self.length?);
        let validator = strong_validator(&self.head.fields)?;
        let mut onward = self.asked.onward();
        strip_conditions(&mut onward.headers);
        onward.headers.insert(RANGE, Range::From(from).written());
        onward.headers.insert(IF_RANGE, validator);
        let answer = self.cache.0.client.send(&self.asked.origin, onward, None, Patience::Full).await.ok()?;
        let is_the_rest = answer.status() == StatusCode::PARTIAL_CONTENT
            && brought(answer.headers()) == Some((from..total, total))
            && is_same_representation(answer.headers(), &self.head.fields);
        is_the_rest.then(|| answer.into_body())
    }
}

/// What is kept of the same bytes by now: other ranges of them may have come since this one was asked for.
async fn grown(store: &Store, key: &Key, head: &Head, total: u64) -> Option<u64> {
    let is_same = |kept: &&Kept| {
        kept.body.length() == total
            && kept.made(Head::read).is_some_and(|known| {
                known.keep == head.keep
                    && known.nominated == head.nominated
                    && is_same_representation(&known.fields, &head.fields)
            })
    };
    store.find(key).await.iter().find(is_same).map(|kept| kept.id)
}
