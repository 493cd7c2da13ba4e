//! Passwords for the days without Internet: what a person chose after signing in at the ENT, kept as argon2id.
//!
//! The box never sees the password of the ENT; this one is its own. It is good for some weeks after the person's last
//! sign-in at the ENT, so that who left the school is out on the box as well, and goes when the directory loses the
//! person.

use std::collections::HashMap;

use thiserror::Error;

use super::{
    attempts::Place,
    directory::normalised,
    password::{PASSWORD_BYTES_MAX, Verifier, hash_password},
    people::Identity,
    sessions::SessionView,
    sign_in::SignInRefusal,
};
use crate::model::{AccountId, Assurance, Moment};

/// The shortest password that is learned, in characters.
const CHARACTERS_MIN: usize = 8;

/// Why a password for the days without Internet is not taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LearnRefusal {
    /// The person did not sign in at the ENT, or is not of its directory.
    #[error("only after a sign-in at the ENT")]
    NotOnline,
    /// It has fewer than eight characters.
    #[error("too short")]
    TooShort,
    /// It has more than 1,000 bytes.
    #[error("too long")]
    TooLong,
    /// It is the person's login or identifier.
    #[error("the login itself")]
    IsTheLogin,
    /// Too many sign in, or too many passwords were chosen on the machine; trying again soon will do.
    #[error("too many at once")]
    Busy,
    /// The disk did not take it.
    #[error("could not be kept")]
    NotKept,
}

/// A learned password.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    pub(super) verifier: Verifier,
    /// The person's last sign-in at the ENT.
    pub(super) online_at: Moment,
}

/// The learned passwords of all persons.
#[derive(Debug, Default)]
pub(super) struct AllLearned {
    pub(super) by_account: HashMap<AccountId, Learned>,
    /// Whose is to be removed from disk.
    pub(super) gone: Vec<AccountId>,
}

impl AllLearned {
    /// Forgets those of whom `is_known` knows nothing any more.
    pub(super) fn keep(&mut self, is_known: impl Fn(&AccountId) -> bool) {
        let gone = self.by_account.extract_if(|id, _| !is_known(id)).map(|(id, _)| id);
        self.gone.extend(gone);
    }
}

impl Identity {
    /// Learns `password` of the person of `session` for the days without Internet, in place of an earlier one. The session
    /// must have been begun at the ENT.
    ///
    /// # Errors
    /// A refusal; an earlier one then stays.
    pub async fn learn(&self, session: &SessionView, password: &str) -> Result<(), LearnRefusal> {
        let id = session.account.id.clone();
        if session.assurance != Assurance::Online || !self.is_of_register(&id) {
            return Err(LearnRefusal::NotOnline);
        }
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(LearnRefusal::TooLong);
        }
        if password.chars().count() < CHARACTERS_MIN {
            return Err(LearnRefusal::TooShort);
        }
        let login = self.person(&id).and_then(|person| person.login.clone());
        let typed = normalised(password);
        if typed == normalised(id.as_str()) || login.is_some_and(|login| typed == normalised(&login)) {
            return Err(LearnRefusal::IsTheLogin);
        }
        let place = Place::Machine(session.machine);
        self.with_attempts(|attempts, now| attempts.take_place(place, now))
            .map_err(|_| LearnRefusal::Busy)?;
        let password = password.to_owned();
        let hashed = self.desks().take(move |_| hash_password(&password)).await;
        let text =
            hashed.map_err(|_: SignInRefusal| LearnRefusal::Busy)?.map_err(|_| LearnRefusal::NotKept)?;
        let verifier = Verifier::parse(&text).map_err(|_| LearnRefusal::NotKept)?;
        self.keep_learned(id, text, Learned { verifier, online_at: session.since }).await
    }

    /// Whether the person could sign in here were the ENT away: by a learned password that is still good or by one that
    /// was delivered.
    #[must_use]
    pub fn has_offline_password(&self, id: &AccountId) -> bool {
        self.learned(id).is_some() || self.roll().has_own_password(id)
    }
}
