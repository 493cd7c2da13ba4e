//! Asking the origin, once for all who wait for the same.

use std::{sync::Arc, time::Duration};

use hyper::{
    Method, Response, StatusCode,
    header::{IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE, SET_COOKIE},
    http::request::Parts,
};

use super::{
    asked::Asked,
    body::Body,
    cache::{Cache, direct, refusal_of},
    cache_status::{Forward, Status},
    flights::{Landing, Pilot, Seat, SharedPart, landed},
    freshness::Arrival,
    give::{Standing, give, give_growing, give_growing_part},
    head::Head,
    held::Held,
    judge::{Verdict, judge, may_stand_in},
    offers::refused,
    ranges::{Asked as Range, Ranges, may_send_range},
    refusal::Refusal,
    settings::Keep,
    upstream::{Arriving, Lost, Patience},
    validation::{ask_whether_it_holds, describes, renewed, strip_conditions, strong_validator},
};
use crate::model::Moment;

/// How long an address whose answer was for one alone is not waited for by others.
const UNSHARED_FOR: Duration = Duration::from_mins(2);

/// What the origin was asked, beside the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// For all of it, or for the client's range.
    Bytes,
    /// On the client's own conditions.
    OfTheClient,
    /// Whether what is held still holds.
    Holds,
    /// For the rest of what is held in part, from this byte on.
    Rest(u64),
}

impl Cache {
    /// The answer of the origin, or of whoever asks it at this moment.
    pub(super) async fn fetch(&self, asked: Asked, held: Option<Held>, forward: Forward) -> Response<Body> {
        if asked.directives.only_if_cached {
            return Refusal::NotKept.response();
        }
        if let Some(held) = &held
            && self.0.client.seems_down(&asked.origin)
            && let Some(answer) = self.stand_in(&asked, held)
        {
            return answer;
        }
        let flight = match asked.ranges {
            Ranges::None | Ranges::Several | Ranges::One(Range::From(0)) => Some(asked.key),
            Ranges::One(range) => (asked.rule.keep == Keep::Files).then(|| asked.key_of_range(range)),
        };
        let is_on_condition =
            asked.fields.contains_key(IF_NONE_MATCH) || asked.fields.contains_key(IF_MODIFIED_SINCE);
        let can_wait = asked.method == Method::GET
            && asked.may_be_shared()
            && (held.is_some() || !is_on_condition)
            && !self.0.flights.is_unshared(&asked.key, asked.at, UNSHARED_FOR);
        let Some(flight) = flight.filter(|_| can_wait) else {
            return self.ask(asked, held, forward, None).await;
        };
        loop {
            match self.0.flights.board(flight) {
                Seat::Pilot(pilot) => {
                    if let Some(held) = self.came_meanwhile(&asked, held.as_ref()) {
                        return self.give_held(&asked, &held);
                    }
                    return self.ask(asked, held, forward, Some(pilot)).await;
                }
                Seat::Passenger(waiting) => {
                    let landing = landed(waiting).await;
                    let Some(landing) = landing else { continue };
                    return match self.take_landing(&asked, held.as_ref(), landing, forward) {
                        Some(answer) => answer,
                        None => self.ask(asked, held, forward, None).await,
                    };
                }
            }
        }
    }

    /// What another fetch has brought since this request looked, where it is fresh.
    fn came_meanwhile(&self, asked: &Asked, held: Option<&Held>) -> Option<Held> {
        let kept = self.0.store.at_hand(&asked.key)?;
        let new =
            Held::choose(&kept, asked).filter(|new| held.is_none_or(|old| old.kept.id != new.kept.id))?;
        let serves = judge(&new.head.life, &asked.directives, asked.at) == Verdict::Serve;
        (serves && new.has_bytes_for(asked)).then_some(new)
    }

    /// The answer for one who waited; none where what landed is not for this one.
    fn take_landing(
        &self,
        asked: &Asked,
        held: Option<&Held>,
        landing: Landing,
        forward: Forward,
    ) -> Option<Response<Body>> {
        let now = self.0.clock.now();
        let status = Status { is_collapsed: true, ..Status::forwarded(forward) };
        match landing {
            Landing::Growing(shared) => may_ride(asked, &shared.head, now)
                .then(|| give_growing(asked, &shared, None, status))
                .flatten(),
            Landing::Renewed(kept, head) => {
                let held = Held { kept, head };
                let fits = held.head.keep == asked.rule.keep
                    && held.head.nominated.matches(&asked.fields, &held.head.fields)
                    && judge(&held.head.life, &asked.directives, now) == Verdict::Serve
                    && held.has_bytes_for(asked);
                fits.then(|| give(&self.0.store, asked, &held, status, Standing::Answer))
            }
            Landing::Part(part) => {
                let rides = may_ride(asked, &part.head, now) && asks_for(asked, &part);
                rides.then(|| give_growing_part(&part, asked, status)).flatten()
            }
            Landing::NotShared => None,
            Landing::NoOrigin => Some(self.without_origin(asked, held, Lost::Unreachable)),
        }
    }

    /// Asks the origin for `asked`, with what is `held` of it.
    pub(super) async fn ask(
        &self,
        asked: Asked,
        held: Option<Held>,
        forward: Forward,
        pilot: Option<Pilot>,
    ) -> Response<Body> {
        let (mut onward, mut question) = onward(&asked, held.as_ref());
        let mut has_asked_again = false;
        let has_copy = held.as_ref().is_some_and(|held| may_stand_in(&held.head.life, asked.at));
        let patience = if has_copy { Patience::HasCopy } else { Patience::Full };
        loop {
            let asked_at = self.0.clock.now();
            let answer = match self.0.client.send(&asked.origin, onward.clone(), None, patience).await {
                Ok(answer) => answer,
                Err(lost) => {
                    land(pilot.as_ref(), Landing::NoOrigin);
                    return self.without_origin(&asked, held.as_ref(), lost);
                }
            };
            let times = (asked_at, self.0.clock.now());
            if is_failing(answer.status())
                && let Some(held) = &held
                && let Some(stand_in) = self.stand_in(&asked, held)
            {
                land(pilot.as_ref(), Landing::NoOrigin);
                return stand_in;
            }
            let status = answer.status();
            match (&held, question) {
                (Some(held), Question::Holds) if status == StatusCode::NOT_MODIFIED => {
                    return self.confirm(&asked, held, &answer, times, forward, pilot.as_ref()).await;
                }
                (Some(held), Question::Rest(from)) if status == StatusCode::PARTIAL_CONTENT => {
                    // Where it is not the rest: once more, for all of it.
                    if self.brings_rest(held, from, &answer) {
                        return self.complete(asked, held, answer, times, forward, pilot).await;
                    }
                }
                _ if asked.method == Method::HEAD => {
                    return self.describe(&asked, held.as_ref(), answer, times, forward).await;
                }
                _ if status == StatusCode::PARTIAL_CONTENT => {
                    return self.take_part(asked, held.as_ref(), answer, times, forward, pilot);
                }
                _ => return self.take(asked, held.as_ref(), answer, times, forward, pilot).await,
            }
            if has_asked_again {
                land(pilot.as_ref(), Landing::NoOrigin);
                return Refusal::BadOrigin.response();
            }
            has_asked_again = true;
            strip_conditions(&mut onward.headers);
            question = Question::Bytes;
        }
    }

    /// What is held still holds: its head is renewed, and it is the answer.
    async fn confirm(
        &self,
        asked: &Asked,
        held: &Held,
        answer: &Response<Arriving>,
        (asked_at, received): (Moment, Moment),
        forward: Forward,
        pilot: Option<&Pilot>,
    ) -> Response<Body> {
        let arrival = Arrival { request: &asked.fields, asked: asked_at, received };
        let head = renewed(&held.head, answer.headers(), arrival, &asked.rule);
        let mut kept = held.kept.clone();
        if let Some(written) = head.written() {
            self.0.store.renew(&asked.key, kept.id, written.clone()).await;
            kept = kept.with_head(written);
        }
        let held = Held { kept, head: Arc::new(head) };
        land(pilot, Landing::Renewed(held.kept.clone(), Arc::clone(&held.head)));
        let status = Status { origin: Some(304), ..Status::forwarded(forward) };
        let mut response = give(&self.0.store, asked, &held, status, Standing::Answer);
        // What the origin gives this client with its word is this client's.
        for cookie in answer.headers().get_all(SET_COOKIE) {
            response.headers_mut().append(SET_COOKIE, cookie.clone());
        }
        response
    }

    /// Passes on the answer to a HEAD, which tells whether what is held still is what the origin has.
    async fn describe(
        &self,
        asked: &Asked,
        held: Option<&Held>,
        answer: Response<Arriving>,
        (asked_at, received): (Moment, Moment),
        forward: Forward,
    ) -> Response<Body> {
        if let Some(held) = held
            && answer.status() == held.head.status
        {
            if describes(answer.headers(), &held.head, held.kept.body.length()) {
                let arrival = Arrival { request: &asked.fields, asked: asked_at, received };
                let head = renewed(&held.head, answer.headers(), arrival, &asked.rule);
                if let Some(written) = head.written() {
                    self.0.store.renew(&asked.key, held.kept.id, written).await;
                }
            } else {
                self.0.store.forget(&asked.key, Some(held.kept.id)).await;
            }
        }
        direct(answer, Status::forwarded(forward))
    }

    /// What is held in the origin's place, where it may and can.
    fn stand_in(&self, asked: &Asked, held: &Held) -> Option<Response<Body>> {
        let life = &held.head.life;
        if !may_stand_in(life, asked.at) || !held.has_bytes_for(asked) {
            return None;
        }
        let hit = Status::hit(life.left_at(asked.at), life.stale_at(asked.at));
        let status = Status { detail: Some("line-down"), ..hit };
        Some(give(&self.0.store, asked, held, status, Standing::StandIn))
    }

    fn without_origin(&self, asked: &Asked, held: Option<&Held>, lost: Lost) -> Response<Body> {
        held.and_then(|held| self.stand_in(asked, held)).unwrap_or_else(|| refused(asked, refusal_of(lost)))
    }
}

/// Whether one who waited may have what is being written: it was chosen by nothing that differs, and it may be used without
/// asking again. What an operator declares the same for all may be used by all who ask while it comes.
fn may_ride(asked: &Asked, head: &Head, now: Moment) -> bool {
    let is_usable = judge(&head.life, &asked.directives, now) == Verdict::Serve
        || (head.keep == Keep::Everyone
            && asked.directives.max_age.is_none()
            && !asked.directives.no_cache.is_everything());
    head.keep == asked.rule.keep && head.nominated.matches(&asked.fields, &head.fields) && is_usable
}

/// Whether `part` is the range that is asked for.
fn asks_for(asked: &Asked, part: &SharedPart) -> bool {
    let Ranges::One(range) = asked.ranges else { return false };
    range.of(part.total) == Some(part.range.clone()) && may_send_range(&asked.fields, &part.head.fields)
}

/// An origin that answers so cannot serve the page now.
fn is_failing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

pub(super) fn land(pilot: Option<&Pilot>, landing: Landing) {
    if let Some(pilot) = pilot {
        pilot.land(landing);
    }
}

/// The request that goes on, and what it asks.
fn onward(asked: &Asked, held: Option<&Held>) -> (Parts, Question) {
    let mut onward = asked.onward();
    if asked.method == Method::HEAD {
        return (onward, Question::OfTheClient);
    }
    let fields = &mut onward.headers;
    let range = match asked.ranges {
        Ranges::One(range) if range != Range::From(0) => Some(range),
        _ => None,
    };
    let Some(held) = held else {
        if range.is_none() {
            fields.remove(RANGE);
            fields.remove(IF_RANGE);
        }
        return (onward, Question::OfTheClient);
    };
    strip_conditions(fields);
    if held.has_bytes_for(asked) && ask_whether_it_holds(fields, &held.head) {
        return (onward, Question::Holds);
    }
    let validator = strong_validator(&held.head.fields);
    if let Some(range) = range.filter(|_| may_send_range(&asked.fields, &held.head.fields)) {
        fields.insert(RANGE, range.written());
        if let Some(validator) = validator {
            fields.insert(IF_RANGE, validator);
        }
        return (onward, Question::Bytes);
    }
    let prefix = held.prefix();
    if let Some(validator) = validator.filter(|_| prefix > 0) {
        fields.insert(RANGE, Range::From(prefix).written());
        fields.insert(IF_RANGE, validator);
        return (onward, Question::Rest(prefix));
    }
    (onward, Question::Bytes)
}
