//! The day a list was read, as the names file keeps it.

use std::{fmt, str::FromStr};

use jiff::{ToSpan as _, civil::Date};
use thiserror::Error;

use crate::model::Moment;

/// Where days are counted from.
const FIRST: Date = Date::constant(1970, 1, 1);

/// A day from 1970-01-01 to 2149-06-06 (UTC), shown as `2026-08-17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListDay(pub(super) u16);

/// A text that is no day of the form `2026-08-17`, or one out of range.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("not a day from 1970-01-01 to 2149-06-06")]
pub struct ListDayError;

impl ListDay {
    /// The day of `moment`; the first or last one where it lies outside.
    #[must_use]
    pub fn of(moment: Moment) -> Self {
        let days = moment.unix_seconds().div_euclid(24 * 60 * 60).max(0);
        Self(u16::try_from(days).unwrap_or(u16::MAX))
    }
}

impl FromStr for ListDay {
    type Err = ListDayError;

    fn from_str(text: &str) -> Result<Self, ListDayError> {
        let date: Date = text.parse().map_err(|_| ListDayError)?;
        let days = FIRST.until(date).map_err(|_| ListDayError)?.get_days();
        u16::try_from(days).map(Self).map_err(|_| ListDayError)
    }
}

impl fmt::Display for ListDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        FIRST.saturating_add(i32::from(self.0).days()).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_shown_as_it_is_written() {
        for text in ["1970-01-01", "2026-08-17", "2149-06-06"] {
            assert_eq!(text.parse::<ListDay>().unwrap().to_string(), text);
        }
        for text in ["1969-12-31", "2149-06-07", "hier", ""] {
            assert_eq!(text.parse::<ListDay>(), Err(ListDayError), "{text}");
        }
        assert_eq!(ListDay::of(Moment::from_unix_seconds(1_786_924_800 + 86_399)).to_string(), "2026-08-17");
    }
}
