//! Which of the box's two keys the tunnel holds while one follows the other.
//!
//! The next key is tried for as long as a handshake takes on a bad line; where none comes the tunnel goes back, and tries
//! again later. A box whose first key is answered loses seconds by a try, and tries ever more rarely; one that nobody
//! answers has nothing to lose, and takes turns. So of two keys of which one counts the right one is found, whatever was
//! lost on the way, and nobody has to come.

use std::time::Duration;

use crate::{model::Moment, vpn};

/// How long a key is tried: WireGuard sends three initiations meanwhile.
const TRY_FOR: Duration = Duration::from_secs(20);

/// How long a first key that is answered is held before the next one is tried again, at first and at most.
const AGAIN_MIN: Duration = Duration::from_secs(300);
const AGAIN_MAX: Duration = Duration::from_secs(6 * 3600);

/// What is seen of the tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Whether the académie is reached.
    up: bool,
    /// The last handshake.
    handshake: Option<Moment>,
}

impl Seen {
    /// What is seen of a tunnel that stands so.
    pub(super) fn of(standing: Option<&vpn::Standing>) -> Self {
        standing
            .map_or_else(Self::default, |standing| Self { up: standing.up, handshake: standing.handshake })
    }
}

/// One of the two keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Which {
    /// The one that central has counted on.
    #[default]
    Own,
    /// The one that is to follow.
    Next,
}

/// The turns.
#[derive(Debug, Default)]
pub(super) struct Turns {
    holds: Which,
    /// Since when, and the last handshake at that time.
    since: Duration,
    before: Option<Moment>,
    again: Duration,
}

impl Turns {
    /// The key that is held.
    pub(super) const fn holds(&self) -> Which {
        self.holds
    }

    /// Which key is to be held at `now`; none where the next one has been answered.
    pub(super) fn look(&mut self, now: Duration, seen: Seen) -> Option<Which> {
        let held_for = now.saturating_sub(self.since);
        match self.holds {
            Which::Next if seen.handshake != self.before && seen.handshake.is_some() => return None,
            Which::Next if held_for >= TRY_FOR => {
                self.again = (self.again * 2).clamp(AGAIN_MIN, AGAIN_MAX);
                self.turn(Which::Own, now, seen);
            }
            // A handshake of the first key must not be taken for one of the next.
            Which::Own if self.again.is_zero() && seen.handshake.is_some() => {
                self.turn(Which::Next, now, seen);
            }
            Which::Own if held_for >= if seen.up { self.again } else { TRY_FOR } => {
                self.turn(Which::Next, now, seen);
            }
            Which::Own | Which::Next => {}
        }
        Some(self.holds)
    }

    fn turn(&mut self, to: Which, now: Duration, seen: Seen) {
        (self.holds, self.since, self.before) = (to, now, seen.handshake);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The turns of `seconds`, each with what is seen while that key is held: seconds with the next key, and when it stood.
    fn play(seconds: u32, seen: impl Fn(Which, u32) -> Seen) -> (u32, Option<u32>) {
        let (mut turns, mut of_next, mut last) = (Turns::default(), 0, Seen::default());
        for second in 0..seconds {
            match turns.look(SECOND * second, last) {
                None => return (of_next, Some(second)),
                Some(which) => {
                    of_next += u32::from(which == Which::Next);
                    last = seen(which, second);
                }
            }
        }
        (of_next, None)
    }

    fn at(second: u32) -> Option<Moment> {
        Some(Moment::from_unix_seconds(1_795_132_800 + i64::from(second)))
    }

    #[test]
    fn a_next_key_that_is_answered_stands_within_seconds() {
        let (_, stood) = play(60, |which, second| match which {
            Which::Own => Seen { up: true, handshake: at(0) },
            Which::Next => Seen { up: true, handshake: at(second) },
        });
        assert!(stood.is_some_and(|second| second <= 3), "{stood:?}");
    }

    #[test]
    fn a_next_key_that_nobody_answers_costs_a_working_tunnel_ever_less() {
        let hour = |hours: u32| {
            play(hours * 3600, |which, _| match which {
                Which::Own => Seen { up: true, handshake: at(0) },
                Which::Next => Seen { up: false, handshake: at(0) },
            })
        };
        let (first, stood) = hour(1);
        assert!(stood.is_none() && (20..=120).contains(&first), "{first}");
        let (day, _) = hour(24);
        assert!(day <= 10 * 21, "{day}");
    }

    #[test]
    fn where_neither_is_answered_they_take_turns_until_one_is() {
        let dead = Seen::default();
        let (of_next, _) = play(400, |_, _| dead);
        assert!((150..=250).contains(&of_next), "{of_next}");
        // The next one counts from some moment on.
        let (_, stood) = play(600, |which, second| match which {
            Which::Next if second > 300 => Seen { up: true, handshake: at(second) },
            _ => dead,
        });
        assert!(stood.is_some_and(|second| second <= 345), "{stood:?}");
    }
}
