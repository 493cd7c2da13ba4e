//! Validators: what a client asks on condition of, what the origin is asked on condition of, and what a 304 renews
//! (RFC 9110 section 13, RFC 9111 section 4.3).

use hyper::{
    HeaderMap, StatusCode,
    header::{
        CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, DATE, ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE,
        IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
    },
};

use super::{
    date::date,
    freshness::Arrival,
    head::Head,
    list::{joined, members, only},
    settings::Rule,
    storable::kept_fields,
    targeted::Told,
};
use crate::model::Moment;

/// The digest that older servers give of a body.
const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// An entity tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    opaque: String,
    is_weak: bool,
}

impl Tag {
    /// The tag of a response; one that is not in quotes counts with what it says.
    pub(super) fn of(fields: &HeaderMap) -> Option<Self> {
        only(fields, &ETAG).as_deref().and_then(Self::read)
    }

    fn read(text: &str) -> Option<Self> {
        let (opaque, is_weak) = text.strip_prefix("W/").map_or((text, false), |opaque| (opaque, true));
        let opaque = opaque.strip_prefix('"').and_then(|opaque| opaque.strip_suffix('"')).unwrap_or(opaque);
        (!opaque.is_empty() || text.contains('"')).then(|| Self { opaque: opaque.to_owned(), is_weak })
    }

    /// Whether both are of the same bytes.
    pub(super) fn is_same_bytes(&self, other: &Self) -> bool {
        !self.is_weak && self == other
    }
}

/// Whether a request that asks on condition gets a 304 from what is held (RFC 9111 section 4.3.2).
pub(super) fn is_not_modified(request: &HeaderMap, held: &Head) -> bool {
    if let Some(list) = joined(request, &IF_NONE_MATCH) {
        let Some(tag) = Tag::of(&held.fields) else { return false };
        return members(&list).any(|member| {
            member == "*" || Tag::read(member).is_some_and(|asked| asked.opaque == tag.opaque)
        });
    }
    let Some(since) = date(request, &IF_MODIFIED_SINCE) else { return false };
    let changed = date(&held.fields, &LAST_MODIFIED).or_else(|| date(&held.fields, &DATE));
    held.status == StatusCode::OK && changed.unwrap_or(held.life.received) <= since
}

/// Whether a request asks on a condition that only the origin can judge (RFC 9110 sections 13.1.1 and 13.1.4).
pub(super) fn is_for_the_origin(request: &HeaderMap) -> bool {
    request.contains_key(IF_MATCH) || request.contains_key(IF_UNMODIFIED_SINCE)
}

/// Takes the client's own conditions and ranges out of `request`: what comes is for others too.
pub(super) fn strip_conditions(request: &mut HeaderMap) {
    for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_RANGE, RANGE] {
        request.remove(name);
    }
}

/// Makes `request` ask whether what is held still holds; whether it can.
pub(super) fn ask_whether_it_holds(request: &mut HeaderMap, held: &Head) -> bool {
    let mut can = false;
    for (validator, condition) in [(ETAG, IF_NONE_MATCH), (LAST_MODIFIED, IF_MODIFIED_SINCE)] {
        if let Some(value) = held.fields.get(validator) {
            request.insert(condition, value.clone());
            can = true;
        }
    }
    can
}

/// What to put into If-Range to get the rest of exactly these bytes: a strong tag, or a date that is a minute older than
/// the answer (RFC 9110 section 8.8.2.2); none where there is neither.
pub(super) fn strong_validator(fields: &HeaderMap) -> Option<hyper::header::HeaderValue> {
    if let Some(tag) = Tag::of(fields) {
        let value = fields.get(ETAG)?;
        return (!tag.is_weak && value.as_bytes().starts_with(b"\"")).then(|| value.clone());
    }
    let changed = date(fields, &LAST_MODIFIED)?;
    let is_settled = date(fields, &DATE)?.since(changed).as_secs() >= 60;
    is_settled.then(|| fields.get(LAST_MODIFIED).cloned())?
}

/// Whether `one` and `other` are of the same bytes, for certain.
pub(super) fn is_same_representation(one: &HeaderMap, other: &HeaderMap) -> bool {
    match (Tag::of(one), Tag::of(other)) {
        (Some(one), Some(other)) => one.is_same_bytes(&other),
        (None, None) => {
            let settled = strong_validator(one).and(strong_validator(other)).is_some();
            settled && one.get(LAST_MODIFIED) == other.get(LAST_MODIFIED)
        }
        _ => false,
    }
}

/// `held` with the fields of an answer that confirms it (RFC 9111 section 3.2).
///
/// Off-spec: RFC 9111 section 4.3.4 would drop a 304 that names another tag than the one held. The origin was asked about
/// that one alone, so that its answer can be about no other; some servers write another tag into it, of the page before it
/// was compressed.
pub(super) fn renewed(held: &Head, answer: &HeaderMap, arrival: Arrival<'_>, rule: &Rule) -> Head {
    let told = Told::of(answer);
    let new = kept_fields(answer, &told);
    let mut fields = held.fields.clone();
    // An Age that the new answer does not have was the old one's.
    fields.remove(hyper::header::AGE);
    for name in new.keys().filter(|name| is_updated(name)) {
        fields.remove(name);
        for value in new.get_all(name) {
            fields.append(name, value.clone());
        }
    }
    Head::of(held.status, fields, held.nominated.clone(), arrival, rule)
}

/// Whether a HEAD's answer is of the response that is held (RFC 9111 section 4.3.5).
pub(super) fn describes(answer: &HeaderMap, held: &Head, length: u64) -> bool {
    let told = only(answer, &CONTENT_LENGTH).map(|text| text.parse());
    let has_length = told.is_none_or(|told| told == Ok(length));
    let same = |name: &HeaderName| answer.get(name).is_none_or(|value| held.fields.get(name) == Some(value));
    has_length && same(&ETAG) && same(&LAST_MODIFIED)
}

/// Whether a confirming answer replaces a field: not what is about the bytes that are held.
fn is_updated(name: &HeaderName) -> bool {
    ![CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_MD5, CONTENT_RANGE, ETAG].contains(name)
}

/// The moment that a copy is of: its Date, or when it came.
pub(super) fn moment_of(held: &Head) -> Moment {
    date(&held.fields, &DATE).unwrap_or(held.life.received)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn held(lines: &[(&'static str, &str)]) -> Head {
        let at = Moment::from_unix_seconds(784_111_777);
        let request = HeaderMap::new();
        let arrival = Arrival { request: &request, asked: at, received: at };
        Head::of(
            StatusCode::OK,
            fields(lines),
            super::super::vary::Nominated::default(),
            arrival,
            &Rule::as_told(),
        )
    }

    #[test]
    fn tags_are_compared_weakly_for_a_304_and_strongly_for_bytes() {
        let check = |tag, asked, expected| {
            assert_eq!(
                is_not_modified(&fields(&[("if-none-match", asked)]), &held(&[("etag", tag)])),
                expected
            );
        };
        check("\"a\"", "\"b\", \"a\"", true);
        check("W/\"a\"", "\"a\"", true);
        check("\"a\"", "*", true);
        check("\"a\"", "\"A\"", false);
        check("\"a,b\"", "\"a,b\"", true);
        let same =
            |one, other| is_same_representation(&fields(&[("etag", one)]), &fields(&[("etag", other)]));
        assert!(same("\"a\"", "\"a\""));
        assert!(!same("W/\"a\"", "W/\"a\""));
        assert!(!same("\"a\"", "\"b\""));
    }

    #[test]
    fn a_tag_counts_before_a_date() {
        let held = held(&[("etag", "\"a\""), ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT")]);
        let later = ("if-modified-since", "Sun, 06 Nov 1994 08:50:37 GMT");
        assert!(is_not_modified(&fields(&[later]), &held));
        assert!(!is_not_modified(&fields(&[later, ("if-none-match", "\"b\"")]), &held));
        assert!(!is_not_modified(&fields(&[("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT")]), &held));
    }

    #[test]
    fn a_304_renews_what_it_says_and_nothing_about_the_bytes() {
        let held = held(&[("etag", "\"a\""), ("content-length", "5"), ("x", "1"), ("y", "1"), ("age", "9")]);
        let answer = fields(&[
            ("content-length", "0"),
            ("x", "2"),
            ("cache-control", "max-age=60"),
            ("set-cookie", "a"),
        ]);
        let request = HeaderMap::new();
        let at = Moment::from_unix_seconds(784_111_800);
        let new =
            renewed(&held, &answer, Arrival { request: &request, asked: at, received: at }, &Rule::as_told());
        let expected = fields(&[
            ("etag", "\"a\""),
            ("content-length", "5"),
            ("x", "2"),
            ("y", "1"),
            ("cache-control", "max-age=60"),
        ]);
        assert_eq!(new.fields, expected);
        assert_eq!((new.life.fresh.as_secs(), new.life.age.as_secs()), (60, 0));
    }
}
