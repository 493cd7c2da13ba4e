//! Who may open what is refused: the same answer on the block page, in `preau explain` and from the record.

use std::fmt;

use super::{Cause, Level, Lock, Origin, Refusal};
use crate::model::Site;

/// Who may open what is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MayOpen {
    /// Whoever asks, by signing in; rules then decide.
    SignIn,
    /// This level, or one above it by a locked rule. Nobody below, and no teacher: the rule is locked.
    Locked(Level),
    /// This level and every one below it. None: every level, for no rule closes it.
    FromLevel {
        /// The level of the rule that refuses.
        level: Option<Level>,
        /// Whether a teacher may as well, for some minutes. A teacher opens names, never bare addresses.
        teacher: bool,
    },
    /// The teacher who closed it for some minutes, or another one.
    Teacher,
    /// Nobody, until the record can be written again.
    Repair,
    /// Nobody: it is a way round the filter, and the box itself closes it.
    Nobody,
}

impl MayOpen {
    /// Who may open what a rule of `level` refuses.
    #[must_use]
    pub fn of_rule(level: Level, lock: Lock, site: &Site) -> Self {
        match lock {
            Lock::Locked => Self::Locked(level),
            Lock::Open => Self::FromLevel { level: Some(level), teacher: matches!(site, Site::Name(_)) },
        }
    }

    /// Who may open what no rule opens.
    #[must_use]
    pub fn of_default(site: &Site) -> Self {
        Self::FromLevel { level: None, teacher: matches!(site, Site::Name(_)) }
    }
}

impl Refusal {
    /// Who may open it.
    #[must_use]
    pub fn may_open(&self) -> MayOpen {
        match &self.cause {
            Cause::SignInNeeded => MayOpen::SignIn,
            Cause::NotRecorded => MayOpen::Repair,
            Cause::Policy(Origin::Rule { rule, .. }) => MayOpen::of_rule(rule.level, rule.lock, &self.site),
            Cause::Policy(Origin::Opening { .. }) => MayOpen::Teacher,
            Cause::Policy(Origin::Evasion(_)) => MayOpen::Nobody,
            Cause::Policy(Origin::ZoneDefault | Origin::Welcome) => MayOpen::of_default(&self.site),
        }
    }
}

/// For technicians.
impl fmt::Display for MayOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn => f.write_str("whoever signs in, if the rules allow it"),
            Self::Locked(level) => write!(f, "{level} and nobody below it, for the rule is locked"),
            Self::FromLevel { level, teacher } => {
                match level {
                    Some(Level::Groupe | Level::Opening) => f.write_str("groupe")?,
                    Some(level) => write!(f, "{level} and every level below it")?,
                    None => f.write_str("every level")?,
                }
                f.write_str(if *teacher { ", a teacher for some minutes" } else { "" })
            }
            Self::Teacher => f.write_str("a teacher"),
            Self::Repair => f.write_str("nobody, until the journal can be written"),
            Self::Nobody => f.write_str("nobody: it is a way round the filter"),
        }
    }
}
