//! Who is in the school: accounts of people, registered devices, and the one who asks.

use std::{fmt, str::FromStr, sync::Arc};

use super::Mac;

/// The stable identifier of a person's account, as the directory gives it. Never shown to others, never logged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// The identifier `id`, taken as it is.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(Arc::from(id))
    }

    /// The identifier as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a person is to the school. The words are those of the French directories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A pupil.
    Eleve,
    /// A teacher.
    Enseignant,
    /// Office staff.
    Administratif,
    /// The school's digital referent.
    Referent,
    /// A visitor with a voucher.
    Invite,
}

impl Role {
    /// Every role, in the order of documents and pages.
    pub const ALL: [Self; 5] =
        [Self::Eleve, Self::Enseignant, Self::Administratif, Self::Referent, Self::Invite];

    /// The word of configuration files and rules: `eleve`, `enseignant`, `administratif`, `referent`, `invite`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Eleve => "eleve",
            Self::Enseignant => "enseignant",
            Self::Administratif => "administratif",
            Self::Referent => "referent",
            Self::Invite => "invite",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.word() == text).ok_or_else(|| {
            format!("`{text}` is no role; the roles are {}", Self::ALL.map(Self::word).join(", "))
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A class or group by its name in the school, such as `6A`. Free text: spaces and accents occur.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClassName(Arc<str>);

impl ClassName {
    /// The class called `name`, spaces around it removed.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name.trim()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person as far as rules and pages need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The stable identifier.
    pub id: AccountId,
    /// The name shown to the person themselves.
    pub display_name: String,
    /// What the person is to the school.
    pub role: Role,
    /// Classes and groups the person belongs to or teaches.
    pub classes: Vec<ClassName>,
}

/// What kind of machine works without anybody signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceKind {
    /// An interactive whiteboard.
    Tableau,
    /// A printer.
    Imprimante,
    /// A computer that people share: whoever sits there signs in.
    Poste,
    /// Any other registered machine.
    Autre,
}

impl DeviceKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Tableau, Self::Imprimante, Self::Poste, Self::Autre];

    /// The word of configuration files and rules: `tableau`, `imprimante`, `poste`, `autre`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tableau => "tableau",
            Self::Imprimante => "imprimante",
            Self::Poste => "poste",
            Self::Autre => "autre",
        }
    }
}

impl FromStr for DeviceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.word() == text).ok_or_else(|| {
            format!("`{text}` is no kind of device; the kinds are {}", Self::ALL.map(Self::word).join(", "))
        })
    }
}

/// A room by its name in the school, such as `Salle 12`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomName(Arc<str>);

impl RoomName {
    /// The room called `name`, spaces around it removed.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name.trim()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A machine registered by the school: one that works without anybody signing in, or one that people share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its hardware address.
    pub mac: Mac,
    /// What the school calls it, such as `TBI salle 12`.
    pub name: String,
    /// What kind of machine it is.
    pub kind: DeviceKind,
    /// The room it stands in, where that is known.
    pub room: Option<RoomName>,
}

/// Who stands behind a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person who has signed in.
    Person(Arc<Account>),
    /// A registered machine.
    Device(Arc<Device>),
    /// Nobody we know.
    Nobody,
}

impl Subject {
    /// The account, when a person has signed in.
    #[must_use]
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Person(account) => Some(account),
            Self::Device(_) | Self::Nobody => None,
        }
    }
}
