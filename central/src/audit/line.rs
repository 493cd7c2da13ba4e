//! A line of the trail: as acts give it, as it is kept, and its digest.

use std::fmt;

use anyhow::{Context as _, bail};
use preau::model::{Moment, Uai};

use crate::{
    database::Row,
    words::{PersonId, Place},
};

/// What begins the digest of every line, so that it is never mistaken for another.
const DOMAIN: &str = "préau-central audit 1";

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// A person, with the name they had then.
    Person(PersonId, String),
    /// A school's box.
    School(Uai),
    /// Central by itself, such as a wave that halts.
    Central,
}

/// A line as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Counted from 1, without a gap.
    pub number: i64,
    /// When.
    pub at: Moment,
    /// Who.
    pub who: Who,
    /// What was done, in one word such as `publish`.
    pub act: String,
    /// Where; none where it concerns no place.
    pub place: Option<Place>,
    /// What people read.
    pub text: String,
}

/// The columns that [`Line::from_row`] reads, in its order.
pub(super) const COLUMNS: &str = "number, at, who, who_id, who_name, act, place, text";

/// How many those are.
pub(super) const COLUMNS_COUNT: usize = 8;

impl Who {
    /// What is kept of it: the kind, a number or a code, a name; empty where there is none.
    pub(super) fn kept(&self) -> (&'static str, String, &str) {
        match self {
            Self::Person(PersonId(id), name) => ("person", id.to_string(), name),
            Self::School(uai) => ("school", uai.as_str().to_owned(), ""),
            Self::Central => ("central", String::new(), ""),
        }
    }

    fn read(kind: &str, id: &str, name: &str) -> anyhow::Result<Self> {
        Ok(match kind {
            "person" => {
                Self::Person(PersonId(id.parse().context("a person's number is malformed")?), name.to_owned())
            }
            "school" => Self::School(Uai::new(id).context("a school's code is malformed")?),
            "central" => Self::Central,
            _ => bail!("a line of the audit trail is by nobody known"),
        })
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(_, name) => f.write_str(name),
            Self::School(uai) => f.write_str(uai.as_str()),
            Self::Central => f.write_str("central"),
        }
    }
}

impl Line {
    pub(super) fn from_row(row: &Row) -> anyhow::Result<Self> {
        let place = row.text_or_nothing(6)?;
        Ok(Self {
            number: row.integer(0)?,
            at: Moment::from_unix_milliseconds(row.integer(1)?),
            who: Who::read(row.text(2)?, row.text(3)?, row.text(4)?)?,
            act: row.text(5)?.to_owned(),
            place: place.map(|text| Place::read(text).context("a place is malformed")).transpose()?,
            text: row.text(7)?.to_owned(),
        })
    }

    /// The digest of this line after the one with the digest `before`: BLAKE3 over a word of its own, `before`, and each
    /// field as its length (64 bits, big end first) and its bytes. Numbers are 64 bits, big end first; a place that is not
    /// there has no bytes, as no place has.
    pub(super) fn digest(&self, before: &[u8; 32]) -> [u8; 32] {
        let Self { number, at, who, act, place, text } = self;
        let (kind, id, name) = who.kept();
        let place = place.as_ref().map(ToString::to_string).unwrap_or_default();
        let fields: [&[u8]; 10] = [
            DOMAIN.as_bytes(),
            before,
            &number.to_be_bytes(),
            &at.unix_milliseconds().to_be_bytes(),
            kind.as_bytes(),
            id.as_bytes(),
            name.as_bytes(),
            act.as_bytes(),
            place.as_bytes(),
            text.as_bytes(),
        ];
        let mut hasher = blake3::Hasher::new();
        for field in fields {
            let length = u64::try_from(field.len()).expect("no machine has longer texts than 64 bits count");
            hasher.update(&length.to_be_bytes()).update(field);
        }
        *hasher.finalize().as_bytes()
    }
}
