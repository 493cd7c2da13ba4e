//! The ENT's word for a person, and whether the ENT can be asked for it.

use super::{
    directory::normalised,
    people::Identity,
    sign_in::{SignInRefusal, Verified},
};
use crate::model::{AccountId, Assurance};

/// Whether people can sign in at the ENT.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EntStanding {
    /// The school has none: persons of the directory sign in by a password that was delivered with them.
    #[default]
    None,
    /// It answers: persons of the directory sign in there, and their password here is refused.
    Reachable,
    /// It does not answer, or the line is down: the passwords that the box learned count.
    Away,
}

/// By what the ENT's word names a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntMatch {
    /// The stable identifier of the directory, `ENTPersonJointure`.
    Id,
    /// The login.
    Login,
}

impl Identity {
    /// Takes whether the ENT can be asked; what is typed into the form counts by it from now on.
    pub fn set_ent(&self, standing: EntStanding) {
        self.ent_standing().send_replace(standing);
    }

    /// Whether the ENT can be asked.
    #[must_use]
    pub fn ent(&self) -> EntStanding {
        *self.ent_standing().borrow()
    }

    /// The person that the ENT says somebody is: `claimed` is what it calls them. The caller has this word from the ENT
    /// itself, and for this very sign-in.
    ///
    /// Persons of the directory are found by either; those of the school's own file by their identifier alone, which then
    /// must be the ENT's: a login there is the school's own, and the ENT may have given the same to somebody else.
    ///
    /// # Errors
    /// [`SignInRefusal::NotOfThisSchool`], where the school knows nobody by it.
    pub fn verified_by_ent(&self, claimed: &str, by: EntMatch) -> Result<Verified, SignInRefusal> {
        let roll = self.roll();
        let account = match by {
            EntMatch::Id => {
                let id = AccountId::new(claimed.trim());
                // Of one identifier in both neither is sure.
                match roll.register.account(&id) {
                    Some(account) => Some(account).filter(|_| !roll.is_taken(&id)),
                    None => roll.local.account(&id),
                }
            }
            EntMatch::Login => {
                let entry = roll.register.entry(&normalised(claimed));
                entry.map(|entry| &entry.account).filter(|account| !roll.is_taken(&account.id))
            }
        };
        let account = self.counted(account.ok_or(SignInRefusal::NotOfThisSchool))?.clone();
        Ok(Verified::new(account, Assurance::Online))
    }
}
