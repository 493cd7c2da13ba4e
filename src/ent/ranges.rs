//! Ranges of a body (RFC 9110 section 14): what is asked for, what came, and what of it is sent.

use std::ops::Range;

use hyper::{
    HeaderMap, StatusCode,
    header::{CONTENT_RANGE, HeaderValue, IF_RANGE, RANGE},
};

use super::{
    date::read,
    head::Head,
    list::{only, text_of},
    validation::{Tag, strong_validator},
};

/// The range that a request asks for, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    /// From the first to the last of these.
    Between(u64, u64),
    /// From this one to the end.
    From(u64),
    /// This many at the end.
    Last(u64),
}

/// What a request's ranges come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ranges {
    /// It asks for none, or for what may be answered with the whole (RFC 9110 section 14.2).
    None,
    /// For one.
    One(Asked),
    /// For several: each is a part of a page of another making, so the whole is sent.
    Several,
}

impl Ranges {
    /// Those of a request.
    pub(super) fn of(request: &HeaderMap) -> Self {
        let Some(text) = only(request, &RANGE) else { return Self::None };
        let Some(set) = text.strip_prefix("bytes=").or_else(|| text.strip_prefix("Bytes=")) else {
            return Self::None;
        };
        if set.contains(',') {
            return Self::Several;
        }
        Asked::read(set.trim_matches([' ', '\t'])).map_or(Self::None, Self::One)
    }
}

impl Asked {
    fn read(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-')?;
        let number = |text: &str| {
            (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| text.parse::<u64>().ok())?
        };
        match (first, last) {
            ("", last) => Some(Self::Last(number(last)?)),
            (first, "") => Some(Self::From(number(first)?)),
            (first, last) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last).then_some(Self::Between(first, last))
            }
        }
    }

    /// Which bytes of a body of `length` these are; none where there are none of them (416).
    pub(super) fn of(self, length: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::Between(first, last) => first..last.saturating_add(1).min(length),
            Self::From(first) => first..length,
            Self::Last(0) => return None,
            Self::Last(count) => length.saturating_sub(count)..length,
        };
        (range.start < range.end).then_some(range)
    }

    /// As it is written in a request.
    pub(super) fn written(self) -> HeaderValue {
        let text = match self {
            Self::Between(first, last) => format!("bytes={first}-{last}"),
            Self::From(first) => format!("bytes={first}-"),
            Self::Last(count) => format!("bytes=-{count}"),
        };
        HeaderValue::from_str(&text).expect("digits are ASCII")
    }
}

/// Whether the condition of If-Range lets a range of what is held be sent (RFC 9110 section 13.1.5).
pub(super) fn may_send_range(request: &HeaderMap, held: &HeaderMap) -> bool {
    let Some(condition) = request.get(IF_RANGE) else { return true };
    let text = text_of(condition.as_bytes());
    if text.starts_with('"') || text.starts_with("W/") {
        let mut asked = HeaderMap::new();
        asked.insert(hyper::header::ETAG, condition.clone());
        return match (Tag::of(&asked), Tag::of(held)) {
            (Some(asked), Some(known)) => asked.is_same_bytes(&known),
            _ => false,
        };
    }
    strong_validator(held).is_some_and(|validator| validator == *condition) && read(&text).is_some()
}

/// The range that a 206 says it brings, and of how many bytes in all; none where it is unreadable, of unknown length, or
/// of several ranges.
pub(super) fn brought(fields: &HeaderMap) -> Option<(Range<u64>, u64)> {
    let text = only(fields, &CONTENT_RANGE)?;
    let (range, total) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last, total): (u64, u64, u64) =
        (first.parse().ok()?, last.parse().ok()?, total.parse().ok()?);
    (first <= last && last < total).then_some((first..last + 1, total))
}

/// What of a kept body of `length` bytes answers a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// All of it.
    Whole,
    /// A range of it, as a 206.
    Range(Range<u64>),
    /// Nothing: there is no such range (416).
    Unsatisfiable,
}

/// Decides what of a body of `length` bytes with `held` as its head answers `request`.
pub(super) fn sent(request: &HeaderMap, held: &Head, length: u64) -> Sent {
    let Ranges::One(asked) = Ranges::of(request) else { return Sent::Whole };
    if !matches!(held.status, StatusCode::OK | StatusCode::PARTIAL_CONTENT)
        || !may_send_range(request, &held.fields)
    {
        return Sent::Whole;
    }
    asked.of(length).map_or(Sent::Unsatisfiable, Sent::Range)
}

/// The Content-Range of a 206, or of a 416 where there is no range.
pub(super) fn content_range(range: Option<&Range<u64>>, length: u64) -> HeaderValue {
    let text = match range {
        Some(range) => format!("bytes {}-{}/{length}", range.start, range.end.saturating_sub(1)),
        None => format!("bytes */{length}"),
    };
    HeaderValue::from_str(&text).expect("digits are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str) -> Ranges {
        let mut fields = HeaderMap::new();
        fields.insert(RANGE, text.parse().unwrap());
        Ranges::of(&fields)
    }

    #[test]
    fn ranges_are_read_or_passed_over() {
        assert_eq!(ranges("bytes=0-1"), Ranges::One(Asked::Between(0, 1)));
        assert_eq!(ranges("bytes=5-"), Ranges::One(Asked::From(5)));
        assert_eq!(ranges("bytes=-5"), Ranges::One(Asked::Last(5)));
        assert_eq!(ranges("bytes=0-1,3-4"), Ranges::Several);
        for text in [
            "bytes=",
            "bytes=-",
            "bytes=2-1",
            "bytes=+1-2",
            "lines=1-2",
            "bytes=a-b",
            "bytes=99999999999999999999-",
        ] {
            assert_eq!(ranges(text), Ranges::None, "{text}");
        }
    }

    #[test]
    fn a_range_is_cut_to_the_body_and_none_beyond_it() {
        assert_eq!(Asked::Between(2, 99).of(10), Some(2..10));
        assert_eq!(Asked::Between(0, u64::MAX).of(10), Some(0..10));
        assert_eq!(Asked::Last(99).of(10), Some(0..10));
        assert_eq!(Asked::Last(0).of(10), None);
        assert_eq!(Asked::From(10).of(10), None);
        assert_eq!(Asked::Last(1).of(0), None);
    }

    #[test]
    fn a_range_is_sent_only_of_the_bytes_that_the_client_has() {
        let held: HeaderMap = [("etag".parse().unwrap(), "\"a\"".parse().unwrap())].into_iter().collect();
        let check = |condition: &str, expected| {
            let request: HeaderMap = [(IF_RANGE, condition.parse().unwrap())].into_iter().collect();
            assert_eq!(may_send_range(&request, &held), expected, "{condition}");
        };
        check("\"a\"", true);
        check("\"b\"", false);
        check("W/\"a\"", false);
        check("Sun, 06 Nov 1994 08:49:37 GMT", false);
    }

    #[test]
    fn what_a_206_brings_is_read_whole_or_not_at_all() {
        let check = |text: &str, expected| {
            let fields: HeaderMap = [(CONTENT_RANGE, text.parse().unwrap())].into_iter().collect();
            assert_eq!(brought(&fields), expected, "{text}");
        };
        check("bytes 4-8/10", Some((4..9, 10)));
        for text in ["bytes 4-10/10", "bytes 5-4/10", "bytes 0-1/*", "bytes */10", "4-8/10", "bytes a-b/c"] {
            check(text, None);
        }
    }
}
