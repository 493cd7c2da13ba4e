//! The ratchet of time: what the box knows of the time besides what its clock says, and when it doubts the clock.
//!
//! A box may start with a clock that is years off, and a clock can be set by whoever answers its questions for the time.
//! So the box remembers the latest moment it has seen, and doubts a clock that
//!
//! - shows a moment before the program was made, or more than ten years after it;
//! - lies behind the latest moment seen: set back, a timetable would open again;
//! - lies more than a year ahead of it.
//!
//! While the clock is in doubt, what depends on the hour falls to its stricter side; nobody is locked out. A moment is
//! remembered only when the clock has run evenly towards it for a while, so one start in 2099, or a few minutes in the
//! wrong year before the time service is reached, leave no trace. Of the last two doubts the box relieves itself, when
//! the clock has run evenly for a whole day: then it is the memory that was wrong, or the box has lain in a cupboard.
//! Of the first, only a right clock.
//!
//! Pure: the clock, and how long the machine has run, come in as parameters.

use std::{fmt, time::Duration};

use crate::model::Moment;

/// Before the first version of the program was made: 2026-01-01T00:00:00Z. No clock can be right that shows an earlier
/// moment. A release may raise it.
const MADE: Moment = Moment::from_unix_seconds(1_767_225_600);

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A program runs no longer than this after it was made.
const AGE_MAX: Duration = DAY.saturating_mul(3653);

/// A clock that is corrected goes back by less.
const BACK_MAX: Duration = Duration::from_secs(5 * 60);

/// Nobody leaves a box off for longer without a technician there when it is switched on.
const AHEAD_MAX: Duration = DAY.saturating_mul(366);

/// How far an evenly running clock may go off in the whole of a run: leap seconds, and corrections by the time service.
/// Were it counted from look to look, a time service that lies could lead the clock anywhere in small steps.
const STRAY_MAX: Duration = Duration::from_secs(2 * 60);

/// How long a clock must have run evenly before its moments are remembered.
const STEADY_TO_REMEMBER: Duration = Duration::from_secs(10 * 60);

/// How long a clock must have run evenly to be right against what is remembered.
const STEADY_TO_OVERRULE: Duration = DAY;

/// Why the clock is in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It shows a moment before the program was made.
    BeforeProgram,
    /// It shows a moment in which no such program runs any more.
    LongAfterProgram,
    /// It lies behind this moment, which the box has seen.
    Behind(Moment),
    /// It lies more than a year ahead of this moment, the latest the box has seen.
    FarAhead(Moment),
}

/// For technicians: a fragment that names what speaks against the clock.
impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BeforeProgram => write!(f, "it shows a time before this program was made ({MADE})"),
            Self::LongAfterProgram => {
                write!(f, "it shows a time more than ten years after this program was made ({MADE})")
            }
            Self::Behind(seen) => write!(f, "it is behind a time already seen ({seen})"),
            Self::FarAhead(seen) => {
                write!(f, "it is more than a year ahead of the latest time seen ({seen})")
            }
        }
    }
}

/// What is remembered of the time.
#[derive(Clone, Debug)]
pub struct Ratchet {
    latest: Option<Moment>,
    run: Option<Run>,
}

/// An even run of the clock: when it began, in time the machine has run, and what the clock showed.
#[derive(Clone, Copy, Debug)]
struct Run {
    began: Duration,
    shown: Moment,
}

impl Ratchet {
    /// The ratchet that remembers `latest`, if the box has seen any moment.
    #[must_use]
    pub const fn new(latest: Option<Moment>) -> Self {
        Self { latest, run: None }
    }

    /// The latest moment seen that counts.
    #[must_use]
    pub const fn latest(&self) -> Option<Moment> {
        self.latest
    }

    /// Looks at a clock that shows `now`, when the machine has run for `uptime`, which never goes back. Says what speaks
    /// against the clock, if anything does, and remembers the moment if it may.
    pub fn look(&mut self, now: Moment, uptime: Duration) -> Option<Doubt> {
        let steady = self.steady(now, uptime);
        let doubt = self.doubt(now, steady);
        if doubt.is_none() && steady >= STEADY_TO_REMEMBER {
            // Back only where the clock has overruled what was remembered.
            let overruled = steady >= STEADY_TO_OVERRULE;
            self.latest = if overruled { Some(now) } else { self.latest.max(Some(now)) };
        }
        doubt
    }

    /// How long the clock has run evenly.
    fn steady(&mut self, now: Moment, uptime: Duration) -> Duration {
        let even = self.run.filter(|run| {
            let expected = run.shown + uptime.saturating_sub(run.began);
            now.since(expected).max(expected.since(now)) <= STRAY_MAX
        });
        let Run { began, .. } = *self.run.insert(even.unwrap_or(Run { began: uptime, shown: now }));
        uptime.saturating_sub(began)
    }

    fn doubt(&self, now: Moment, steady: Duration) -> Option<Doubt> {
        if now < MADE {
            return Some(Doubt::BeforeProgram);
        }
        if now > MADE + AGE_MAX {
            return Some(Doubt::LongAfterProgram);
        }
        let latest = self.latest.filter(|_| steady < STEADY_TO_OVERRULE)?;
        if latest.since(now) > BACK_MAX {
            return Some(Doubt::Behind(latest));
        }
        (now.since(latest) > AHEAD_MAX).then_some(Doubt::FarAhead(latest))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Moment = Moment::from_unix_seconds(1_795_417_200);
    const MINUTE: Duration = Duration::from_secs(60);

    /// A ratchet and the machine it is on.
    struct Machine {
        ratchet: Ratchet,
        uptime: Duration,
        now: Moment,
    }

    impl Machine {
        fn started(latest: Option<Moment>, now: Moment) -> Self {
            Self { ratchet: Ratchet::new(latest), uptime: Duration::ZERO, now }
        }

        fn look(&mut self) -> Option<Doubt> {
            self.ratchet.look(self.now, self.uptime)
        }

        /// Runs for so long, looked at each minute.
        fn run(&mut self, duration: Duration) -> Option<Doubt> {
            let mut doubt = self.look();
            let end = self.uptime + duration;
            while self.uptime < end {
                self.uptime += MINUTE;
                self.now = self.now + MINUTE;
                doubt = self.look();
            }
            doubt
        }

        /// Starts again, with what it remembers and the clock at `now`.
        fn start_again(&mut self, now: Moment) {
            *self = Self::started(self.ratchet.latest(), now);
        }
    }

    #[test]
    fn a_first_start_believes_the_clock_and_remembers_it_after_a_while() {
        let mut machine = Machine::started(None, NOW);
        assert_eq!(machine.run(9 * MINUTE), None);
        assert_eq!(machine.ratchet.latest(), None);
        assert_eq!(machine.run(MINUTE), None);
        assert_eq!(machine.ratchet.latest(), Some(NOW + 10 * MINUTE));
    }

    #[test]
    fn a_clock_before_the_program_or_long_after_it_is_never_believed() {
        for (wrong, doubt) in [
            (Moment::from_unix_seconds(0), Doubt::BeforeProgram),
            (MADE - Duration::from_millis(1), Doubt::BeforeProgram),
            (Moment::from_unix_seconds(4_070_908_800), Doubt::LongAfterProgram),
            (Moment::from_unix_milliseconds(i64::MAX), Doubt::LongAfterProgram),
            (Moment::from_unix_milliseconds(i64::MIN), Doubt::BeforeProgram),
        ] {
            for latest in [None, Some(NOW)] {
                let mut machine = Machine::started(latest, wrong);
                assert_eq!(machine.run(Duration::ZERO), Some(doubt), "{wrong}");
                assert_eq!(machine.ratchet.latest(), latest, "{wrong}");
            }
        }
    }

    #[test]
    fn one_start_in_2099_locks_nobody_out() {
        let mut machine = Machine::started(Some(NOW), Moment::from_unix_seconds(4_070_908_800));
        assert_eq!(machine.run(3 * DAY), Some(Doubt::LongAfterProgram));
        machine.start_again(NOW + MINUTE);
        assert_eq!(machine.look(), None);
    }

    #[test]
    fn a_few_minutes_in_the_wrong_month_leave_no_trace() {
        let mut machine = Machine::started(Some(NOW), NOW + 90 * DAY);
        assert_eq!(machine.run(5 * MINUTE), None);
        machine.now = NOW + 6 * MINUTE;
        assert_eq!(machine.run(9 * MINUTE), None);
        assert_eq!(machine.ratchet.latest(), Some(NOW));
        assert_eq!(machine.run(MINUTE), None);
        assert_eq!(machine.ratchet.latest(), Some(NOW + 16 * MINUTE));
    }

    #[test]
    fn a_clock_set_back_is_doubted_at_once_and_until_it_is_right() {
        let mut machine = Machine::started(Some(NOW), NOW);
        machine.run(HOUR);
        machine.now = NOW;
        assert_eq!(machine.look(), Some(Doubt::Behind(NOW + HOUR)));
        machine.start_again(NOW);
        assert_eq!(machine.run(20 * MINUTE), Some(Doubt::Behind(NOW + HOUR)));
        machine.now = NOW + HOUR + 20 * MINUTE;
        assert_eq!(machine.look(), None);
    }

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_small_correction_backwards_is_no_doubt() {
        let mut machine = Machine::started(Some(NOW), NOW);
        machine.run(HOUR);
        machine.now = machine.now - BACK_MAX;
        assert_eq!(machine.look(), None);
    }

    #[test]
    fn a_box_out_of_the_cupboard_and_a_memory_that_was_wrong_are_right_after_a_day() {
        for (latest, now) in [(NOW, NOW + 500 * DAY), (NOW + 200 * DAY, NOW)] {
            let mut machine = Machine::started(Some(latest), now);
            assert!(machine.run(DAY - MINUTE).is_some());
            assert_eq!(machine.ratchet.latest(), Some(latest));
            assert_eq!(machine.run(MINUTE), None);
            assert_eq!(machine.ratchet.latest(), Some(now + DAY));
            machine.start_again(now + DAY + HOUR);
            assert_eq!(machine.look(), None);
        }
    }

    #[test]
    fn a_clock_that_steps_begins_its_day_anew() {
        let mut machine = Machine::started(Some(NOW + 200 * DAY), NOW);
        assert!(machine.run(DAY - HOUR).is_some());
        machine.now = machine.now - HOUR;
        assert!(machine.run(DAY - MINUTE).is_some());
        assert_eq!(machine.run(MINUTE), None);
    }

    #[test]
    fn a_clock_that_creeps_back_is_doubted_and_one_that_creeps_ahead_is_not_remembered() {
        let creep = |seconds: i64| {
            let mut machine = Machine::started(Some(NOW), NOW);
            machine.run(HOUR);
            let mut doubt = None;
            for _ in 0..120 {
                machine.uptime += Duration::from_secs(5);
                let milliseconds = machine.now.unix_milliseconds() + (5 + seconds) * 1000;
                machine.now = Moment::from_unix_milliseconds(milliseconds);
                doubt = machine.look();
            }
            (doubt, machine.ratchet.latest())
        };
        // Each step is as small as a correction; a time service that lies takes many of them.
        let (doubt, latest) = creep(-90);
        assert!(matches!(doubt, Some(Doubt::Behind(seen)) if seen >= NOW + HOUR), "{doubt:?}");
        assert!(latest >= Some(NOW + HOUR));
        let (_, latest) = creep(90);
        assert!(latest <= Some(NOW + HOUR + 3 * MINUTE), "{latest:?}");
    }

    proptest! {
        #[test]
        fn what_is_remembered_goes_back_only_after_an_even_day(
            steps in prop::collection::vec((0..4000u64, -40..40i64), 0..60),
        ) {
            let mut machine = Machine::started(Some(NOW), NOW);
            let mut even_since = Duration::ZERO;
            for (wait_seconds, jump_hours) in steps {
                let wait = Duration::from_secs(wait_seconds);
                machine.uptime += wait;
                machine.now = Moment::from_unix_milliseconds(
                    (machine.now + wait).unix_milliseconds() + jump_hours * 3_600_000,
                );
                if jump_hours != 0 {
                    even_since = machine.uptime;
                }
                let before = machine.ratchet.latest();
                let doubt = machine.look();
                let after = machine.ratchet.latest();
                prop_assert!(doubt.is_none() || before == after);
                if after < before.map(|latest| latest - BACK_MAX) {
                    prop_assert!(machine.uptime - even_since >= STEADY_TO_OVERRULE);
                }
            }
        }
    }
}
