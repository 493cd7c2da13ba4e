//! How long a teacher's decision lasts: minutes, the lesson that runs, or until the evening. It always ends by itself.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use crate::model::Moment;

/// The longest a decision about more than one site lasts: a long exam.
const MINUTES_MAX: u16 = 180;

/// The hour in Paris at which what lasts until the evening ends.
const EVENING_HOUR: i8 = 20;

/// How long a decision lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// So many minutes, 1 to 180.
    Minutes(u16),
    /// Until the lesson that runs is over.
    Lesson,
    /// Until eight in the evening. For single sites.
    Evening,
}

impl Lasts {
    /// The first moment after it, where `lesson_end` is the end of the lesson that runs at `now`; none where it is out
    /// of bounds, or no lesson runs, or the evening has begun.
    #[must_use]
    pub fn until(self, now: Moment, lesson_end: Option<Moment>) -> Option<Moment> {
        let minutes = |count: u16| Duration::from_secs(60 * u64::from(count));
        match self {
            Self::Minutes(count) => (1..=MINUTES_MAX).contains(&count).then(|| now + minutes(count)),
            Self::Lesson => lesson_end.filter(|end| *end > now && *end <= now + minutes(MINUTES_MAX)),
            Self::Evening => evening(now).filter(|evening| *evening > now),
        }
    }
}

fn evening(now: Moment) -> Option<Moment> {
    let paris = TimeZone::get("Europe/Paris").ok()?;
    let here = Timestamp::from_millisecond(now.unix_milliseconds()).ok()?.to_zoned(paris);
    let evening = here.date().at(EVENING_HOUR, 0, 0, 0).to_zoned(here.time_zone().clone()).ok()?;
    Some(Moment::from_unix_milliseconds(evening.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Monday 23 November 2026, 09:00 in Paris.
    const NINE: Moment = Moment::from_unix_seconds(1_795_420_800);

    #[track_caller]
    fn check(lasts: Lasts, lesson_minutes: Option<u64>, expected_minutes: Option<u64>) {
        let after = |minutes| NINE + Duration::from_secs(60 * minutes);
        assert_eq!(lasts.until(NINE, lesson_minutes.map(after)), expected_minutes.map(after), "{lasts:?}");
    }

    #[test]
    fn a_decision_ends_within_three_hours_or_in_the_evening() {
        check(Lasts::Minutes(0), None, None);
        check(Lasts::Minutes(1), None, Some(1));
        check(Lasts::Minutes(180), None, Some(180));
        check(Lasts::Minutes(181), None, None);
        check(Lasts::Lesson, None, None);
        check(Lasts::Lesson, Some(55), Some(55));
        check(Lasts::Lesson, Some(181), None);
        check(Lasts::Evening, None, Some(11 * 60));
    }

    #[test]
    fn nothing_lasts_until_an_evening_that_has_begun() {
        let late = NINE + Duration::from_secs(11 * 3600);
        assert_eq!(Lasts::Evening.until(late, None), None);
    }
}
