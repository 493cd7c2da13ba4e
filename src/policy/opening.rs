//! What a teacher decides for some minutes: the web opened or closed for one pupil, a class or a room.

use std::sync::Arc;

use super::Effect;
use crate::model::{AccountId, ClassName, ClockTrust, Domain, Moment, Site, Subject, ZoneName};

/// A teacher's timed opening or closing.
///
/// An opening that allows opens names only: an address without a name stays closed (decision D3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// For whom.
    pub scope: Scope,
    /// Opening or closing.
    pub effect: Effect,
    /// The sites, each with everything below it; none means every site.
    pub sites: Option<Vec<Domain>>,
    /// Its first moment.
    pub from: Moment,
    /// The first moment after it.
    pub until: Moment,
    /// Whom it is for, as the teacher chose it, such as `classe 6A`.
    pub label: Arc<str>,
}

/// Whom an opening is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One person.
    Person(AccountId),
    /// Everybody of a class.
    Class(ClassName),
    /// Everybody in a zone.
    Zone(ZoneName),
}

impl Opening {
    /// Whether it runs at this moment.
    #[must_use]
    pub fn is_running(&self, at: Moment) -> bool {
        self.from <= at && at < self.until
    }

    /// Whether it counts at this moment. While the clock is in doubt, one that allows never does and one that blocks
    /// always does.
    pub(super) fn speaks_at(&self, at: Moment, clock: ClockTrust) -> bool {
        match clock {
            ClockTrust::Trusted => self.is_running(at),
            ClockTrust::Doubtful => self.effect == Effect::Block,
        }
    }

    /// Whether it is about this site.
    pub(super) fn is_about(&self, site: &Site) -> bool {
        match (site, &self.sites) {
            (Site::Name(name), Some(sites)) => sites.iter().any(|parent| name.is_within(parent)),
            (Site::Name(_), None) => true,
            (Site::Address(_), sites) => self.effect == Effect::Block && sites.is_none(),
        }
    }

    /// Whether it is for this subject.
    pub(super) fn is_for(&self, subject: &Subject, zone: &ZoneName) -> bool {
        match &self.scope {
            Scope::Person(id) => subject.account().is_some_and(|account| account.id == *id),
            Scope::Class(class) => subject.account().is_some_and(|account| account.classes.contains(class)),
            Scope::Zone(name) => name == zone,
        }
    }
}
