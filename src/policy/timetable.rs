//! The weekly timetable of a school: when lessons are, in the time its clocks show (Europe/Paris).
//!
//! A timetable is a set of half-open slots `[from, to)` of local time, to the minute. It follows the wall clock across
//! the two changes of the year: in spring a slot inside the skipped hour does not occur, and one that reaches into it
//! begins or ends with the jump; in autumn a slot inside the repeated hour occurs twice.

use std::sync::{Arc, LazyLock};

use jiff::{Timestamp, tz::TimeZone};

use crate::model::Moment;

/// Minutes in a day.
pub(super) const DAY_MINUTES: u16 = 24 * 60;

const WEEK_MINUTES: u16 = 7 * DAY_MINUTES;
const MINUTE_MS: i64 = 60_000;
const WEEK_MS: i64 = 7 * 24 * 60 * MINUTE_MS;

/// 1970-01-01 was a Thursday: its midnight is three days after a Monday's.
const EPOCH_IN_WEEK_MS: i64 = 3 * 24 * 60 * MINUTE_MS;

/// Changes of the clock that [`Timetable::next_change`] looks across; two slots a year apart do not exist.
const CLOCK_CHANGES_MAX: usize = 4;

static PARIS: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("Europe/Paris").expect("the zone data built into the program has Paris"));

/// A weekly timetable under its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    name: Arc<str>,
    /// Sorted, apart from each other; minutes since Monday 00:00.
    slots: Vec<Slot>,
}

/// A slot `[from, to)` in minutes since Monday 00:00, `from` before `to`, at most a day long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    from: u16,
    to: u16,
}

impl Slot {
    /// The slot of `day` (0 is Monday) between two minutes of that day; none unless `day` is below 7 and
    /// `from < to <= 24:00`.
    pub(super) fn new(day: u16, from: u16, to: u16) -> Option<Self> {
        let fits = day < 7 && from < to && to <= DAY_MINUTES;
        fits.then(|| Self { from: day * DAY_MINUTES + from, to: day * DAY_MINUTES + to })
    }

    /// Whether the two share a minute.
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.from < other.to && other.from < self.to
    }
}

/// A minute of the week as the clocks in school show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalMinute(u16);

impl From<Moment> for LocalMinute {
    fn from(moment: Moment) -> Self {
        let minute = week_ms(moment, offset_ms(moment)) / MINUTE_MS;
        Self(u16::try_from(minute).expect("a week has 10,080 minutes"))
    }
}

impl Timetable {
    /// The timetable called `name` of these slots, which do not overlap. Slots that touch become one.
    pub(super) fn new(name: Arc<str>, mut slots: Vec<Slot>) -> Self {
        slots.sort_unstable();
        slots.dedup_by(|next, last| {
            let touches = last.to == next.from;
            if touches {
                last.to = next.to;
            }
            touches
        });
        Self { name, slots }
    }

    /// Its name in the rules file.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether `at` lies in one of the slots.
    #[must_use]
    pub fn is_open(&self, at: LocalMinute) -> bool {
        self.slots.iter().any(|slot| (slot.from..slot.to).contains(&at.0))
    }

    /// The first moment after `after` at which the timetable opens or closes; none if it never does.
    #[must_use]
    pub fn next_change(&self, after: Moment) -> Option<Moment> {
        let mut from = after;
        for _ in 0..CLOCK_CHANGES_MAX {
            // Between two changes of the clock, local time runs evenly.
            let boundary = self.next_boundary(from, offset_ms(from));
            let Some(clock_change) = next_clock_change(from) else { return boundary };
            if let Some(boundary) = boundary.filter(|boundary| *boundary < clock_change) {
                return Some(boundary);
            }
            let before = Moment::from_unix_milliseconds(clock_change.unix_milliseconds() - 1);
            if self.is_open(before.into()) != self.is_open(clock_change.into()) {
                return Some(clock_change);
            }
            from = clock_change;
        }
        None
    }

    /// The first beginning or end of a slot after `after`, if the clock keeps this offset.
    fn next_boundary(&self, after: Moment, offset_ms: i64) -> Option<Moment> {
        let around_midnight = |minute: u16| minute % WEEK_MINUTES;
        let runs_on = |slot: &Slot| self.slots.iter().any(|next| next.from == around_midnight(slot.to));
        let runs_in = |slot: &Slot| self.slots.iter().any(|last| around_midnight(last.to) == slot.from);
        let begins = self.slots.iter().filter(|slot| !runs_in(slot)).map(|slot| slot.from);
        let ends = self.slots.iter().filter(|slot| !runs_on(slot)).map(|slot| slot.to);
        let now = week_ms(after, offset_ms);
        let wait = begins.chain(ends).map(|minute| {
            let wait = (i64::from(minute) * MINUTE_MS - now).rem_euclid(WEEK_MS);
            if wait == 0 { WEEK_MS } else { wait }
        });
        let wait = wait.min()?;
        Some(Moment::from_unix_milliseconds(after.unix_milliseconds().checked_add(wait)?))
    }
}

/// The moment as a technician reads it: `Monday 2026-11-23 08:05:00 +01:00 (Paris)`.
pub(super) fn in_paris(moment: Moment) -> String {
    timestamp(moment).to_zoned(PARIS.clone()).strftime("%A %Y-%m-%d %H:%M:%S %:z (Paris)").to_string()
}

/// Milliseconds since the local Monday 00:00.
fn week_ms(moment: Moment, offset_ms: i64) -> i64 {
    moment.unix_milliseconds().saturating_add(offset_ms).saturating_add(EPOCH_IN_WEEK_MS).rem_euclid(WEEK_MS)
}

fn offset_ms(moment: Moment) -> i64 {
    i64::from(PARIS.to_offset(timestamp(moment)).seconds()) * 1000
}

fn next_clock_change(after: Moment) -> Option<Moment> {
    let transition = PARIS.following(timestamp(after)).next()?;
    Some(Moment::from_unix_milliseconds(transition.timestamp().as_millisecond()))
}

/// A moment beyond the year 9999 counts as its last second.
fn timestamp(moment: Moment) -> Timestamp {
    let farthest = if moment.unix_milliseconds() < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(moment.unix_milliseconds()).unwrap_or(farthest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: u16 = 0;
    const SUNDAY: u16 = 6;

    fn moment(text: &str) -> Moment {
        Moment::from_unix_milliseconds(text.parse::<Timestamp>().unwrap().as_millisecond())
    }

    fn timetable(slots: &[(u16, u16, u16)]) -> Timetable {
        let slots = slots.iter().map(|&(day, from, to)| Slot::new(day, from, to).unwrap()).collect();
        Timetable::new(Arc::from("cours"), slots)
    }

    #[track_caller]
    fn check_changes(timetable: &Timetable, after: &str, expected: &[&str]) {
        let mut at = moment(after);
        for next in expected {
            let changed = timetable.next_change(at).unwrap();
            assert_eq!(changed, moment(next), "found {changed}");
            let before = Moment::from_unix_milliseconds(changed.unix_milliseconds() - 1);
            assert_ne!(timetable.is_open(before.into()), timetable.is_open(changed.into()), "{next}");
            at = changed;
        }
    }

    #[test]
    fn a_slot_holds_its_first_minute_and_not_its_last() {
        let lessons = timetable(&[(MONDAY, 480, 720)]);
        for (at, open) in [
            ("2026-11-23T06:59:59.999Z", false),
            ("2026-11-23T07:00:00Z", true),
            ("2026-11-23T10:59:59.999Z", true),
            ("2026-11-23T11:00:00Z", false),
            ("2026-11-24T08:00:00Z", false),
        ] {
            assert_eq!(lessons.is_open(moment(at).into()), open, "{at}");
        }
    }

    #[test]
    fn changes_follow_the_week_and_the_season() {
        let lessons = timetable(&[(MONDAY, 480, 720)]);
        check_changes(
            &lessons,
            "2026-10-19T05:00:00Z",
            &[
                "2026-10-19T06:00:00Z",
                "2026-10-19T10:00:00Z",
                "2026-10-26T07:00:00Z",
                "2026-10-26T11:00:00Z",
                "2026-11-02T07:00:00Z",
            ],
        );
    }

    #[test]
    fn a_slot_in_the_repeated_hour_occurs_twice() {
        let night = timetable(&[(SUNDAY, 150, 180)]);
        check_changes(
            &night,
            "2026-10-24T22:00:00Z",
            &["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"],
        );
    }

    #[test]
    fn a_slot_in_the_skipped_hour_does_not_occur_and_one_across_it_begins_with_the_jump() {
        let skipped = timetable(&[(SUNDAY, 130, 170)]);
        check_changes(&skipped, "2026-03-28T12:00:00Z", &["2026-04-05T00:10:00Z"]);
        let across = timetable(&[(SUNDAY, 150, 210)]);
        check_changes(&across, "2026-03-28T12:00:00Z", &["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]);
    }

    #[test]
    fn slots_that_touch_are_one_even_over_midnight() {
        let nights = timetable(&[(SUNDAY, 1200, 1440), (MONDAY, 0, 60), (MONDAY, 60, 120)]);
        check_changes(&nights, "2026-11-22T12:00:00Z", &["2026-11-22T19:00:00Z", "2026-11-23T01:00:00Z"]);
    }

    #[test]
    fn a_timetable_that_is_never_or_always_open_never_changes() {
        assert_eq!(timetable(&[]).next_change(moment("2026-01-01T00:00:00Z")), None);
        let always = (0..7).map(|day| (day, 0, DAY_MINUTES)).collect::<Vec<_>>();
        assert_eq!(timetable(&always).next_change(moment("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn moments_beyond_the_calendar_do_not_panic() {
        let lessons = timetable(&[(MONDAY, 480, 720)]);
        for end in [i64::MIN, i64::MAX] {
            let moment = Moment::from_unix_milliseconds(end);
            let _ = lessons.is_open(moment.into());
            let _ = lessons.next_change(moment);
            assert!(!in_paris(moment).is_empty());
        }
    }
}
