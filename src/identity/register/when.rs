//! When a delivery takes effect: at once, on a day, or on the first day of the next school holidays.

use std::{str::FromStr, sync::LazyLock};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{
    model::Moment,
    policy::{CalendarWarning, Holiday, SchoolCalendar, SchoolZone},
};

static PARIS: LazyLock<TimeZone> =
    LazyLock::new(|| TimeZone::get("Europe/Paris").expect("the zone data built into the program has Paris"));

/// When a delivery is to take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As soon as the daemon sees it.
    AtOnce,
    /// On the first day of the next holidays, as the Somme convention asks: accounts change while nobody is at school.
    /// In the holidays that is at once.
    Calendar,
    /// On a day.
    On(Date),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "now" => Ok(Self::AtOnce),
            "calendar" => Ok(Self::Calendar),
            _ => text.parse().map(Self::On).map_err(|_| {
                format!("`{text}` is no day; write `now`, `calendar` or a day such as `2026-12-19`")
            }),
        }
    }
}

/// The day as the register needs to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Today {
    /// The date in France.
    pub date: Date,
    /// Whether it lies in the summer holidays, in which a third of a school leaves.
    pub is_summer: bool,
    /// Whether the clock is believed. If not, nothing happens by date: nobody is deleted, no waiting delivery comes due.
    pub is_sure: bool,
}

/// The school's holidays: a calendar, and the zone the school lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The holidays of all zones.
    pub calendar: SchoolCalendar,
    /// The zone of the school; none where nobody said it.
    pub zone: Option<SchoolZone>,
}

impl Terms {
    /// The day of `now`, which `is_sure` where the clock is believed.
    #[must_use]
    pub fn today(&self, now: Moment, is_sure: bool) -> Today {
        let timestamp = Timestamp::from_millisecond(now.unix_milliseconds()).unwrap_or(Timestamp::UNIX_EPOCH);
        let date = timestamp.to_zoned(PARIS.clone()).date();
        // A delivery is held rather than believed where the day is not sure.
        Today { date, is_summer: is_sure && self.is_summer(date), is_sure }
    }

    /// The day on which what is delivered on `today` takes effect, at once without one. The first delivery of a source
    /// has nothing to wait for (`has_begun`), nor has any in the holidays or behind the calendar's end.
    ///
    /// # Errors
    /// When it depends on holidays, and nobody said in which zone the school lies.
    pub fn due(&self, when: When, today: Today, has_begun: bool) -> Result<Option<Date>, NoZone> {
        match when {
            When::AtOnce => Ok(None),
            When::On(date) => Ok(Some(date)),
            When::Calendar if !has_begun => Ok(None),
            When::Calendar => {
                let zone = self.zone.as_ref().ok_or(NoZone)?;
                let holiday = self.calendar.holidays(zone, today.date);
                if holiday.is_some_and(|holiday| !holiday.is_bridge()) {
                    return Ok(None);
                }
                Ok(self.calendar.next_start_after(today.date, zone))
            }
        }
    }

    /// What to tell technicians of the calendar on `today`, if anything.
    #[must_use]
    pub fn warning(&self, today: Today) -> Option<CalendarWarning> {
        self.zone.as_ref().filter(|_| today.is_sure).and_then(|zone| self.calendar.warning(zone, today.date))
    }

    /// Whether `date` lies in the long holidays; where the calendar does not know it, in July or August.
    fn is_summer(&self, date: Date) -> bool {
        let known =
            self.zone.as_ref().filter(|zone| self.calendar.ends_on(zone).is_some_and(|end| date <= end));
        match known {
            Some(zone) => self.calendar.holidays(zone, date).is_some_and(Holiday::is_summer),
            None => [7, 8].contains(&date.month()),
        }
    }
}

/// Nobody said in which zone of the school calendar the school lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "holidays depend on the zone; write `calendar_zone = \"A\"`, \"B\" or \"C\" below [accounts], or give `--effective now` or a day"
)]
pub struct NoZone;

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn terms(zone: Option<SchoolZone>) -> Terms {
        Terms { calendar: SchoolCalendar::shipped().clone(), zone }
    }

    fn on(date: Date) -> Today {
        Today { date, is_summer: false, is_sure: true }
    }

    #[test]
    fn deliveries_wait_for_the_first_day_of_the_next_holidays_and_in_holidays_for_nothing() {
        let terms = terms(Some(SchoolZone::B));
        let due = |when, day, has_begun| terms.due(when, on(day), has_begun).unwrap();
        assert_eq!(due(When::Calendar, date(2026, 11, 23), true), Some(date(2026, 12, 19)));
        assert_eq!(due(When::Calendar, date(2026, 12, 24), true), None);
        assert_eq!(due(When::Calendar, date(2026, 7, 20), true), None);
        assert_eq!(due(When::Calendar, date(2026, 11, 23), false), None);
        assert_eq!(due(When::AtOnce, date(2026, 11, 23), true), None);
        assert_eq!(due(When::On(date(2026, 12, 1)), date(2026, 11, 23), true), Some(date(2026, 12, 1)));
        assert_eq!(due(When::Calendar, date(2040, 1, 1), true), None);
    }

    #[test]
    fn without_a_zone_only_holidays_cannot_be_waited_for() {
        let terms = terms(None);
        assert_eq!(terms.due(When::Calendar, on(date(2026, 11, 23)), true), Err(NoZone));
        assert_eq!(terms.due(When::AtOnce, on(date(2026, 11, 23)), true), Ok(None));
        assert!(terms.warning(on(date(2026, 11, 23))).is_none());
    }

    #[test]
    fn the_day_is_that_of_paris_and_summer_that_of_the_calendar() {
        let moment =
            |text: &str| Moment::from_unix_milliseconds(text.parse::<Timestamp>().unwrap().as_millisecond());
        for zone in [None, Some(SchoolZone::B)] {
            let terms = terms(zone);
            for (text, day, is_summer) in [
                ("2026-11-22T23:30:00Z", date(2026, 11, 23), false),
                ("2026-08-01T22:30:00Z", date(2026, 8, 2), true),
                ("2040-08-01T12:00:00Z", date(2040, 8, 1), true),
            ] {
                let today = terms.today(moment(text), true);
                assert_eq!((today.date, today.is_summer), (day, is_summer), "{text}");
                assert!(!terms.today(moment(text), false).is_summer);
            }
        }
    }

    #[test]
    fn a_day_is_written_as_a_word_or_a_date() {
        assert_eq!("now".parse(), Ok(When::AtOnce));
        assert_eq!("calendar".parse(), Ok(When::Calendar));
        assert_eq!("2026-12-19".parse(), Ok(When::On(date(2026, 12, 19))));
        assert!("19/12/2026".parse::<When>().unwrap_err().contains("2026-12-19"));
    }
}
