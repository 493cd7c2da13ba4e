//! Moments as `<input type="datetime-local">` has them, by the clocks of metropolitan France: `2026-11-23T18:00`.

use jiff::{
    Timestamp, Zoned,
    civil::{DateTime, Time},
    tz::TimeZone,
};

use crate::model::Moment;

/// The longest text that is looked at, in bytes: seconds and their fractions fit.
const TEXT_BYTES_MAX: usize = 32;

/// The moment that `text` names. One in the hour that summer time skips is the one an hour later, one in the hour that
/// comes twice is the first.
pub(super) fn read(text: &str) -> Option<Moment> {
    let text = text.trim();
    // A date alone, or one with a zone, is no moment of this field.
    if text.len() > TEXT_BYTES_MAX || !text.contains('T') || text.contains(['Z', '[', '+']) {
        return None;
    }
    let civil: DateTime = text.parse().ok()?;
    moment(&civil.to_zoned(TimeZone::get("Europe/Paris").ok()?).ok()?)
}

/// `moment` as the field shows it, to the minute.
pub(super) fn written(moment: Moment) -> String {
    in_paris(moment).map(|there| there.strftime("%Y-%m-%dT%H:%M").to_string()).unwrap_or_default()
}

/// Eighteen o'clock of the day of `now`, where that is still to come.
pub(super) fn this_evening(now: Moment) -> Option<Moment> {
    let there = in_paris(now)?;
    let evening = there.date().to_datetime(Time::constant(18, 0, 0, 0));
    moment(&evening.to_zoned(there.time_zone().clone()).ok()?).filter(|evening| now < *evening)
}

fn moment(zoned: &Zoned) -> Option<Moment> {
    Some(Moment::from_unix_milliseconds(zoned.timestamp().as_millisecond()))
}

fn in_paris(moment: Moment) -> Option<Zoned> {
    let zone = TimeZone::get("Europe/Paris").ok()?;
    Some(Timestamp::from_millisecond(moment.unix_milliseconds()).ok()?.to_zoned(zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_as_the_field_shows_it() {
        for text in ["2026-11-23T18:00", "2026-07-01T08:30", "2026-10-25T02:30"] {
            assert_eq!(written(read(text).unwrap()), text);
        }
        assert_eq!(read("2026-11-23T18:00").unwrap().to_string(), "2026-11-23T17:00:00.000Z");
        assert_eq!(written(read("2026-03-29T02:30").unwrap()), "2026-03-29T03:30");
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "demain",
            "2026-11-23",
            "18:00",
            "2026-13-01T00:00",
            "2026-11-23T18:00Z",
            "9999999-01-01T00:00",
            "2026-11-23T18:00+01:00[Europe/Paris]",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn the_evening_is_at_eighteen_o_clock_while_it_is_to_come() {
        let noon = read("2026-11-23T12:00").unwrap();
        assert_eq!(written(this_evening(noon).unwrap()), "2026-11-23T18:00");
        assert_eq!(this_evening(read("2026-11-23T18:00").unwrap()), None);
    }
}
