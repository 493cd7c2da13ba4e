//! Who may do what: one table of roles and acts. What is not written here nobody may do.

use std::sync::Arc;

use anyhow::ensure;
use thiserror::Error;

use crate::model::{Account, Role};

/// Something a person may do to the school's network from a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Act {
    /// Ask for a closed site to be opened, and follow what became of it.
    AskToOpen,
    /// See who of one's classes, or in which room, is signed in.
    SeeClasses,
    /// Open or close the web, or one site, for a pupil, a class or a room for some minutes; begin an exam; undo it.
    OpenForPupils,
    /// Answer what pupils asked to be opened.
    AnswerRequests,
    /// Register, rename and remove the school's machines.
    KeepDevices,
    /// Issue, print and withdraw visitors' vouchers.
    KeepVouchers,
    /// Write and remove the announcements on the home page.
    Announce,
    /// See all sessions and end one.
    KeepSessions,
    /// See what feeds brought, what was refused of them and why; release a feed that is held.
    KeepDirectory,
    /// See how the library stands, pause its fetching, remove packages.
    KeepLibrary,
    /// See what is wrong with the box and what to do.
    SeeHealth,
    /// See what technicians of the académie do at the box, and end it.
    EndRepairs,
}

impl Act {
    /// Every act, in the order of documents.
    pub const ALL: [Self; 12] = [
        Self::AskToOpen,
        Self::SeeClasses,
        Self::OpenForPupils,
        Self::AnswerRequests,
        Self::KeepDevices,
        Self::KeepVouchers,
        Self::Announce,
        Self::KeepSessions,
        Self::KeepDirectory,
        Self::KeepLibrary,
        Self::SeeHealth,
        Self::EndRepairs,
    ];

    /// The word of the trail and of documents.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AskToOpen => "ask-to-open",
            Self::SeeClasses => "see-classes",
            Self::OpenForPupils => "open-for-pupils",
            Self::AnswerRequests => "answer-requests",
            Self::KeepDevices => "keep-devices",
            Self::KeepVouchers => "keep-vouchers",
            Self::Announce => "announce",
            Self::KeepSessions => "keep-sessions",
            Self::KeepDirectory => "keep-directory",
            Self::KeepLibrary => "keep-library",
            Self::SeeHealth => "see-health",
            Self::EndRepairs => "end-repairs",
        }
    }

    /// Whether people of `role` may do it.
    #[must_use]
    pub const fn is_for(self, role: Role) -> bool {
        match self {
            Self::AskToOpen => {
                matches!(role, Role::Eleve | Role::Enseignant | Role::Administratif | Role::Referent)
            }
            Self::SeeClasses | Self::OpenForPupils | Self::AnswerRequests => {
                matches!(role, Role::Enseignant | Role::Referent)
            }
            Self::KeepDevices
            | Self::KeepVouchers
            | Self::Announce
            | Self::KeepSessions
            | Self::KeepDirectory
            | Self::KeepLibrary
            | Self::SeeHealth
            | Self::EndRepairs => matches!(role, Role::Referent),
        }
    }
}

/// A signed-in person who wants to do something.
#[derive(Clone, Debug)]
pub struct Actor(pub Arc<Account>);

/// Proof that somebody may do an act. Made by [`may`] only.
#[must_use]
#[derive(Clone, Debug)]
pub struct Granted {
    act: Act,
    account: Arc<Account>,
}

impl Granted {
    /// What may be done.
    #[must_use]
    pub const fn act(&self) -> Act {
        self.act
    }

    /// Whether it is `act` that may be done: a grant for one act is none for another.
    ///
    /// # Errors
    /// When it is another.
    pub(super) fn is_for(&self, act: Act) -> anyhow::Result<()> {
        ensure!(self.act == act, "`{}` was granted, not `{}`", self.act.word(), act.word());
        Ok(())
    }

    /// By whom.
    #[must_use]
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }
}

/// The role of the person does not allow the act.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the act is not for this role")]
pub struct NotGranted;

/// Whether `actor` may do `act`.
///
/// # Errors
/// When their role does not allow it.
pub fn may(actor: &Actor, act: Act) -> Result<Granted, NotGranted> {
    let Actor(account) = actor;
    if act.is_for(account.role) { Ok(Granted { act, account: account.clone() }) } else { Err(NotGranted) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_table_says_and_nothing_else() {
        let table = [
            (Role::Eleve, "ask-to-open"),
            (Role::Enseignant, "ask-to-open see-classes open-for-pupils answer-requests"),
            (Role::Administratif, "ask-to-open"),
            (
                Role::Referent,
                "ask-to-open see-classes open-for-pupils answer-requests keep-devices keep-vouchers announce \
                 keep-sessions keep-directory keep-library see-health end-repairs",
            ),
            (Role::Invite, ""),
        ];
        assert_eq!(table.len(), Role::ALL.len());
        for (role, acts) in table {
            let allowed: Vec<_> =
                Act::ALL.into_iter().filter(|act| act.is_for(role)).map(Act::word).collect();
            assert_eq!(allowed.join(" "), acts, "{role}");
        }
    }
}
