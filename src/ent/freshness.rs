//! How long a response may be used without asking (RFC 9111 section 4.2), and what may be done with it afterwards.

use std::time::Duration;

use hyper::{
    HeaderMap, StatusCode,
    header::{AUTHORIZATION, COOKIE, DATE, EXPIRES, LAST_MODIFIED, SET_COOKIE},
};

use super::{
    age,
    date::date,
    settings::{Keep, Rule},
    targeted::Told,
};
use crate::model::Moment;

/// The longest that is guessed for a response that says nothing.
const GUESS_MAX: Duration = Duration::from_hours(24);

/// Where a response came from: what was asked, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival<'a> {
    pub(super) request: &'a HeaderMap,
    pub(super) asked: Moment,
    pub(super) received: Moment,
}

/// What time does to a kept response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    /// How old it was when it came.
    pub(super) age: Duration,
    /// When it came.
    pub(super) received: Moment,
    /// Up to what age it is fresh.
    pub(super) fresh: Duration,
    /// Whether that was told, rather than guessed.
    pub(super) is_told: bool,
    /// Whether it may not be used without asking even while it is fresh.
    pub(super) always_asks: bool,
    /// Whether it may not be used stale, whatever happens.
    pub(super) never_stale: bool,
    /// Whether it never changes while it is fresh (RFC 8246): a page loaded again needs no asking.
    pub(super) is_immutable: bool,
    /// How long past its freshness it may be used while it is renewed (RFC 5861 section 3).
    pub(super) while_revalidating: Duration,
    /// How long past its freshness it may be used when the origin fails: as it says (RFC 5861 section 4), or as the rule
    /// says, whichever is longer.
    pub(super) if_error: Duration,
}

impl Life {
    /// The life of a response with `status` and `fields`.
    pub(super) fn of(status: StatusCode, fields: &HeaderMap, arrival: Arrival<'_>, rule: &Rule) -> Self {
        let told = Told::of(fields);
        let directives = &told.directives;
        let given =
            rule.fresh.filter(|_| !rule.keep.follows_origin()).or_else(|| explicit(fields, &told, arrival));
        let fresh = given.or_else(|| guessed(status, fields, &told, arrival)).unwrap_or(Duration::ZERO);
        // Off-spec where the rule says so: whoever answers for the origin declared how long its pages may stand in.
        let follows_origin = rule.keep.follows_origin();
        let has_word = directives.must_revalidate
            || directives.proxy_revalidate
            || directives.s_maxage.is_some()
            || directives.no_cache.is_everything();
        let (age, fresh) = match age::on_arrival(fields, arrival.asked, arrival.received) {
            Some(age) => (age, fresh),
            None => (Duration::ZERO, Duration::ZERO),
        };
        Self {
            age,
            received: arrival.received,
            fresh,
            is_told: given.is_some(),
            always_asks: rule.keep == Keep::Person
                || (directives.no_cache.is_everything() && (follows_origin || rule.fresh.is_none())),
            never_stale: follows_origin && has_word,
            is_immutable: directives.immutable,
            while_revalidating: directives.stale_while_revalidate.unwrap_or(Duration::ZERO),
            if_error: directives.stale_if_error.unwrap_or(Duration::ZERO).max(rule.when_line_is_down),
        }
    }

    /// How old it is at `now`.
    pub(super) fn age_at(&self, now: Moment) -> Duration {
        self.age + now.since(self.received)
    }

    /// How long it is still fresh at `now`; none where it no longer is.
    pub(super) fn left_at(&self, now: Moment) -> Option<Duration> {
        self.fresh.checked_sub(self.age_at(now)).filter(|left| !left.is_zero())
    }

    /// How long it has been stale at `now`; zero where it is fresh.
    pub(super) fn stale_at(&self, now: Moment) -> Duration {
        self.age_at(now).saturating_sub(self.fresh)
    }
}

/// What the response says itself: s-maxage, max-age, Expires, in this order.
pub(super) fn explicit(fields: &HeaderMap, told: &Told, arrival: Arrival<'_>) -> Option<Duration> {
    if let Some(age) = told.directives.s_maxage.or(told.directives.max_age) {
        return Some(age);
    }
    if told.is_targeted || !fields.contains_key(EXPIRES) {
        return None;
    }
    // What is no date, `0` above all, is a time in the past (RFC 9111 section 5.3).
    let since = date(fields, &DATE).unwrap_or(arrival.received);
    Some(date(fields, &EXPIRES).map_or(Duration::ZERO, |expires| expires.since(since)))
}

/// A tenth of the time since it was changed (RFC 9111 section 4.2.2), where nothing else says anything. Never for what came
/// for or with a cookie: a page that was made for one person often says nothing.
fn guessed(status: StatusCode, fields: &HeaderMap, told: &Told, arrival: Arrival<'_>) -> Option<Duration> {
    let is_personal = arrival.request.contains_key(COOKIE)
        || arrival.request.contains_key(AUTHORIZATION)
        || fields.contains_key(SET_COOKIE);
    if is_personal || !(is_cacheable_by_default(status) || told.directives.public) {
        return None;
    }
    let since = date(fields, &DATE).unwrap_or(arrival.received);
    let changed = date(fields, &LAST_MODIFIED)?;
    Some((since.since(changed) / 10).min(GUESS_MAX))
}

/// Whether a status may be kept without a word about freshness (RFC 9110 section 15.1).
pub(super) fn is_cacheable_by_default(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 206 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(rule: &Rule, fields: &[(&'static str, &str)]) -> Life {
        let fields: HeaderMap =
            fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let at = Moment::from_unix_seconds(784_111_777);
        let request = HeaderMap::new();
        Life::of(StatusCode::OK, &fields, Arrival { request: &request, asked: at, received: at }, rule)
    }

    #[test]
    fn the_shared_word_counts_before_the_general_one_and_that_before_a_date() {
        let fresh = |fields: &[(&'static str, &str)]| life(&Rule::as_told(), fields).fresh.as_secs();
        let expires = ("expires", "Sun, 06 Nov 1994 08:50:37 GMT");
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(fresh(&[date, expires]), 60);
        assert_eq!(fresh(&[date, expires, ("cache-control", "max-age=5")]), 5);
        assert_eq!(fresh(&[date, expires, ("cache-control", "max-age=5, s-maxage=7")]), 7);
        assert_eq!(
            fresh(&[date, expires, ("cdn-cache-control", "max-age=9"), ("cache-control", "s-maxage=1")]),
            9
        );
        assert_eq!(fresh(&[date, ("expires", "0")]), 0);
    }

    #[test]
    fn a_tenth_is_guessed_but_not_for_what_sets_a_cookie() {
        let changed = ("last-modified", "Sun, 06 Nov 1994 08:32:57 GMT");
        assert_eq!(life(&Rule::as_told(), &[changed]).fresh.as_secs(), 100);
        assert_eq!(life(&Rule::as_told(), &[changed, ("set-cookie", "a=b")]).fresh.as_secs(), 0);
        let long_ago = ("last-modified", "Sun, 06 Nov 1988 08:32:57 GMT");
        assert_eq!(life(&Rule::as_told(), &[long_ago]).fresh, GUESS_MAX);
    }

    #[test]
    fn what_must_be_validated_is_never_used_stale_as_the_origin_tells() {
        for word in ["must-revalidate", "proxy-revalidate", "s-maxage=2", "no-cache"] {
            assert!(life(&Rule::as_told(), &[("cache-control", word)]).never_stale, "{word}");
        }
        assert!(!life(&Rule::as_told(), &[("cache-control", "max-age=2")]).never_stale);
    }

    #[test]
    fn the_last_second_of_freshness_is_not_fresh() {
        let life = life(&Rule::as_told(), &[("cache-control", "max-age=2")]);
        assert_eq!(life.left_at(life.received + Duration::from_secs(1)), Some(Duration::from_secs(1)));
        assert_eq!(life.left_at(life.received + Duration::from_secs(2)), None);
        assert_eq!(life.stale_at(life.received + Duration::from_secs(5)), Duration::from_secs(3));
    }
}
