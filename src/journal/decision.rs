//! A decision as the record keeps it: what was asked for, by which way, what was answered and by which rule.

use std::sync::Arc;

use super::Pseudonym;
use crate::{
    model::{Moment, Site, ZoneName},
    policy::{Cause, Evasion, Level, ListedBy, Lock, Matched, MayOpen, Origin, Verdict},
};

/// How a question reached the box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A DNS question.
    Dns,
    /// A TLS connection, by its server name.
    Tls,
    /// An HTTP request, by its host.
    Http,
    /// A QUIC connection, by its server name.
    Quic,
}

/// What was decided, as the record keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Allowed, on this ground.
    Allowed(Ground),
    /// Refused, on this ground.
    Refused(Ground),
    /// Refused because nobody had signed in where the zone asks for it.
    SignInNeeded,
    /// Refused because an earlier step could not be written down.
    NotRecorded,
}

/// What a decision rests on. Who an opening was for is left out: it may name a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// A rule spoke.
    Rule {
        /// The rule's identifier in its file. The record keeps its first 255 bytes.
        id: Arc<str>,
        /// The level the rule belongs to.
        level: Level,
        /// Whether levels below could decide otherwise; nothing in records written before it was kept.
        lock: Option<Lock>,
        /// What in the rule matched.
        matching: Matching,
    },
    /// A teacher's timed opening or closing spoke.
    Opening,
    /// No rule spoke: the zone's default did.
    ZoneDefault,
    /// No rule was asked: it was a way round all of them.
    Evasion(Evasion),
    /// Nobody had signed in, and the site is needed to do so.
    Welcome,
}

/// What in a rule matched. The matched site itself is left out: it is a parent of the site asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matching {
    /// A name written in the rule.
    Site,
    /// An address or network written in the rule.
    Address,
    /// A page written in the rule. Which one is left out.
    Url,
    /// A category of the rule. The record keeps the first 255 bytes of each text.
    Category {
        /// The category's name.
        category: Arc<str>,
        /// The date of the list that holds the site.
        list_date: Arc<str>,
        /// What the list holds. Which page or expression is left out.
        by: ListedBy,
    },
    /// The rule is about every site.
    Everything,
}

/// One decision.
///
/// It holds no path, although the judge may have seen one: what somebody reads or searches for stands in paths, and
/// nobody has a right to that afterwards (decision D10). That a page decided is told by [`Matching::Url`], not which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// When.
    pub at: Moment,
    /// In which zone.
    pub zone: ZoneName,
    /// For whom.
    pub who: Pseudonym,
    /// By which way.
    pub channel: Channel,
    /// What was asked for.
    pub site: Site,
    /// What was answered.
    pub outcome: Outcome,
}

impl DecisionRecord {
    /// Who could open what was refused; nothing where it was allowed, or where the record does not say.
    #[must_use]
    pub fn may_open(&self) -> Option<MayOpen> {
        match &self.outcome {
            Outcome::Allowed(_) => None,
            Outcome::SignInNeeded => Some(MayOpen::SignIn),
            Outcome::NotRecorded => Some(MayOpen::Repair),
            Outcome::Refused(Ground::Opening) => Some(MayOpen::Teacher),
            Outcome::Refused(Ground::Evasion(_)) => Some(MayOpen::Nobody),
            Outcome::Refused(Ground::ZoneDefault | Ground::Welcome) => Some(MayOpen::of_default(&self.site)),
            Outcome::Refused(Ground::Rule { level, lock, .. }) => {
                lock.map(|lock| MayOpen::of_rule(*level, lock, &self.site))
            }
        }
    }
}

impl From<&Verdict> for Outcome {
    fn from(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Allow(permit) => Self::Allowed(Ground::from(permit.origin())),
            Verdict::Refuse(refusal) => match &refusal.cause {
                Cause::SignInNeeded => Self::SignInNeeded,
                Cause::Policy(origin) => Self::Refused(Ground::from(origin)),
                Cause::NotRecorded => Self::NotRecorded,
            },
        }
    }
}

impl From<&Origin> for Ground {
    fn from(origin: &Origin) -> Self {
        match origin {
            Origin::Rule { rule, matched } => {
                let matching = Matching::from(matched);
                Self::Rule { id: rule.id.clone(), level: rule.level, lock: Some(rule.lock), matching }
            }
            Origin::Opening { scope: _ } => Self::Opening,
            Origin::ZoneDefault => Self::ZoneDefault,
            Origin::Evasion(evasion) => Self::Evasion(*evasion),
            Origin::Welcome => Self::Welcome,
        }
    }
}

impl From<&Matched> for Matching {
    fn from(matched: &Matched) -> Self {
        match matched {
            Matched::Site(_) | Matched::Engine(_) => Self::Site,
            Matched::Address => Self::Address,
            Matched::Url(_) => Self::Url,
            Matched::Category { category, list_date, by } => {
                Self::Category { category: category.clone(), list_date: list_date.clone(), by: *by }
            }
            Matched::Everything => Self::Everything,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Refusal;

    #[test]
    fn a_refusal_is_recorded_with_its_ground_and_without_the_name_of_an_opening() {
        for (cause, outcome) in [
            (Cause::SignInNeeded, Outcome::SignInNeeded),
            (Cause::NotRecorded, Outcome::NotRecorded),
            (Cause::Policy(Origin::ZoneDefault), Outcome::Refused(Ground::ZoneDefault)),
            (
                Cause::Policy(Origin::Evasion(Evasion::DnsTunnel)),
                Outcome::Refused(Ground::Evasion(Evasion::DnsTunnel)),
            ),
            (
                Cause::Policy(Origin::Opening { scope: Arc::from("Camille Martin") }),
                Outcome::Refused(Ground::Opening),
            ),
        ] {
            let refusal = Refusal { site: "exemple.fr".parse().unwrap(), cause };
            assert_eq!(Outcome::from(&Verdict::Refuse(refusal)), outcome);
        }
    }
}
