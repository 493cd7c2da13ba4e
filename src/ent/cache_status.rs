//! What the cache did with a request, said in the Cache-Status field of the answer (RFC 9211).

use std::time::Duration;

use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue},
};

use super::targeted::NAME;

/// The field.
pub(super) const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Why a request went on to the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forward {
    /// The cache does not serve this, whatever it holds.
    Bypass,
    /// The method is not one that is answered from here.
    Method,
    /// Nothing is kept under this address.
    UriMiss,
    /// What is kept answers other requests to this address.
    VaryMiss,
    /// The request asks for what is fresher than what is kept.
    Request,
    /// What is kept is stale.
    Stale,
    /// Not all of the bytes asked for are kept.
    Partial,
}

/// What the cache did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// Answered from what is kept; how long that is still fresh in seconds, below zero where it no longer is.
    pub(super) hit: Option<i64>,
    pub(super) forward: Option<Forward>,
    /// What the origin answered, where that is not what the client gets.
    pub(super) origin: Option<u16>,
    pub(super) is_stored: bool,
    /// Answered by a fetch that another request had begun.
    pub(super) is_collapsed: bool,
    /// A word on it: why a stale page is shown.
    pub(super) detail: Option<&'static str>,
}

impl Status {
    /// An answer from what is kept, with `left` seconds of freshness or `stale` without.
    pub(super) fn hit(left: Option<Duration>, stale: Duration) -> Self {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Self { hit: Some(left.map_or_else(|| -seconds(stale), seconds)), ..Self::default() }
    }

    pub(super) fn forwarded(forward: Forward) -> Self {
        Self { forward: Some(forward), ..Self::default() }
    }

    /// Adds this cache's word to those of the caches before it.
    pub(super) fn say(self, fields: &mut HeaderMap) {
        use std::fmt::Write as _;
        let mut text = String::with_capacity(64);
        text.push_str(NAME);
        if let Some(seconds) = self.hit {
            text.push_str("; hit; ttl=");
            // Writing to a string cannot fail.
            let _ = write!(text, "{seconds}");
        }
        if let Some(forward) = self.forward {
            text.push_str("; fwd=");
            text.push_str(match forward {
                Forward::Bypass => "bypass",
                Forward::Method => "method",
                Forward::UriMiss => "uri-miss",
                Forward::VaryMiss => "vary-miss",
                Forward::Request => "request",
                Forward::Stale => "stale",
                Forward::Partial => "partial",
            });
        }
        if let Some(status) = self.origin {
            let _ = write!(text, "; fwd-status={status}");
        }
        if self.is_stored {
            text.push_str("; stored");
        }
        if self.is_collapsed {
            text.push_str("; collapsed");
        }
        if let Some(detail) = self.detail {
            text.push_str("; detail=");
            text.push_str(detail);
        }
        fields.append(CACHE_STATUS, HeaderValue::from_str(&text).expect("tokens and digits are ASCII"));
    }
}

/// What this cache said of an answer, for the box's own asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// It is kept, and was or is good.
    pub(super) is_kept: bool,
    /// No byte of its body came over the line for it.
    pub(super) is_from_here: bool,
    /// It stands in for an origin that cannot be reached.
    pub(super) stands_in: bool,
}

impl Said {
    /// Reads the last word in `fields`, which is this cache's; nothing where it said none.
    pub(super) fn of(fields: &HeaderMap) -> Self {
        let last = fields.get_all(CACHE_STATUS).iter().next_back().and_then(|word| word.to_str().ok());
        let Some(text) = last else { return Self::default() };
        let says = |word: &str| text.split(';').any(|part| part.trim() == word);
        let is_from_here = says("hit") || says("fwd-status=304");
        Self {
            is_kept: is_from_here || says("stored") || says("collapsed"),
            is_from_here,
            stands_in: says("detail=line-down"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_of_this_cache_comes_after_the_others() {
        let mut fields = HeaderMap::new();
        fields.insert(CACHE_STATUS, "autre; hit".parse().unwrap());
        Status { is_stored: true, origin: Some(200), ..Status::forwarded(Forward::UriMiss) }.say(&mut fields);
        Status { detail: Some("line-down"), ..Status::hit(None, Duration::from_secs(7)) }.say(&mut fields);
        let said: Vec<_> = fields.get_all(CACHE_STATUS).iter().collect();
        assert_eq!(
            said,
            [
                "autre; hit",
                "preau; fwd=uri-miss; fwd-status=200; stored",
                "preau; hit; ttl=-7; detail=line-down"
            ]
        );
    }
}
