//! How old a response is (RFC 9111 section 4.2.3).

use std::time::Duration;

use hyper::{
    HeaderMap,
    header::{AGE, DATE},
};

use super::{date::date, directives::SECONDS_MAX, list::joined};
use crate::model::Moment;

/// How old a response was when it came, asked for at `asked` and received at `received`; none where its Age cannot be
/// read.
pub(super) fn on_arrival(fields: &HeaderMap, asked: Moment, received: Moment) -> Option<Duration> {
    let apparent_age = date(fields, &DATE).map_or(Duration::ZERO, |date| received.since(date));
    let corrected_age = told(fields)? + received.since(asked);
    Some(apparent_age.max(corrected_age).min(Duration::from_secs(SECONDS_MAX)))
}

/// What the Age field says; zero where there is none.
///
/// Off-spec: RFC 9111 section 5.1 would take the first of several values and pass over one that is no number. Such a field
/// shows a broken cache on the way, and asking the origin once more costs less than a page that is older than it says.
fn told(fields: &HeaderMap) -> Option<Duration> {
    let Some(text) = joined(fields, &AGE) else { return Some(Duration::ZERO) };
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(text.parse().unwrap_or(SECONDS_MAX).min(SECONDS_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(lines: &[(&'static str, &str)], took: u64) -> Option<u64> {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, value.parse().unwrap());
        }
        let asked = Moment::from_unix_seconds(784_111_777);
        on_arrival(&fields, asked, asked + Duration::from_secs(took)).map(|age| age.as_secs())
    }

    #[test]
    fn the_age_is_what_is_told_and_the_time_it_took_or_what_the_date_shows() {
        assert_eq!(age(&[], 0), Some(0));
        assert_eq!(age(&[("age", "30")], 2), Some(32));
        assert_eq!(age(&[("date", "Sun, 06 Nov 1994 08:47:37 GMT")], 1), Some(121));
        assert_eq!(age(&[("date", "Sun, 06 Nov 1994 08:51:37 GMT")], 1), Some(1));
        assert_eq!(age(&[("age", "99999999999999999999")], 0), Some(SECONDS_MAX));
    }

    #[test]
    fn an_age_that_is_not_one_number_is_unknown() {
        for value in ["abc", "-1", "7200.0", "0, 0", "7200;a=1", ""] {
            assert_eq!(age(&[("age", value)], 0), None, "{value}");
        }
        assert_eq!(age(&[("age", "0"), ("age", "7200")], 0), None);
    }
}
