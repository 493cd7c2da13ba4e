//! Answers made of what is held: whole, in part, or only the word that nothing changed.

use hyper::{
    HeaderMap, Method, Response, StatusCode,
    header::{
        AGE, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_RANGE, DATE, ETAG, EXPIRES,
        HeaderValue, LAST_MODIFIED, VARY,
    },
};

use super::{
    asked::Asked,
    body::Body,
    cache_status::{CACHE_STATUS, Status},
    flights::{Shared, SharedPart},
    head::Head,
    held::Held,
    mark,
    ranges::{Sent, content_range, sent},
    store::Store,
    targeted::SURROGATE_CONTROL,
    validation::{is_not_modified, moment_of},
};
use crate::model::Moment;

/// Whether an answer is what was asked for, or stands in for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is the answer.
    Answer,
    /// The origin cannot be reached: a page gets its mark.
    StandIn,
}

/// The answer to `asked` from what is held.
pub(super) fn give(
    store: &Store,
    asked: &Asked,
    held: &Held,
    status: Status,
    standing: Standing,
) -> Response<Body> {
    let head = &held.head;
    let mark = (standing == Standing::StandIn && asked.method == Method::GET)
        .then(|| mark::mark(head.status, &head.fields, moment_of(head)))
        .flatten()
        .filter(|_| held.kept.body.is_whole());
    let mut fields = fields_of(head, asked.at, status);
    let length = held.kept.body.length();
    if let Some(mark) = mark {
        mark::tell(&mut fields);
        let body = Body::kept(store.read(&held.kept.body, 0..length), length);
        let body = if mark::is_packed(&head.fields) { body.unpacked() } else { body };
        fields.remove(CONTENT_LENGTH);
        return response(head.status, fields, body.followed_by(mark));
    }
    if is_not_modified(&asked.fields, head) {
        return not_modified(fields);
    }
    let (code, range) = match sent(&asked.fields, head, length) {
        Sent::Whole => (head.status, 0..length),
        Sent::Range(range) => (StatusCode::PARTIAL_CONTENT, range),
        Sent::Unsatisfiable => return unsatisfiable(length),
    };
    let sends = range.end - range.start;
    if code == StatusCode::PARTIAL_CONTENT {
        fields.insert(CONTENT_RANGE, content_range(Some(&range), length));
    }
    if asked.method == Method::HEAD {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(sends));
        return response(code, fields, Body::empty());
    }
    fields.remove(CONTENT_LENGTH);
    if sends > 0 {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(sends));
        return response(code, fields, Body::kept(store.read(&held.kept.body, range), sends));
    }
    response(code, fields, Body::empty())
}

/// The answer to `asked` from what is being written. `own` are the fields as they came, for the one whom they came for;
/// none for all others. None where the first bytes are gone already.
pub(super) fn give_growing(
    asked: &Asked,
    shared: &Shared,
    own: Option<HeaderMap>,
    status: Status,
) -> Option<Response<Body>> {
    let head = &shared.head;
    let mut fields = match own {
        Some(mut own) => {
            own.remove(SURROGATE_CONTROL);
            status.say(&mut own);
            own
        }
        None => fields_of(head, asked.at, status),
    };
    if is_not_modified(&asked.fields, head) {
        return Some(not_modified(fields));
    }
    let follower = shared.growing.follow()?;
    let Some(length) = shared.length else {
        fields.remove(CONTENT_LENGTH);
        return Some(response(head.status, fields, Body::growing(follower, 0, None)));
    };
    let (code, range) = match sent(&asked.fields, head, length) {
        Sent::Whole => (head.status, 0..length),
        Sent::Range(range) => (StatusCode::PARTIAL_CONTENT, range),
        Sent::Unsatisfiable => return Some(unsatisfiable(length)),
    };
    let sends = range.end - range.start;
    if code == StatusCode::PARTIAL_CONTENT {
        fields.insert(CONTENT_RANGE, content_range(Some(&range), length));
    }
    fields.insert(CONTENT_LENGTH, HeaderValue::from(sends));
    Some(response(code, fields, Body::growing(follower, range.start, Some(sends))))
}

/// The answer to `asked`, which is for exactly this range. None where its first bytes are gone already.
pub(super) fn give_growing_part(part: &SharedPart, asked: &Asked, status: Status) -> Option<Response<Body>> {
    let mut fields = fields_of(&part.head, asked.at, status);
    if is_not_modified(&asked.fields, &part.head) {
        return Some(not_modified(fields));
    }
    let sends = part.range.end - part.range.start;
    fields.insert(CONTENT_RANGE, content_range(Some(&part.range), part.total));
    fields.insert(CONTENT_LENGTH, HeaderValue::from(sends));
    let body = Body::growing(part.growing.follow()?, 0, Some(sends));
    Some(response(StatusCode::PARTIAL_CONTENT, fields, body))
}

/// The fields of what is held, as they are sent at `now`: its age, and this cache's word.
fn fields_of(head: &Head, now: Moment, status: Status) -> HeaderMap {
    let mut fields = head.fields.clone();
    fields.remove(SURROGATE_CONTROL);
    fields.insert(AGE, HeaderValue::from(head.life.age_at(now).as_secs()));
    status.say(&mut fields);
    fields
}

pub(super) fn response(status: StatusCode, fields: HeaderMap, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    response
}

/// A 304 has the fields that let a client renew its own copy, and no others (RFC 9110 section 15.4.5).
fn not_modified(mut fields: HeaderMap) -> Response<Body> {
    let mut few = HeaderMap::new();
    for name in [AGE, CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, LAST_MODIFIED, VARY, CACHE_STATUS]
    {
        if let Some(value) = fields.remove(&name) {
            few.insert(name, value);
        }
    }
    response(StatusCode::NOT_MODIFIED, few, Body::empty())
}

fn unsatisfiable(length: u64) -> Response<Body> {
    let mut fields = HeaderMap::new();
    fields.insert(CONTENT_RANGE, content_range(None, length));
    response(StatusCode::RANGE_NOT_SATISFIABLE, fields, Body::empty())
}
