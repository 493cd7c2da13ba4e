//! How long to wait before trying again: longer each time, never twice the same (decorrelated jitter).

use std::time::Duration;

use crate::sync::returns::between;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// The longest wait that central may ask for.
const ASKED_MAX: Duration = Duration::from_secs(3600);

/// The waits between tries.
#[derive(Debug)]
pub(super) struct BackOff {
    last: Duration,
}

impl BackOff {
    pub(super) fn new() -> Self {
        Self { last: SHORTEST }
    }

    /// It went well: the next wait is a short one.
    pub(super) fn reset(&mut self) {
        self.last = SHORTEST;
    }

    /// The next wait, and not less than what was `asked` for.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        self.last = between(SHORTEST, (self.last * 3).min(LONGEST));
        match asked {
            Some(asked) => asked.min(ASKED_MAX) + between(Duration::ZERO, self.last),
            None => self.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_five_minutes_and_begin_anew_after_a_success() {
        let mut back_off = BackOff::new();
        let waits: Vec<_> = (0..2000).map(|_| back_off.next(None)).collect();
        assert!(waits.iter().all(|wait| (SHORTEST..=LONGEST).contains(wait)));
        assert!(waits.iter().any(|wait| *wait > LONGEST / 2));
        back_off.reset();
        assert!(back_off.next(None) <= SHORTEST * 3);
    }

    #[test]
    fn a_box_stays_away_as_long_as_it_is_asked_to_but_not_for_ever() {
        let mut back_off = BackOff::new();
        let asked = Duration::from_secs(40);
        assert!((asked..=asked + LONGEST).contains(&back_off.next(Some(asked))));
        assert!(back_off.next(Some(Duration::MAX)) <= ASKED_MAX + LONGEST);
    }
}
