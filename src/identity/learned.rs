//! Passwords for the days without Internet: what a person chose after signing in at the ENT, kept as argon2id.
//!
//! The box never sees the password of the ENT; this one is its own. It is good for some weeks after the person's last
//! sign-in at the ENT, so that who left the school is out on the box as well, and goes when the directory loses the
//! person.

use std::{collections::HashMap, time::Duration};

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

    /// How long after the last sign-in at the ENT a learned password is good.
    #[must_use]
    pub fn remember(&self) -> Duration {
        self.settings().remember
    }

    /// Whether the person could sign in here were the ENT away: by a learned password that is still good or by one that
    /// was delivered.
    #[must_use]
    pub fn has_offline_password(&self, id: &AccountId) -> bool {
        self.learned(id).is_some() || self.roll().has_own_password(id)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;
    use crate::identity::{
        EntMatch, EntStanding, Verified,
        test_school::{School, address, begin_verified, machine, register},
    };

    const DAY: Duration = Duration::from_secs(86_400);

    /// A school with an ENT: Sasha has no password here, Robin a delivered one.
    fn with_ent(school: &School) -> Identity {
        let identity = school.open();
        identity.replace_register(register(&[("SASHA", None), ("ROBIN", Some("abricot-1"))]));
        identity.set_ent(EntStanding::Reachable);
        identity
    }

    /// Signs Sasha in at the ENT on machine 1.
    async fn at_the_ent(identity: &Identity) -> SessionView {
        let verified = identity.verified_by_ent("SASHA", EntMatch::Id).unwrap();
        begin_verified(identity, &verified, 1).await.0
    }

    async fn typed(identity: &Identity, login: &str, password: &str) -> Result<Verified, SignInRefusal> {
        identity.verify(login, password, Some(machine(2)), address(2)).await
    }

    async fn outcome(identity: &Identity, login: &str, password: &str) -> Result<Assurance, SignInRefusal> {
        typed(identity, login, password).await.map(|verified| verified.assurance())
    }

    #[tokio::test]
    async fn a_password_learned_after_the_ent_signs_in_while_it_is_away_and_only_then() {
        let school = School::new();
        let identity = with_ent(&school);
        let session = at_the_ent(&identity).await;
        assert_eq!(session.assurance, Assurance::Online);
        assert!(!identity.has_offline_password(&session.account.id));
        identity.learn(&session, "framboise").await.unwrap();
        assert!(identity.has_offline_password(&session.account.id));
        for (standing, expected) in [
            (EntStanding::Reachable, Err(SignInRefusal::AtTheEnt)),
            (EntStanding::Away, Ok(Assurance::Offline)),
            (EntStanding::Reachable, Err(SignInRefusal::AtTheEnt)),
            (EntStanding::None, Ok(Assurance::Local)),
        ] {
            identity.set_ent(standing);
            assert_eq!(outcome(&identity, "sasha", "framboise").await, expected);
        }
    }

    #[tokio::test]
    async fn a_delivered_password_counts_as_a_learned_one_does() {
        let school = School::new();
        let identity = with_ent(&school);
        assert_eq!(outcome(&identity, "robin", "abricot-1").await, Err(SignInRefusal::AtTheEnt));
        identity.set_ent(EntStanding::Away);
        assert_eq!(outcome(&identity, "robin", "abricot-1").await, Ok(Assurance::Offline));
    }

    #[tokio::test]
    async fn an_account_of_the_schools_own_signs_in_whatever_the_ent_does() {
        let school = School::new();
        let identity = with_ent(&school);
        for standing in [EntStanding::None, EntStanding::Reachable, EntStanding::Away] {
            identity.set_ent(standing);
            assert_eq!(outcome(&identity, "durand", "prune").await, Ok(Assurance::Local));
        }
    }

    #[tokio::test]
    async fn every_typed_login_costs_one_verification_and_a_wrong_password_tells_nothing() {
        let school = School::new();
        let identity = with_ent(&school);
        let session = at_the_ent(&identity).await;
        identity.learn(&session, "framboise").await.unwrap();
        for (standing, login, password, expected) in [
            (EntStanding::Reachable, "inconnu", "framboise", SignInRefusal::WrongCredentials),
            (EntStanding::Reachable, "sasha", "fraise", SignInRefusal::WrongCredentials),
            (EntStanding::Reachable, "sasha", "framboise", SignInRefusal::AtTheEnt),
            (EntStanding::Reachable, "robin", "abricot-2", SignInRefusal::WrongCredentials),
            (EntStanding::Away, "camille", "prune", SignInRefusal::WrongCredentials),
            (EntStanding::Away, "inconnu", "framboise", SignInRefusal::WrongCredentials),
        ] {
            identity.set_ent(standing);
            let before = identity.desks().taken.load(Ordering::Relaxed);
            assert_eq!(outcome(&identity, login, password).await, Err(expected), "{login} {password}");
            assert_eq!(identity.desks().taken.load(Ordering::Relaxed), before + 1, "{login} {password}");
        }
        identity.replace_register(register(&[("SASHA", None)]));
        let before = identity.desks().taken.load(Ordering::Relaxed);
        assert_eq!(outcome(&identity, "robin", "abricot-1").await, Err(SignInRefusal::WrongCredentials));
        assert_eq!(identity.desks().taken.load(Ordering::Relaxed), before + 1);
    }

    #[tokio::test]
    async fn a_school_without_any_password_verifies_unknown_logins_too() {
        let school = School::new();
        let identity = school.open();
        identity.replace_directory(crate::identity::Directory::default());
        identity.replace_register(register(&[("SASHA", None)]));
        for login in ["sasha", "inconnu"] {
            let before = identity.desks().taken.load(Ordering::Relaxed);
            assert_eq!(outcome(&identity, login, "x").await, Err(SignInRefusal::WrongCredentials));
            assert_eq!(identity.desks().taken.load(Ordering::Relaxed), before + 1, "{login}");
        }
    }

    #[tokio::test]
    async fn a_learned_password_is_good_for_its_days_after_the_last_sign_in_at_the_ent() {
        let school = School::new();
        let identity = with_ent(&school);
        let session = at_the_ent(&identity).await;
        identity.learn(&session, "framboise").await.unwrap();
        school.wait(40 * DAY);
        at_the_ent(&identity).await;
        identity.set_ent(EntStanding::Away);
        school.wait(59 * DAY);
        assert_eq!(outcome(&identity, "sasha", "framboise").await, Ok(Assurance::Offline));
        // The refresh is on disk as well, and a sign-in away from the ENT is none.
        let reopened = school.open();
        reopened.replace_register(register(&[("SASHA", None)]));
        reopened.set_ent(EntStanding::Away);
        let offline = typed(&reopened, "sasha", "framboise").await.unwrap();
        begin_verified(&reopened, &offline, 2).await;
        school.wait(DAY);
        assert_eq!(outcome(&reopened, "sasha", "framboise").await, Err(SignInRefusal::WrongCredentials));
        assert!(!reopened.has_offline_password(&session.account.id));
    }

    #[tokio::test]
    async fn a_learned_password_goes_with_its_person_from_disk_too() {
        let school = School::new();
        let identity = with_ent(&school);
        let session = at_the_ent(&identity).await;
        identity.learn(&session, "framboise").await.unwrap();
        identity.replace_register(register(&[("ROBIN", None)]));
        identity.forget_learned().await.unwrap();
        for identity in [identity, school.open()] {
            identity.replace_register(register(&[("SASHA", None)]));
            assert!(!identity.has_offline_password(&session.account.id));
        }
    }

    #[tokio::test]
    async fn only_who_came_from_the_ent_chooses_a_password_and_not_just_any() {
        let school = School::new();
        let identity = with_ent(&school);
        let session = at_the_ent(&identity).await;
        for (password, expected) in [
            ("fraises", LearnRefusal::TooShort),
            ("éééé", LearnRefusal::TooShort),
            (" SASHA", LearnRefusal::TooShort),
            ("   sasha   ", LearnRefusal::IsTheLogin),
            (&*"a".repeat(1001), LearnRefusal::TooLong),
        ] {
            assert_eq!(identity.learn(&session, password).await, Err(expected), "{password}");
        }
        for assurance in [Assurance::Offline, Assurance::Local, Assurance::Voucher] {
            let session = SessionView { assurance, ..session.clone() };
            assert_eq!(identity.learn(&session, "framboise").await, Err(LearnRefusal::NotOnline));
        }
        assert_eq!(identity.learn(&session, "éééééééé").await, Ok(()));
        assert_eq!(identity.learn(&session, "framboise").await, Ok(()));
        identity.set_ent(EntStanding::Away);
        assert_eq!(outcome(&identity, "sasha", "framboise").await, Ok(Assurance::Offline));
        assert!(outcome(&identity, "sasha", "éééééééé").await.is_err());
    }

    #[tokio::test]
    async fn the_ent_names_persons_of_the_directory_and_by_identifier_those_of_the_own_file() {
        let school = School::new();
        let identity = with_ent(&school);
        let named =
            |claimed, by| identity.verified_by_ent(claimed, by).map(|verified| verified.account.id.clone());
        assert_eq!(named("SASHA", EntMatch::Id), Ok(AccountId::new("SASHA")));
        assert_eq!(named(" Sasha", EntMatch::Login), Ok(AccountId::new("SASHA")));
        assert_eq!(named("E1", EntMatch::Id), Ok(AccountId::new("E1")));
        for (claimed, by) in
            [("camille", EntMatch::Login), ("sasha", EntMatch::Id), ("", EntMatch::Id), ("", EntMatch::Login)]
        {
            assert_eq!(named(claimed, by), Err(SignInRefusal::NotOfThisSchool), "{claimed}");
        }
    }

    #[tokio::test]
    async fn a_person_of_the_directory_with_an_identifier_of_the_own_file_gets_nobodys_role() {
        let school = School::new();
        let identity = school.open();
        // A feed in CSV counts as the own file does: its P1 is a pupil, the own file's a teacher.
        identity.replace_register(register(&[("P1", Some("framboise"))]));
        assert_eq!(outcome(&identity, "p1", "framboise").await, Err(SignInRefusal::WrongCredentials));
        for by in [EntMatch::Id, EntMatch::Login] {
            assert_eq!(identity.verified_by_ent("P1", by).err(), Some(SignInRefusal::NotOfThisSchool));
        }
        assert_eq!(outcome(&identity, "durand", "prune").await, Ok(Assurance::Local));
    }
}
