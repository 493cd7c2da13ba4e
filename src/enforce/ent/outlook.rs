//! Whether the ENT is there, as far as the box has seen.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::{FAILURES_UNTIL_AWAY, LOOK_AGAIN, LOOK_AWAY, LOOK_FRESH, LOOK_REACHABLE};
use crate::identity::EntStanding;

/// What the looks at the ENT came to: two that fail in a row say that it is away, one that does not says that it is back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outlook {
    failures_in_a_row: u32,
    looked_at: Option<Instant>,
}

impl Outlook {
    /// Nothing seen yet. That counts as away: what people have here works until the first look.
    pub(super) const UNKNOWN: Self = Self { failures_in_a_row: FAILURES_UNTIL_AWAY, looked_at: None };

    /// What is known after one look more.
    #[must_use]
    pub(super) fn after(self, is_there: bool, now: Instant) -> Self {
        let failures_in_a_row = if is_there { 0 } else { self.failures_in_a_row.saturating_add(1) };
        Self { failures_in_a_row, looked_at: Some(now) }
    }

    pub(super) fn standing(self) -> EntStanding {
        if self.failures_in_a_row >= FAILURES_UNTIL_AWAY { EntStanding::Away } else { EntStanding::Reachable }
    }

    /// Whether the next look cannot be about to say the opposite.
    pub(super) fn is_settled(self) -> bool {
        self.failures_in_a_row == 0 || self.failures_in_a_row >= FAILURES_UNTIL_AWAY
    }

    /// Whether somebody who wants to sign in at `now` can go by it.
    pub(super) fn is_fresh(self, now: Instant) -> bool {
        self.is_settled()
            && self.looked_at.is_some_and(|looked| now.saturating_duration_since(looked) < LOOK_FRESH)
    }

    /// How long to wait for the next look, if nobody asks for one.
    pub(super) fn wait(self) -> Duration {
        match (self.is_settled(), self.standing()) {
            (false, _) => LOOK_AGAIN,
            (true, EntStanding::Away) => LOOK_AWAY,
            (true, EntStanding::Reachable | EntStanding::None) => LOOK_REACHABLE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standing after each look; `+` found the ENT there, `-` did not.
    #[track_caller]
    fn check(looks: &str, standings: &str) {
        let now = Instant::now();
        let mut outlook = Outlook::UNKNOWN;
        let told: String = looks
            .chars()
            .map(|look| {
                outlook = outlook.after(look == '+', now);
                if outlook.standing() == EntStanding::Reachable { 'R' } else { 'A' }
            })
            .collect();
        assert_eq!(told, standings, "{looks}");
    }

    #[test]
    fn two_failures_in_a_row_are_away_and_one_success_is_back() {
        check("-+--+", "ARRAR");
    }

    #[test]
    fn a_line_that_loses_every_other_look_stays_reachable() {
        check("+-+-+-+-", "RRRRRRRR");
        check("+--+--+--", "RRARRARRA");
    }

    #[test]
    fn a_first_failure_is_looked_into_at_once() {
        let now = Instant::now();
        let there = Outlook::UNKNOWN.after(true, now);
        let missed = there.after(false, now);
        assert_eq!([there.wait(), missed.wait()], [LOOK_REACHABLE, LOOK_AGAIN]);
        assert_eq!(missed.after(false, now).wait(), LOOK_AWAY);
        assert!(there.is_fresh(now) && !missed.is_fresh(now) && !there.is_fresh(now + LOOK_FRESH));
        assert!(!Outlook::UNKNOWN.is_fresh(now));
    }
}
