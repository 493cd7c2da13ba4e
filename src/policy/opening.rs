//! What a teacher decides for some minutes: the web opened or closed for one pupil, a class or a room, or an exam.

use std::{collections::BTreeSet, sync::Arc};

use super::{Effect, Question};
use crate::model::{AccountId, ClassName, ClockTrust, Domain, Mac, Moment, Role, Site, Subject, ZoneName};

/// A teacher's timed decision.
///
/// One that opens opens names only: an address without a name stays closed (decision D3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// For whom.
    pub scope: Scope,
    /// What it does.
    pub mode: Mode,
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
    /// Everybody whose account names a class: its pupils; of its teachers only what opens is meant.
    Class(ClassName),
    /// Everybody in a zone.
    Zone(ZoneName),
    /// Whoever uses one of these machines: a room. Of the staff only what opens is meant.
    Machines(Arc<BTreeSet<Mac>>),
}

/// What an opening does. Each name stands for itself and everything below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Opens these names; none means every name.
    Open(Option<Vec<Domain>>),
    /// Closes these names; none means every site.
    Close(Option<Vec<Domain>>),
    /// Opens these names and closes everything else, whatever was decided beside it: an exam.
    Exam(Vec<Domain>),
}

impl Opening {
    /// Whether it runs at this moment.
    #[must_use]
    pub fn is_running(&self, at: Moment) -> bool {
        self.from <= at && at < self.until
    }

    /// What it says to this question; none where it says nothing.
    ///
    /// While the clock is in doubt, what allows says nothing and what closes always speaks.
    pub(super) fn answer(&self, question: &Question<'_>) -> Option<Effect> {
        let effect = self.mode.effect_on(question.site).filter(|_| self.is_for(question))?;
        let speaks = match question.clock {
            ClockTrust::Trusted => self.is_running(question.at),
            ClockTrust::Doubtful => effect == Effect::Block,
        };
        speaks.then_some(effect)
    }

    /// Which of two that speak is heard: an exam first, then the one that began last.
    pub(super) fn rank(&self) -> (bool, Moment) {
        (matches!(self.mode, Mode::Exam(_)), self.from)
    }

    /// A class and a room are closed to those who learn there: whoever teaches works on, and sees what they opened.
    fn is_for(&self, question: &Question<'_>) -> bool {
        let account = question.subject.account();
        let is_meant = || matches!(self.mode, Mode::Open(_)) || !is_staff(question.subject);
        match &self.scope {
            Scope::Person(id) => account.is_some_and(|account| account.id == *id),
            Scope::Class(class) => {
                account.is_some_and(|account| account.classes.contains(class)) && is_meant()
            }
            Scope::Zone(name) => *name == question.zone.name,
            Scope::Machines(machines) => {
                question.machine.is_some_and(|mac| machines.contains(&mac)) && is_meant()
            }
        }
    }
}

impl Mode {
    /// The word of explanations.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Open(_) => "opening",
            Self::Close(_) => "closing",
            Self::Exam(_) => "exam",
        }
    }

    fn effect_on(&self, site: &Site) -> Option<Effect> {
        let is_among = |sites: &[Domain]| match site {
            Site::Name(name) => sites.iter().any(|parent| name.is_within(parent)),
            Site::Address(_) => false,
        };
        let is_about = |sites: &Option<Vec<Domain>>| sites.as_deref().is_none_or(is_among);
        match self {
            Self::Open(sites) => (matches!(site, Site::Name(_)) && is_about(sites)).then_some(Effect::Allow),
            Self::Close(sites) => is_about(sites).then_some(Effect::Block),
            Self::Exam(sites) => Some(if is_among(sites) { Effect::Allow } else { Effect::Block }),
        }
    }
}

fn is_staff(subject: &Subject) -> bool {
    match subject.account().map(|account| account.role) {
        Some(Role::Enseignant | Role::Administratif | Role::Referent) => true,
        Some(Role::Eleve | Role::Invite) | None => false,
    }
}
