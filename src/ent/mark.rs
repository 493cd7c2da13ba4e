//! The mark on a page that stands in while the line is down: « Copie du 12 mars 10:42, la ligne est coupée ».
//!
//! It is a line of text put behind the page, where every browser still shows it, so that nothing of the page is read or
//! changed. It needs a page whose bytes are its text: one that gzip packed is unpacked on its way (`unpack` says how that
//! stays harmless); one packed otherwise goes out as it is, and says so in Cache-Status and Age alone.

use bytes::Bytes;
use hyper::{
    HeaderMap, StatusCode,
    header::{
        ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, LAST_MODIFIED,
    },
};
use jiff::{Timestamp, tz::TimeZone};

use super::{directives::Directives, list::only};
use crate::model::Moment;

const MONTHS: [&str; 12] = [
    "janvier",
    "f&eacute;vrier",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "ao&ucirc;t",
    "septembre",
    "octobre",
    "novembre",
    "d&eacute;cembre",
];

/// Character sets in which the mark's bytes are its text.
const ASCII_CHARSETS: &[&str] = &["utf-8", "utf8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"];

/// The mark on a copy of the page with `fields`, of the moment `of`; none where it cannot be put there.
pub(super) fn mark(status: StatusCode, fields: &HeaderMap, of: Moment) -> Option<Bytes> {
    if status != StatusCode::OK
        || (fields.contains_key(CONTENT_ENCODING) && !is_packed(fields))
        || Directives::of(fields).no_transform
    {
        return None;
    }
    let kind = only(fields, &CONTENT_TYPE)?.to_ascii_lowercase();
    let mut parts = kind.split(';').map(str::trim);
    let is_html = parts.next() == Some("text/html");
    let charset =
        parts.find_map(|part| part.strip_prefix("charset=")).map(|charset| charset.trim_matches('"'));
    let is_ascii = charset.is_none_or(|charset| ASCII_CHARSETS.contains(&charset));
    (is_html && is_ascii).then(|| text(of))
}

/// Whether gzip packed the page with `fields`, and nothing else did (RFC 9110 section 8.4.1.3).
pub(super) fn is_packed(fields: &HeaderMap) -> bool {
    only(fields, &CONTENT_ENCODING)
        .is_some_and(|coding| coding.eq_ignore_ascii_case("gzip") || coding.eq_ignore_ascii_case("x-gzip"))
}

/// Makes the fields of a marked page say that it is no longer the origin's, byte for byte, and that no browser keeps it.
pub(super) fn tell(fields: &mut HeaderMap) {
    for name in [ETAG, LAST_MODIFIED, ACCEPT_RANGES, CONTENT_ENCODING] {
        fields.remove(name);
    }
    for name in ["content-md5", "digest", "content-digest", "repr-digest"] {
        fields.remove(name);
    }
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

fn text(of: Moment) -> Bytes {
    let zone = TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC);
    let when =
        Timestamp::from_millisecond(of.unix_milliseconds()).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone);
    let month = usize::try_from(when.month()).ok().and_then(|month| MONTHS.get(month.checked_sub(1)?));
    let day = if when.day() == 1 { "1er".to_owned() } else { when.day().to_string() };
    Bytes::from(format!(
        "\n<p role=\"status\" lang=\"fr\" style=\"position:fixed;left:0;right:0;bottom:0;margin:0;padding:.5em 1em;\
         z-index:2147483647;background:#fff3c4;color:#222;border-top:2px solid #8a6d00;font:16px sans-serif\">Copie du \
         {day} {} {:02}:{:02}, la ligne est coup&eacute;e.</p>\n",
        month.unwrap_or(&""),
        when.hour(),
        when.minute(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(kind: &str, encoding: Option<&str>) -> Option<String> {
        let mut fields = HeaderMap::new();
        fields.insert(CONTENT_TYPE, kind.parse().unwrap());
        if let Some(encoding) = encoding {
            fields.insert(CONTENT_ENCODING, encoding.parse().unwrap());
        }
        let of = Moment::from_unix_seconds(1_773_308_520);
        mark(StatusCode::OK, &fields, of).map(|text| String::from_utf8(text.to_vec()).unwrap())
    }

    #[test]
    fn the_mark_says_of_when_the_copy_is_in_the_schools_time() {
        let text = marked("text/html; charset=UTF-8", None).unwrap();
        assert!(text.contains("Copie du 12 mars 10:42, la ligne est coup&eacute;e."), "{text}");
        assert!(text.is_ascii());
    }

    #[test]
    fn only_pages_whose_bytes_are_their_text_are_marked() {
        assert!(marked("text/html", None).is_some());
        assert!(marked("text/html; charset=utf-16", None).is_none());
        assert!(marked("text/html", Some("gzip")).is_some());
        assert!(marked("text/html", Some("gzip, br")).is_none());
        assert!(marked("text/html", Some("br")).is_none());
        assert!(marked("application/pdf", None).is_none());
    }
}
