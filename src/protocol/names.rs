//! Names in the repository.
//!
//! ```text
//! metadata/<UAI>/timestamp.json            the school's view: small, and its own
//! metadata/<UAI>/N.snapshot.json  N.root.json  N.targets.json  N.<role>.json
//! targets/<directory>/<sha256>.<name>      what the views name, kept once however many name it
//! ```
//!
//! Every view has the same root of trust. The view of another school is told by what it lacks: the index of ours.

use crate::model::Uai;

/// The delegated roles: each with keys of its own, for the names below its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Rules, timetables, the school calendar.
    Policy,
    /// Lists of sites by category.
    Lists,
    /// Packages of the library.
    Content,
    /// Persons of one school, sealed to its box.
    Accounts,
    /// Images of the box's system.
    System,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Policy, Self::Lists, Self::Content, Self::Accounts, Self::System];

    /// Its name in the metadata.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Lists => "lists",
            Self::Content => "content",
            Self::Accounts => "accounts",
            Self::System => "system",
        }
    }

    /// The patterns of target names it is trusted for (TUF specification 4.5: `*` stands within one path part).
    #[must_use]
    pub const fn patterns(self) -> &'static [&'static str] {
        match self {
            Self::Policy => &["policy/*", "schools/*/policy.json"],
            Self::Lists => &["lists/*"],
            Self::Content => &["content/*"],
            Self::Accounts => &["schools/*/accounts.json", "schools/*/accounts/*"],
            Self::System => &["system/*"],
        }
    }
}

/// The directory of a school's metadata, below the repository.
#[must_use]
pub fn metadata_dir(school: &Uai) -> String {
    format!("metadata/{}", school.as_str())
}

/// The directory of all targets, below the repository.
pub const TARGETS_DIR: &str = "targets";

/// The target with a school's [`index::Policy`](super::index::Policy).
#[must_use]
pub fn policy_index(school: &Uai) -> String {
    format!("schools/{}/policy.json", school.as_str())
}

/// The target with a school's [`index::Accounts`](super::index::Accounts).
#[must_use]
pub fn accounts_index(school: &Uai) -> String {
    format!("schools/{}/accounts.json", school.as_str())
}

/// The target with a sealed delivery of accounts.
#[must_use]
pub fn accounts_delivery(school: &Uai, sequence: u64) -> String {
    format!("schools/{}/accounts/{sequence:08}.sealed", school.as_str())
}

/// The target with the [`index::Lists`](super::index::Lists).
pub const LISTS_INDEX: &str = "lists/index.json";
