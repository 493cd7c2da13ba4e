//! Moments as people read them: in the time of Paris, and how long ago.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};
use preau::model::Moment;

use super::language::Language;

/// Day and time, such as `22/11/2026 10:05`.
pub(super) fn written(language: Language, moment: Moment) -> String {
    let form = match language {
        Language::French => "%d/%m/%Y %H:%M",
        Language::English => "%d %b %Y %H:%M",
    };
    form_of(moment, form)
}

/// For `datetime` attributes: RFC 3339 in UTC.
pub(super) fn machine(moment: Moment) -> String {
    Timestamp::from_second(moment.unix_seconds()).map(|time| time.to_string()).unwrap_or_default()
}

/// How long before `now`, in the greatest unit that says something.
pub(super) fn ago(language: Language, moment: Moment, now: Moment) -> String {
    lasted(language, now.since(moment))
}

/// How long before `now`, as the end of a sentence: `il y a 5 min`.
pub(super) fn told_ago(language: Language, moment: Moment, now: Moment) -> String {
    let ago = ago(language, moment, now);
    match language {
        Language::French => format!("il y a {ago}"),
        Language::English => format!("{ago} ago"),
    }
}

/// A span of time in its greatest unit that says something.
pub(super) fn lasted(language: Language, span: Duration) -> String {
    let seconds = span.as_secs();
    let (number, french, english) = match seconds {
        0..60 => (seconds, "s", "s"),
        60..3600 => (seconds / 60, "min", "min"),
        3600..172_800 => (seconds / 3600, "h", "h"),
        _ => (seconds / 86_400, "j", "d"),
    };
    match language {
        Language::French => format!("{number} {french}"),
        Language::English => format!("{number} {english}"),
    }
}

/// The moment in a form of strftime.
pub(super) fn form_of(moment: Moment, form: &str) -> String {
    let Ok(time) = Timestamp::from_second(moment.unix_seconds()) else { return String::from("?") };
    let zone = TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC);
    time.to_zoned(zone).strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_paris() {
        let moment = Moment::from_unix_seconds(1_795_417_500);
        assert_eq!(written(Language::French, moment), "23/11/2026 08:05");
        assert_eq!(machine(moment), "2026-11-23T07:05:00Z");
    }

    #[test]
    fn the_greatest_unit_that_says_something_is_told() {
        let now = Moment::from_unix_seconds(1_000_000);
        for (before, told) in [(0, "0 s"), (59, "59 s"), (61, "1 min"), (7200, "2 h"), (200_000, "2 j")] {
            assert_eq!(ago(Language::French, Moment::from_unix_seconds(1_000_000 - before), now), told);
        }
    }
}
