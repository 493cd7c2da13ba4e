//! Days, weeks and months, by the number of their first day since 1970-01-01.

use std::str::FromStr as _;

use jiff::{ToSpan as _, civil::Date};
use preau::model::Moment;

const EPOCH: Date = Date::constant(1970, 1, 1);

/// By what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// By day: the last 31.
    Day,
    /// By week, from Monday: the last 13.
    Week,
    /// By month: the last 12.
    Month,
}

impl Span {
    /// Every span.
    pub const ALL: [Self; 3] = [Self::Day, Self::Week, Self::Month];

    /// Its word: `jour`, `semaine`, `mois`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Day => "jour",
            Self::Week => "semaine",
            Self::Month => "mois",
        }
    }

    /// The span of that word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|span| span.word() == word)
    }

    /// What the tables call the rows it is made of: weeks are made of days.
    pub(super) const fn rows(self) -> &'static str {
        match self {
            Self::Day | Self::Week => "day",
            Self::Month => "month",
        }
    }

    /// The first day of the span that `day` lies in.
    pub(super) fn start_of(self, day: i64) -> i64 {
        let date = date_of(day);
        match self {
            Self::Day => day,
            Self::Week => day - i64::from(date.weekday().to_monday_zero_offset()),
            Self::Month => number_of(date.first_of_month()),
        }
    }

    /// The first days of the spans that are shown on the day `today`, the earliest first.
    #[must_use]
    pub fn starts(self, today: i64) -> Vec<i64> {
        let last = self.start_of(today);
        match self {
            Self::Day => (last - 30..=last).collect(),
            Self::Week => (0..13).rev().map(|ago| last - 7 * ago).collect(),
            Self::Month => {
                let month = |ago: i64| date_of(last).checked_sub(ago.months()).unwrap_or(EPOCH);
                (0..12).rev().map(|ago| number_of(month(ago))).collect()
            }
        }
    }
}

/// The day of a moment, as boxes count days: in UTC.
#[must_use]
pub fn day_of(moment: Moment) -> i64 {
    moment.unix_seconds().div_euclid(86_400)
}

/// The number of a day that is written `2026-11-22`.
pub(super) fn day_read(text: &str) -> Option<i64> {
    Date::from_str(text).ok().map(number_of)
}

/// The day as `2026-11-22`.
#[must_use]
pub fn day_written(day: i64) -> String {
    date_of(day).to_string()
}

fn date_of(day: i64) -> Date {
    EPOCH.checked_add(day.days()).unwrap_or(EPOCH)
}

fn number_of(date: Date) -> i64 {
    EPOCH.until(date).map_or(0, |span| i64::from(span.get_days()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let sunday = day_read("2026-11-22").unwrap();
        assert_eq!(day_written(Span::Week.start_of(sunday)), "2026-11-16");
        assert_eq!(day_written(Span::Month.start_of(sunday)), "2026-11-01");
        let months: Vec<_> = Span::Month.starts(sunday).into_iter().map(day_written).collect();
        assert_eq!((months.len(), months[0].as_str(), months[11].as_str()), (12, "2025-12-01", "2026-11-01"));
        let weeks = Span::Week.starts(sunday);
        assert_eq!((weeks.len(), day_written(weeks[0]).as_str()), (13, "2026-08-24"));
        assert_eq!(Span::Day.starts(sunday).len(), 31);
    }
}
