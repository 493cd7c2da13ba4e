//! What a decision rests on, as far as counts tell it.

use std::{fmt, sync::Arc};

use crate::{
    policy::{Cause, Evasion, Level, Matched, Origin, Verdict},
    protocol::counts::GROUND_BYTES_MAX,
};

/// What a decision rests on. Rules below the département are told by their level alone: a school may name one after a pupil.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ground {
    /// A category of the lists.
    Category(Arc<str>),
    /// A rule of the académie or the département that names the site.
    Rule(Level, Arc<str>),
    /// A rule of the school, a class or a room that names the site.
    SchoolRule(Level),
    /// A teacher's timed opening or closing.
    Opening,
    /// The zone's default.
    Default,
    /// A way round the filter.
    Evasion(Evasion),
    /// What signing in needs.
    Welcome,
    /// Nobody had signed in.
    SignIn,
    /// The journal could not take it.
    NotRecorded,
}

impl Ground {
    /// The ground of `verdict`, and whether it allows.
    pub(super) fn of(verdict: &Verdict) -> (Self, bool) {
        match verdict {
            Verdict::Allow(permit) => (Self::of_origin(permit.origin()), true),
            Verdict::Refuse(refusal) => {
                let ground = match &refusal.cause {
                    Cause::SignInNeeded => Self::SignIn,
                    Cause::Policy(origin) => Self::of_origin(origin),
                    Cause::NotRecorded => Self::NotRecorded,
                };
                (ground, false)
            }
        }
    }

    fn of_origin(origin: &Origin) -> Self {
        match origin {
            Origin::Rule { matched: Matched::Category { category, .. }, .. } => {
                Self::Category(category.clone())
            }
            Origin::Rule { rule, .. } => match rule.level {
                level @ (Level::Academie | Level::Departement) => Self::Rule(level, rule.id.clone()),
                level @ (Level::Etablissement | Level::Groupe | Level::Opening) => Self::SchoolRule(level),
            },
            Origin::Opening { scope: _ } => Self::Opening,
            Origin::ZoneDefault => Self::Default,
            Origin::Evasion(evasion) => Self::Evasion(*evasion),
            Origin::Welcome => Self::Welcome,
        }
    }

    /// Its word on the wire, cut to what fits there.
    pub(super) fn word(&self) -> String {
        let mut word = self.to_string();
        word.retain(|one| !one.is_control());
        word.truncate(word.floor_char_boundary(GROUND_BYTES_MAX));
        word
    }
}

impl fmt::Display for Ground {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Category(name) => write!(f, "category:{name}"),
            Self::Rule(level, id) => write!(f, "rule:{}/{id}", level.word()),
            Self::SchoolRule(level) => write!(f, "rule:{}", level.word()),
            Self::Opening => f.write_str("opening"),
            Self::Default => f.write_str("default"),
            Self::Evasion(Evasion::DnsTunnel) => f.write_str("evasion:dns-tunnel"),
            Self::Evasion(Evasion::HiddenName) => f.write_str("evasion:hidden-name"),
            Self::Evasion(Evasion::Relay) => f.write_str("evasion:relay"),
            Self::Welcome => f.write_str("welcome"),
            Self::SignIn => f.write_str("sign-in"),
            Self::NotRecorded => f.write_str("not-recorded"),
        }
    }
}
