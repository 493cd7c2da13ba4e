//! The tables of contents in the channel: one target a role, which says what of the others belongs together.
//!
//! A box takes what an index names whole or not at all.

use serde::{Deserialize, Serialize};

/// The version of these forms.
pub const VERSION: u32 = 1;

/// What a school is held to, `schools/<UAI>/policy.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// [`VERSION`].
    pub version: u32,
    /// The school, once more: what is not for us is refused.
    pub school: String,
    /// Counts up with every change for this school.
    pub number: u64,
    /// Rules files (version 1 of the format), from the most general to the most specific, in the order they are judged.
    pub documents: Vec<Document>,
    /// The school calendar (CSV of the open data's form), where it is another than the one built in.
    #[serde(default)]
    pub calendar: Option<String>,
}

/// One rules file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Its target.
    pub target: String,
    /// What it is called in the console, such as `academie` or `etablissement/0809999Z`.
    pub place: String,
    /// Its version there.
    pub version: u64,
}

/// The deliveries of accounts, `schools/<UAI>/accounts.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accounts {
    /// [`VERSION`].
    pub version: u32,
    /// The school, once more.
    pub school: String,
    /// In the order they are taken: a complete one first, then changes to it.
    pub deliveries: Vec<Delivery>,
}

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// Its target.
    pub target: String,
    /// Counts up; never given twice.
    pub sequence: u64,
    /// Whether it is all persons or changes to the delivery before.
    pub complete: bool,
    /// The first day it may take effect, such as `2026-12-19`; at the calendar's word where there is none.
    #[serde(default)]
    pub from: Option<String>,
    /// The box it is sealed to: the fingerprint of its key, see [`super::enrolment::Keys`].
    pub sealed_to: String,
}

/// The lists of sites, `lists/index.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lists {
    /// [`VERSION`].
    pub version: u32,
    /// The edition to be in force.
    pub edition: Edition,
    /// Ways to it that are shorter than the whole, each from an earlier edition to a later one.
    pub differences: Vec<Difference>,
}

/// One edition of the lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// Counts up.
    pub number: u64,
    /// The day the newest of its lists was last changed, such as `2026-11-20`.
    pub date: String,
    /// BLAKE3 of its content before compression, in hexadecimal: what every way to it must come to.
    pub digest: String,
    /// The target with the whole of it.
    pub target: String,
}

/// The way from one edition to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// The edition it begins at.
    pub from: u64,
    /// The one it leads to.
    pub to: u64,
    /// BLAKE3 of what it comes to, in hexadecimal.
    pub digest: String,
    /// The target with it.
    pub target: String,
}
