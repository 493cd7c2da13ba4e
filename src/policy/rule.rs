//! One rule of a level: what it does, to which sites, for whom, and when.

use std::{fmt, net::IpAddr, str::FromStr, sync::Arc};

use ipnet::IpNet;

use super::timetable::{LocalMinute, Timetable};
use crate::model::{ClassName, ClockTrust, DeviceKind, Domain, Mac, Role, Subject, UrlPath, ZoneName};

/// Who a rule comes from, the most general first (decision D7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The académie.
    Academie,
    /// The département.
    Departement,
    /// The school.
    Etablissement,
    /// A class, group or room.
    Groupe,
    /// A teacher's timed opening.
    Opening,
}

impl Level {
    /// The levels a rules file can have, the most general first.
    pub const OF_FILES: [Self; 4] = [Self::Academie, Self::Departement, Self::Etablissement, Self::Groupe];

    /// The word of rules files: `academie`, `departement`, `etablissement`, `groupe`; `opening` for the last.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Academie => "academie",
            Self::Departement => "departement",
            Self::Etablissement => "etablissement",
            Self::Groupe => "groupe",
            Self::Opening => "opening",
        }
    }

    /// Who decided, in French, with its article: `l'académie`.
    #[must_use]
    pub const fn decided_by_fr(self) -> &'static str {
        match self {
            Self::Academie => "l'académie",
            Self::Departement => "le département",
            Self::Etablissement => "l'établissement",
            Self::Groupe => "la classe ou le groupe",
            Self::Opening => "l'enseignant",
        }
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::OF_FILES.into_iter().find(|level| level.word() == text).ok_or_else(|| {
            format!("`{text}` is no level; the levels are {}", Self::OF_FILES.map(Self::word).join(", "))
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The site may be reached.
    Allow,
    /// It may not.
    Block,
}

impl FromStr for Effect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "allow" => Ok(Self::Allow),
            "block" => Ok(Self::Block),
            _ => Err(format!("`{text}` is no effect; write `allow` or `block`")),
        }
    }
}

/// Whether lower levels and openings may decide otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Nothing below can undo the rule.
    Locked,
    /// A more specific level or an opening can.
    Open,
}

/// One rule, checked.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Unique in its level.
    pub id: Arc<str>,
    /// The level of the file it stands in.
    pub level: Level,
    /// The name the file gives itself, such as `Académie d'Exemple`.
    pub file_name: Arc<str>,
    /// The line of the file where its id stands, counted from 1.
    pub line: usize,
    /// What it does.
    pub effect: Effect,
    /// Whether it can be undone below.
    pub lock: Lock,
    /// The sites it is about.
    pub sites: Sites,
    /// Whom it is about.
    pub people: People,
    /// When it speaks.
    pub when: When,
    /// The sentence people are shown, in French. A blocking rule always has one.
    pub reason: Option<Arc<str>>,
}

/// A place in the order of levels and locks; the least is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tier {
    is_open: bool,
    level: u8,
    file: u32,
}

impl Tier {
    /// Whether the rules there are asked before openings are.
    pub(super) const fn is_locked(self) -> bool {
        !self.is_open
    }
}

impl Rule {
    /// The rule's place in the order of levels and locks (decision D7), where it stands in the file with the number `file`
    /// from the most general on. The least is asked first. Openings stand between the two halves.
    ///
    /// Of two files of one level the later is the more specific, such as a group's behind the département's: its open
    /// rules are asked first, its locked ones last.
    pub(super) fn tier(&self, file: u32) -> Tier {
        let level = match self.level {
            Level::Academie => 0,
            Level::Departement => 1,
            Level::Etablissement => 2,
            Level::Groupe | Level::Opening => 3,
        };
        match self.lock {
            Lock::Locked => Tier { is_open: false, level, file },
            Lock::Open => Tier { is_open: true, level: u8::MAX - level, file: u32::MAX - file },
        }
    }

    /// Whether the rule speaks at `at`, in Paris. While the clock is in doubt, one with a timetable falls to its
    /// stricter side: a blocking one speaks at any hour, an allowing one never does.
    pub(super) fn speaks_at(&self, clock: ClockTrust, minute: impl FnOnce() -> LocalMinute) -> bool {
        match (&self.when, clock) {
            (When::Always, _) => true,
            (_, ClockTrust::Doubtful) => self.effect == Effect::Block,
            (when, ClockTrust::Trusted) => when.holds(minute()),
        }
    }
}

/// Which sites a rule is about.
#[derive(Clone, Debug)]
pub enum Sites {
    /// Every site.
    Everything,
    /// These; at least one pattern or category.
    Listed {
        /// Sites written in the rule.
        patterns: Vec<SitePattern>,
        /// Names of categories.
        categories: Vec<Arc<str>>,
    },
    /// Search engines without a safe form, for those upon whom the search rule that it belongs to forces safe search.
    EnginesWithoutSafeForm,
}

/// A site as a rule writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SitePattern {
    /// A name and everything below it.
    Name(Domain),
    /// A network, or one address as a network of its own; host bits are zero.
    Network(IpNet),
    /// A page and everything below it. It is seen in plain HTTP only, and says nothing anywhere else.
    Url(UrlPattern),
}

/// A page and everything below it, at a host and at everything below that, such as `exemple.fr/jeux`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UrlPattern {
    /// The host, with everything below it.
    pub host: Domain,
    /// The path, with everything below it; never the root alone, and at most [`UrlPath::SEGMENTS_MAX`] segments.
    pub path: UrlPath,
}

impl SitePattern {
    /// Whether `name` is the pattern's name or lies below it.
    #[must_use]
    pub fn holds_name(&self, name: &Domain) -> bool {
        matches!(self, Self::Name(parent) if name.is_within(parent))
    }

    /// Whether `address` lies in the pattern's network.
    #[must_use]
    pub fn holds_address(&self, address: IpAddr) -> bool {
        matches!(self, Self::Network(network) if network.contains(&address))
    }
}

impl fmt::Display for SitePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Network(network) => network.fmt(f),
            Self::Url(pattern) => pattern.fmt(f),
        }
    }
}

impl fmt::Display for UrlPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.host, self.path)
    }
}

/// Whom a rule is about. An empty list asks nothing; between lists all must hold.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// A signed-in person of one of these roles.
    pub roles: Vec<Role>,
    /// A signed-in person of one of these classes.
    pub classes: Vec<ClassName>,
    /// A registered machine of one of these kinds.
    pub devices: Vec<DeviceKind>,
    /// A question from one of these machines, whoever sits at it.
    pub machines: Vec<Mac>,
    /// A question from one of these zones.
    pub zones: Vec<ZoneName>,
}

/// Why a rule is not about the one who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// Another role, or nobody signed in.
    Role,
    /// None of the rule's classes.
    Class,
    /// No registered machine of the rule's kinds.
    Device,
    /// Another machine.
    Machine,
    /// Another zone.
    Zone,
}

impl People {
    /// Whether the rule is about `subject` at `machine` in `zone`.
    ///
    /// # Errors
    /// The first condition that does not hold.
    pub fn hold(&self, subject: &Subject, machine: Option<Mac>, zone: &ZoneName) -> Result<(), Stranger> {
        let account = subject.account();
        let is_one_of = |role| self.roles.contains(&role);
        if !self.roles.is_empty() && !account.is_some_and(|account| is_one_of(account.role)) {
            return Err(Stranger::Role);
        }
        let in_class = |class: &ClassName| self.classes.contains(class);
        if !self.classes.is_empty() && !account.is_some_and(|account| account.classes.iter().any(in_class)) {
            return Err(Stranger::Class);
        }
        let device = match subject {
            Subject::Device(device) => Some(device),
            Subject::Person(_) | Subject::Nobody => None,
        };
        if !self.devices.is_empty() && !device.is_some_and(|device| self.devices.contains(&device.kind)) {
            return Err(Stranger::Device);
        }
        let machine = machine.or(device.map(|device| device.mac));
        if !self.machines.is_empty() && !machine.is_some_and(|mac| self.machines.contains(&mac)) {
            return Err(Stranger::Machine);
        }
        if !self.zones.is_empty() && !self.zones.contains(zone) {
            return Err(Stranger::Zone);
        }
        Ok(())
    }
}

/// When a rule speaks.
#[derive(Clone, Debug)]
pub enum When {
    /// Always.
    Always,
    /// While the timetable is open.
    During(Arc<Timetable>),
    /// While it is not.
    Outside(Arc<Timetable>),
}

impl When {
    /// Whether the rule speaks at this minute.
    #[must_use]
    pub fn holds(&self, at: LocalMinute) -> bool {
        match self {
            Self::Always => true,
            Self::During(timetable) => timetable.is_open(at),
            Self::Outside(timetable) => !timetable.is_open(at),
        }
    }

    /// The timetable it depends on.
    #[must_use]
    pub fn timetable(&self) -> Option<&Arc<Timetable>> {
        match self {
            Self::Always => None,
            Self::During(timetable) | Self::Outside(timetable) => Some(timetable),
        }
    }
}

/// For technicians: ``rule `jeux` (locked, academie, `Académie d'Exemple` line 10)``.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, level, file_name, line, lock, .. } = self;
        let lock = if *lock == Lock::Locked { "locked, " } else { "" };
        write!(f, "rule `{id}` ({lock}{level}, `{file_name}` line {line})")
    }
}
