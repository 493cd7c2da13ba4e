//! What a delivery is made of, in the order it is met: schools, persons, changes, leavings, and what could not be taken.

use std::{fmt, str::FromStr};

use jiff::civil::Date;

use super::{Note, Refused, change::PersonChange};
use crate::model::{AccountId, Person, Uai};

/// A format that directories of schools come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// The Annuaire académique fédérateur, second degree.
    Aaf,
    /// The Annuaire académique fédérateur, first degree.
    Aaf1d,
    /// The minimal export made for equipment inside the school.
    Gpei,
    /// The export of ONDE (formerly BE1D) of a primary school, as CSV.
    Onde,
    /// Any other CSV, with a description of its columns.
    Csv,
}

impl Format {
    /// Every format, in the order of documents.
    pub const ALL: [Self; 5] = [Self::Aaf, Self::Aaf1d, Self::Gpei, Self::Onde, Self::Csv];

    /// The word of command lines: `aaf`, `aaf-1d`, `gpei`, `onde`, `csv`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Aaf => "aaf",
            Self::Aaf1d => "aaf-1d",
            Self::Gpei => "gpei",
            Self::Onde => "onde",
            Self::Csv => "csv",
        }
    }

    /// The word for where it comes from: `annuaire` for all that names people by the académie's identifiers. Deliveries of
    /// one origin follow each other.
    #[must_use]
    pub const fn origin(self) -> &'static str {
        match self {
            Self::Aaf | Self::Aaf1d | Self::Gpei => "annuaire",
            Self::Onde => "onde",
            Self::Csv => "csv",
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|format| format.word() == text).ok_or_else(|| {
            format!("`{text}` is no format; the formats are {}", Self::ALL.map(Self::word).join(", "))
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How much of the school a delivery speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Extent {
    /// Everybody: who is not in it has left.
    Complete,
    /// What changed since the delivery before.
    Delta,
}

impl Extent {
    /// The word of file names: `Complet`, `Delta`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Complete => "Complet",
            Self::Delta => "Delta",
        }
    }
}

/// What a delivery says of itself before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its format.
    pub format: Format,
    /// Whether it speaks of everybody.
    pub extent: Extent,
    /// The day it was made, from the names of its files or from their heads; none where neither says it.
    pub date: Option<Date>,
    /// The names of its files, for people.
    pub source: String,
}

/// One thing of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A school, before the persons who belong to it.
    School(SchoolRecord),
    /// A person as a whole: to be added, or to replace what was known of them.
    Person(Box<PersonRecord>),
    /// What changed about a person.
    Change(Box<PersonChange>),
    /// This person has left. The identifier is all a delivery says of them.
    Leaves(AccountId),
    /// A record that cannot be taken.
    Refused(Refused),
    /// Something that was left out or read with good will; never a failure.
    Note(Note),
}

/// A school of the delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchoolRecord {
    /// What the delivery's persons name it by (`ENTStructureJointure`).
    pub key: String,
    /// Its code in the national register.
    pub uai: Uai,
    /// Its name in use; empty where the delivery gives none.
    pub name: String,
}

/// A person of the delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonRecord {
    /// Who they are. Schools whose key the delivery does not explain are left out, with a note; at least one is there.
    pub person: Person,
    /// The hash of their password as the delivery gives it, not looked at. Generic CSV only.
    pub password: Option<String>,
    /// The day they left the school, where the delivery says so: from that day they do not belong there.
    pub has_left: Option<Date>,
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Schools.
    pub schools: u64,
    /// Whole persons.
    pub persons: u64,
    /// Changes of persons.
    pub changes: u64,
    /// Persons who leave.
    pub leaving: u64,
    /// Records refused.
    pub refused: u64,
    /// Notes.
    pub notes: u64,
    /// Whether a file broke off or could not be read to its end. A complete delivery that is cut makes nobody leave.
    pub cut: bool,
}
