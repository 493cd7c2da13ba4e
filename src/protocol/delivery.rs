//! A delivery of accounts: persons of one school, as central gives them to its box.
//!
//! JSON, one value a line, then compressed (zstd), then [sealed](super::sealing) to the box:
//!
//! ```text
//! {"version":1,"school":"0809999Z","sequence":7,"base":6,"format":"aaf","made":"2026-11-20","from":null,"released":false}
//! {"person":{"id":"P1","family_name":"EXEMPLE","given_name":"Ada","role":"eleve","classes":["6A"]}}
//! {"leaves":"P2"}
//! ```
//!
//! A person is whole and replaces what was known of them; only their place in this one school is told.

use std::io::{BufRead as _, Read as _, Write as _};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version of this form.
pub const VERSION: u32 = 1;

/// The most a delivery may hold before compression, in bytes: some fifty thousand persons.
pub const BYTES_MAX: u64 = 16 << 20;

/// How hard zstd tries: deliveries are small and made seldom.
const LEVEL: i32 = 9;

/// What a delivery says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`VERSION`].
    pub version: u32,
    /// The school.
    pub school: String,
    /// Its number at the school; counts up, never given twice.
    pub sequence: u64,
    /// The delivery that this one is a change to; none where it names everybody of its source.
    pub base: Option<u64>,
    /// The format of the feed it was made of, such as `aaf`.
    pub format: String,
    /// The day the feed was made, such as `2026-11-20`, where the feed says it.
    pub made: Option<String>,
    /// The first day it may take effect; at the calendar's word where there is none.
    pub from: Option<String>,
    /// Whether somebody at central said that so many are meant to leave: the box then asks nobody again.
    pub released: bool,
}

/// One line after the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Line {
    /// Somebody of the school.
    Person(Box<Person>),
    /// Who is not of the school any more.
    Leaves(String),
}

/// Somebody of the school.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The stable identifier.
    pub id: String,
    /// What they type to sign in, where the feed says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// Name in use.
    pub family_name: String,
    /// First name in use.
    pub given_name: String,
    /// The day of birth, where the feed says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    /// The word of their role, such as `eleve`.
    pub role: String,
    /// Divisions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Teaching groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The hash of their password, where the feed has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The day they left, where the feed says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_left: Option<String>,
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// What it says of itself.
    pub header: Header,
    /// What it says of persons.
    pub lines: Vec<Line>,
}

/// Why a delivery cannot be made or taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DeliveryError {
    /// It holds more than [`BYTES_MAX`].
    #[error("the delivery is longer than any school's")]
    TooLong,
    /// It is not of this form, or of another version.
    #[error("the delivery cannot be read: {0}")]
    Unreadable(String),
    /// It was not sealed to this key, for this school and number; or a byte of it is another.
    #[error("the delivery cannot be opened: it was sealed to another box, or is damaged")]
    NotOurs,
    /// The key is none.
    #[error("the key that deliveries are sealed to is malformed")]
    Key,
}

impl Line {
    /// The line as text, without its end.
    ///
    /// # Errors
    /// Never with what this program makes; the form of errors is that of writing.
    pub fn text(&self) -> Result<String, DeliveryError> {
        serde_json::to_string(self).map_err(unreadable)
    }
}

/// Writes and compresses a delivery whose lines are already [text](Line::text).
///
/// # Errors
/// When it is too long.
pub fn write<'a>(
    header: &Header,
    lines: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<u8>, DeliveryError> {
    let mut room = BYTES_MAX;
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL).map_err(unreadable)?;
    let mut put = |text: &str| {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX).saturating_add(1);
        room = room.checked_sub(length).ok_or(DeliveryError::TooLong)?;
        writeln!(encoder, "{text}").map_err(unreadable)
    };
    put(&serde_json::to_string(header).map_err(unreadable)?)?;
    lines.into_iter().try_for_each(put)?;
    encoder.finish().map_err(unreadable)
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// When it is too long, or not of this form.
pub fn read(bytes: &[u8]) -> Result<Delivery, DeliveryError> {
    let decoder = zstd::Decoder::new(bytes).map_err(unreadable)?;
    let mut text = std::io::BufReader::new(decoder.take(BYTES_MAX + 1));
    let (mut line, mut length) = (String::new(), 0_usize);
    let mut header: Option<Header> = None;
    let mut lines = Vec::new();
    loop {
        line.clear();
        match text.read_line(&mut line).map_err(unreadable)? {
            0 => break,
            more => length += more,
        }
        if u64::try_from(length).is_ok_and(|length| length > BYTES_MAX) {
            return Err(DeliveryError::TooLong);
        }
        if header.is_some() {
            lines.push(serde_json::from_str(&line).map_err(unreadable)?);
            continue;
        }
        let first: Header = serde_json::from_str(&line).map_err(unreadable)?;
        if first.version != VERSION {
            return Err(DeliveryError::Unreadable(format!("version {} is not known", first.version)));
        }
        header = Some(first);
    }
    let header = header.ok_or_else(|| DeliveryError::Unreadable("it is empty".to_owned()))?;
    Ok(Delivery { header, lines })
}

fn unreadable(error: impl std::fmt::Display) -> DeliveryError {
    DeliveryError::Unreadable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            version: VERSION,
            school: "0809999Z".to_owned(),
            sequence: 7,
            base: Some(6),
            format: "aaf".to_owned(),
            made: None,
            from: None,
            released: false,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let leaves = Line::Leaves("P2".to_owned());
        let bytes = write(&header(), [leaves.text().unwrap().as_str()]).unwrap();
        assert_eq!(read(&bytes).unwrap(), Delivery { header: header(), lines: vec![leaves] });
    }

    #[test]
    fn another_version_an_unknown_line_and_what_is_cut_are_refused() {
        let later = Header { version: 2, ..header() };
        assert!(read(&write(&later, []).unwrap()).is_err());
        assert!(read(&write(&header(), [r#"{"parent":"P9"}"#]).unwrap()).is_err());
        let whole = write(&header(), []).unwrap();
        assert!(read(&whole[..whole.len() - 4]).is_err());
        assert!(read(b"").is_err());
    }

    #[test]
    fn a_delivery_that_unpacks_without_end_is_refused() {
        let line = format!("{}\n", " ".repeat(1 << 20));
        let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL).unwrap();
        writeln!(encoder, "{}", serde_json::to_string(&header()).unwrap()).unwrap();
        write!(encoder, r#"{{"leaves":"P1"}}"#).unwrap();
        for _ in 0..20 {
            encoder.write_all(line.trim_end_matches('\n').as_bytes()).unwrap();
        }
        assert_eq!(read(&encoder.finish().unwrap()), Err(DeliveryError::TooLong));
        let long = " ".repeat(9 << 20);
        assert_eq!(write(&header(), [long.as_str(), long.as_str()]), Err(DeliveryError::TooLong));
    }
}
