//! Whether what is held answers a request (RFC 9111 section 4): the decision, without a word to anybody.

use super::{cache_status::Forward, directives::Directives, freshness::Life};
use crate::model::Moment;

/// What to do with what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is the answer.
    Serve,
    /// It is the answer, and is renewed behind the client's back (RFC 5861 section 3).
    ServeAndRenew,
    /// The origin is asked, for this reason.
    Ask(Forward),
}

/// Judges what has lived `life`, for a request that says `request`.
pub(super) fn judge(life: &Life, request: &Directives, now: Moment) -> Verdict {
    if request.no_cache.is_everything() {
        return Verdict::Ask(Forward::Request);
    }
    if life.always_asks {
        return Verdict::Ask(Forward::Stale);
    }
    let (age, left) = (life.age_at(now), life.left_at(now));
    let is_young_enough = request.max_age.is_none_or(|max_age| age < max_age);
    let is_a_reload = request.max_age.is_some_and(|age| age.is_zero()) && life.is_immutable;
    if let Some(left) = left {
        let stays_fresh = request.min_fresh.is_none_or(|least| left >= least);
        let serves = stays_fresh && (is_young_enough || is_a_reload);
        return if serves { Verdict::Serve } else { Verdict::Ask(Forward::Request) };
    }
    let stale = life.stale_at(now);
    if life.never_stale || request.min_fresh.is_some() || !is_young_enough {
        return Verdict::Ask(Forward::Stale);
    }
    if request.max_stale.is_some_and(|most| stale <= most) {
        return Verdict::Serve;
    }
    if !life.while_revalidating.is_zero() && stale <= life.while_revalidating {
        return Verdict::ServeAndRenew;
    }
    Verdict::Ask(Forward::Stale)
}

/// Whether it may stand in for an origin that cannot be reached or fails.
pub(super) fn may_stand_in(life: &Life, now: Moment) -> bool {
    if life.never_stale {
        return false;
    }
    life.left_at(now).is_some() || (!life.if_error.is_zero() && life.stale_at(now) <= life.if_error)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(change: impl Fn(&mut Life), request: &str, after: u64, expected: Verdict) {
        let received = Moment::from_unix_seconds(1_000_000);
        let mut life = Life {
            age: Duration::ZERO,
            received,
            fresh: Duration::from_mins(1),
            is_told: true,
            always_asks: false,
            never_stale: false,
            is_immutable: false,
            while_revalidating: Duration::ZERO,
            if_error: Duration::ZERO,
        };
        change(&mut life);
        let verdict = judge(&life, &Directives::read(request), received + Duration::from_secs(after));
        assert_eq!(verdict, expected, "{request} after {after}");
    }

    #[test]
    fn what_is_fresh_is_served_unless_the_request_wants_it_fresher() {
        let ask = Verdict::Ask(Forward::Request);
        check(|_| {}, "", 59, Verdict::Serve);
        check(|_| {}, "", 60, Verdict::Ask(Forward::Stale));
        check(|_| {}, "no-cache", 0, ask);
        check(|_| {}, "max-age=0", 0, ask);
        check(|_| {}, "max-age=10", 5, Verdict::Serve);
        check(|_| {}, "max-age=10", 11, ask);
        check(|_| {}, "min-fresh=30", 20, Verdict::Serve);
        check(|_| {}, "min-fresh=30", 40, ask);
        check(|life| life.is_immutable = true, "max-age=0", 5, Verdict::Serve);
        check(|life| life.is_immutable = true, "no-cache", 5, ask);
        check(|life| life.always_asks = true, "", 0, Verdict::Ask(Forward::Stale));
    }

    #[test]
    fn what_is_stale_is_served_only_where_both_sides_allow_it() {
        let ask = Verdict::Ask(Forward::Stale);
        check(|_| {}, "max-stale=10", 70, Verdict::Serve);
        check(|_| {}, "max-stale=10", 71, ask);
        check(|_| {}, "max-stale", 7000, Verdict::Serve);
        check(|life| life.never_stale = true, "max-stale", 70, ask);
        check(|life| life.while_revalidating = Duration::from_secs(10), "", 70, Verdict::ServeAndRenew);
        check(|life| life.while_revalidating = Duration::from_secs(10), "", 71, ask);
    }

    #[test]
    fn a_copy_stands_in_for_as_long_as_it_is_told() {
        let received = Moment::from_unix_seconds(1_000_000);
        let life = |never_stale, if_error| Life {
            age: Duration::ZERO,
            received,
            fresh: Duration::from_mins(1),
            is_told: true,
            always_asks: false,
            never_stale,
            is_immutable: false,
            while_revalidating: Duration::ZERO,
            if_error: Duration::from_secs(if_error),
        };
        let at = |after| received + Duration::from_secs(after);
        assert!(may_stand_in(&life(false, 10), at(70)));
        assert!(!may_stand_in(&life(false, 10), at(71)));
        assert!(!may_stand_in(&life(false, 0), at(60)));
        assert!(!may_stand_in(&life(true, 10), at(65)));
    }
}
