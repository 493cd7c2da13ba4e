//! Moments as people say them: « aujourd’hui à 18 h 05 », "tomorrow at 08:00".

use jiff::{
    Timestamp, Zoned,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use super::language::Language;
use crate::model::Moment;

const MONTHS_FRENCH: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const MONTHS_ENGLISH: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The hour of `moment` in metropolitan France: « 18 h 05 ». A moment outside the calendar is said in UTC digits.
pub(super) fn hour(language: Language, moment: Moment) -> String {
    in_paris(moment).map_or_else(|| moment.to_string(), |there| told_hour(language, &there))
}

/// `moment` in metropolitan France, as said at `now`. A moment outside the calendar is said in UTC digits.
pub(super) fn told(language: Language, moment: Moment, now: Moment) -> String {
    let (Some(there), Some(here)) = (in_paris(moment), in_paris(now)) else { return moment.to_string() };
    let hour_told = told_hour(language, &there);
    let is_tomorrow = here.tomorrow().is_ok_and(|tomorrow| tomorrow.date() == there.date());
    match language {
        Language::French if there.date() == here.date() => format!("aujourd’hui à {hour_told}"),
        Language::English if there.date() == here.date() => format!("today at {hour_told}"),
        Language::French if is_tomorrow => format!("demain à {hour_told}"),
        Language::English if is_tomorrow => format!("tomorrow at {hour_told}"),
        Language::French | Language::English => format!("{} {hour_told}", day(language, &there)),
    }
}

/// As [`told`], where there is little room: of the same day, the hour alone.
pub(super) fn told_shortly(language: Language, moment: Moment, now: Moment) -> String {
    match (in_paris(moment), in_paris(now)) {
        (Some(there), Some(here)) if there.date() == here.date() => told_hour(language, &there),
        _ => told(language, moment, now),
    }
}

/// `moment` in metropolitan France with its day and date, for paper: it is read on another day than it is written.
pub(super) fn told_in_full(language: Language, moment: Moment) -> String {
    let Some(there) = in_paris(moment) else { return moment.to_string() };
    format!("{} {}", day(language, &there), told_hour(language, &there))
}

/// A day with its year: « 19 décembre 2026 ».
pub(super) fn told_date(language: Language, date: Date) -> String {
    let month_index = usize::try_from(date.month() - 1).unwrap_or(0);
    let (number, year) = (date.day(), date.year());
    match language {
        Language::French if number == 1 => format!("1er {} {year}", MONTHS_FRENCH[month_index]),
        Language::French => format!("{number} {} {year}", MONTHS_FRENCH[month_index]),
        Language::English => format!("{number} {} {year}", MONTHS_ENGLISH[month_index]),
    }
}

fn told_hour(language: Language, there: &Zoned) -> String {
    let (hour, minute) = (there.hour(), there.minute());
    match language {
        Language::French => format!("{hour}\u{a0}h\u{a0}{minute:02}"),
        Language::English => format!("{hour:02}:{minute:02}"),
    }
}

/// The day with the word that leads to the hour.
fn day(language: Language, there: &Zoned) -> String {
    let month_index = usize::try_from(there.month() - 1).unwrap_or(0);
    let (weekday, number) = (weekday(language, there.weekday()), there.day());
    match language {
        Language::French if number == 1 => format!("{weekday} 1er {} à", MONTHS_FRENCH[month_index]),
        Language::French => format!("{weekday} {number} {} à", MONTHS_FRENCH[month_index]),
        Language::English => format!("{weekday} {number} {} at", MONTHS_ENGLISH[month_index]),
    }
}

const fn weekday(language: Language, day: Weekday) -> &'static str {
    let (french, english) = match day {
        Weekday::Monday => ("lundi", "Monday"),
        Weekday::Tuesday => ("mardi", "Tuesday"),
        Weekday::Wednesday => ("mercredi", "Wednesday"),
        Weekday::Thursday => ("jeudi", "Thursday"),
        Weekday::Friday => ("vendredi", "Friday"),
        Weekday::Saturday => ("samedi", "Saturday"),
        Weekday::Sunday => ("dimanche", "Sunday"),
    };
    match language {
        Language::French => french,
        Language::English => english,
    }
}

fn in_paris(moment: Moment) -> Option<Zoned> {
    let zone = TimeZone::get("Europe/Paris").ok()?;
    Some(Timestamp::from_millisecond(moment.unix_milliseconds()).ok()?.to_zoned(zone))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_moment_is_told_as_people_say_it() {
        // 2026-11-23T08:05:00+01:00, a Monday.
        let now = Moment::from_unix_seconds(1_795_417_500);
        for (hours, french, english) in [
            (12, "aujourd’hui à 20 h 05", "today at 20:05"),
            (24, "demain à 8 h 05", "tomorrow at 08:05"),
            (72, "jeudi 26 novembre à 8 h 05", "Thursday 26 November at 08:05"),
            (8 * 24, "mardi 1er décembre à 8 h 05", "Tuesday 1 December at 08:05"),
        ] {
            let moment = now + Duration::from_secs(hours * 3600);
            assert_eq!(told(Language::French, moment, now).replace('\u{a0}', " "), french);
            assert_eq!(told(Language::English, moment, now), english);
        }
    }

    #[test]
    fn a_moment_of_the_same_day_is_told_by_its_hour_where_room_is_short() {
        let now = Moment::from_unix_seconds(1_795_417_500);
        let told = |hours: u64| told_shortly(Language::English, now + Duration::from_secs(hours * 3600), now);
        assert_eq!((told(12).as_str(), told(24).as_str()), ("20:05", "tomorrow at 08:05"));
        assert_eq!(told_in_full(Language::English, now), "Monday 23 November at 08:05");
    }

    #[test]
    fn a_day_is_told_with_its_year() {
        let told = |language, month| told_date(language, jiff::civil::date(2026, month, 1));
        assert_eq!(told(Language::French, 12), "1er décembre 2026");
        assert_eq!(told(Language::English, 1), "1 January 2026");
        assert_eq!(told_date(Language::French, jiff::civil::date(2027, 8, 19)), "19 août 2027");
    }

    #[test]
    fn summer_time_is_followed() {
        // 2026-07-01T12:00:00Z
        let noon = Moment::from_unix_seconds(1_782_907_200);
        assert_eq!(told(Language::French, noon, noon), "aujourd’hui à 14\u{a0}h\u{a0}00");
    }
}
