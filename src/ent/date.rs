//! Dates of HTTP (RFC 9110 section 5.6.7), read in their three forms.

use std::time::UNIX_EPOCH;

use hyper::{HeaderMap, header::HeaderName};

use super::list::only;
use crate::model::Moment;

/// The moment that the field `name` says; none where it is not there once, or is no date.
pub(super) fn date(fields: &HeaderMap, name: &HeaderName) -> Option<Moment> {
    read(&only(fields, name)?)
}

/// Reads one date.
pub(super) fn read(text: &str) -> Option<Moment> {
    let time = httpdate::parse_http_date(text.trim_matches(' ')).ok()?;
    let since_epoch = time.duration_since(UNIX_EPOCH).ok()?;
    Some(Moment::from_unix_seconds(i64::try_from(since_epoch.as_secs()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_one_moment() {
        let moment = Moment::from_unix_seconds(784_111_777);
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(read(text), Some(moment), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["0", "", "Thu, 18 Aug 2050 02:01:18 AEST", "Thu, 18 Aug 2050 2:01:18 GMT"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
