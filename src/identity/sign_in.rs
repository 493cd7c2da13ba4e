//! Whether somebody is who they say: by a login and a password, by a voucher's code, or by the ENT's word.
//!
//! Whatever is typed into the form costs one verification, no more and no less, and reads alike when it is refused:
//!
//! | login and password | verified against | answer |
//! |---|---|---|
//! | unknown login | a decoy | wrong credentials |
//! | person without a password here, or whose learned one is too old | a decoy | wrong credentials |
//! | wrong password | the person's own | wrong credentials |
//! | right password of a person of the directory, ENT reachable | the person's own | sign in at the ENT |
//! | right password otherwise | the person's own | in |

use std::{net::IpAddr, sync::Arc, time::Duration};

use thiserror::Error;

use super::{
    attempts::Place, directory::normalised, ent::EntStanding, password::PASSWORD_BYTES_MAX, people::Identity,
    voucher::VoucherCode,
};
use crate::model::{Account, AccountId, Assurance, Mac, Moment};

/// The longest login that is looked at, in bytes.
const LOGIN_BYTES_MAX: usize = 200;

/// Why a sign-in is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SignInRefusal {
    /// No account has this login and password; which of the two is wrong is not said.
    #[error("wrong login or password")]
    WrongCredentials,
    /// No voucher that is still good has this code.
    #[error("wrong code")]
    WrongCode,
    /// The password is right, but it is for the days without Internet: the ENT is there, and signs in.
    #[error("the ENT is reachable and signs in")]
    AtTheEnt,
    /// The ENT says who it is, and the school's directory does not know them.
    #[error("not of this school")]
    NotOfThisSchool,
    /// No session in force has this token, or it may not be taken along to this zone.
    #[error("no session to take along")]
    NothingToResume,
    /// Too many tries failed; the next is looked at after this time.
    #[error("too many tries")]
    TooManyTries {
        /// How long to wait.
        wait: Duration,
    },
    /// Too many people sign in at this moment; trying again soon will do.
    #[error("too many sign-ins at once")]
    Busy,
    /// The machine behind the address is not known (yet), or the address is not of the zone.
    #[error("the machine is not known")]
    MachineUnknown,
    /// The sign-in could not be written down, so it must not take effect.
    #[error("the sign-in could not be written down")]
    NotWritten,
}

/// Proof that somebody is the person of an account. Made by [`Identity::verify`], [`Identity::verify_voucher`] and
/// [`Identity::verified_by_ent`] only.
#[must_use]
#[derive(Clone, Debug)]
pub struct Verified {
    pub(super) account: Arc<Account>,
    pub(super) assurance: Assurance,
    /// What a voucher grants.
    pub(super) grant: Option<Grant>,
}

/// How long a voucher is good, and on how many machines at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) until: Moment,
    pub(super) machines_max: u8,
}

impl Verified {
    /// The account.
    #[must_use]
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }

    /// How they showed who they are.
    #[must_use]
    pub fn assurance(&self) -> Assurance {
        self.assurance
    }

    pub(super) fn new(account: Arc<Account>, assurance: Assurance) -> Self {
        Self { account, assurance, grant: None }
    }
}

impl Identity {
    /// Finds out whether `password` is that of `login`. Spaces around the login and its case do not count.
    ///
    /// An unknown login takes as long as a known one. How often may be tried is described in `attempts.rs`.
    ///
    /// # Errors
    /// A refusal: wrong, too often, too many at once, or to be made at the ENT.
    pub async fn verify(
        &self,
        login: &str,
        password: &str,
        machine: Option<Mac>,
        from: IpAddr,
    ) -> Result<Verified, SignInRefusal> {
        self.counted(self.verify_within_bounds(login, password, machine, from).await)
    }

    async fn verify_within_bounds(
        &self,
        login: &str,
        password: &str,
        machine: Option<Mac>,
        from: IpAddr,
    ) -> Result<Verified, SignInRefusal> {
        let login = normalised(login);
        if login.is_empty() || login.len() > LOGIN_BYTES_MAX || password.len() > PASSWORD_BYTES_MAX {
            return Err(SignInRefusal::WrongCredentials);
        }
        let place = machine.map_or(Place::Address(from), Place::Machine);
        self.with_attempts(|attempts, now| attempts.take(&login, place, now))
            .map_err(|wait| SignInRefusal::TooManyTries { wait })?;
        let outcome = self.hold_against_roll(&login, password).await;
        match outcome {
            Ok(_) | Err(SignInRefusal::AtTheEnt) => {
                self.with_attempts(|attempts, now| attempts.succeeded(&login, place, now));
            }
            Err(SignInRefusal::Busy) => self.with_attempts(|attempts, _| attempts.not_made(&login, place)),
            Err(_) => {}
        }
        outcome
    }

    async fn hold_against_roll(&self, login: &str, password: &str) -> Result<Verified, SignInRefusal> {
        let roll = self.roll();
        let entry = roll.entry(login).and_then(|(entry, assurance)| {
            let learned =
                (assurance == Assurance::Offline).then(|| self.learned(&entry.account.id)).flatten();
            Some((entry.account.clone(), assurance, learned.or_else(|| entry.verifier.clone())?))
        });
        let verifier = entry.as_ref().map_or_else(|| roll.decoy(), |(_, _, own)| own.clone());
        let password = password.to_owned();
        let accepted = self.desks().take(move |scratch| verifier.accepts(&password, scratch)).await?;
        match entry {
            Some((account, Assurance::Offline, _)) if accepted => {
                Ok(Verified::new(account, self.ent().own_word()?))
            }
            Some((account, assurance, _)) if accepted => Ok(Verified::new(account, assurance)),
            _ => Err(SignInRefusal::WrongCredentials),
        }
    }

    /// Finds out whose voucher has the code that somebody typed.
    ///
    /// # Errors
    /// A refusal: no voucher that is still good has it, or too many tries.
    pub fn verify_voucher(
        &self,
        typed: &str,
        machine: Option<Mac>,
        from: IpAddr,
    ) -> Result<Verified, SignInRefusal> {
        self.counted(self.verify_code(typed, machine, from))
    }

    fn verify_code(
        &self,
        typed: &str,
        machine: Option<Mac>,
        from: IpAddr,
    ) -> Result<Verified, SignInRefusal> {
        let code = VoucherCode::parse(typed).ok_or(SignInRefusal::WrongCode)?;
        let place = machine.map_or(Place::Address(from), Place::Machine);
        self.with_attempts(|attempts, now| attempts.take_code(place, now))
            .map_err(|wait| SignInRefusal::TooManyTries { wait })?;
        let roll = self.roll();
        let held = roll.vouchers.by_code(&code.digest()).filter(|held| self.now() < held.grant.until);
        let held = held.ok_or(SignInRefusal::WrongCode)?;
        self.with_attempts(|attempts, _| attempts.code_was_right(place));
        let (account, grant) = (held.account.clone(), Some(held.grant));
        Ok(Verified { account, assurance: Assurance::Voucher, grant })
    }

    /// Sign-ins refused since the daemon started: wrong, too often, or somebody else's.
    #[must_use]
    pub fn sign_ins_refused(&self) -> u64 {
        self.with_attempts(|attempts, _| attempts.refused)
    }

    /// Counts what was refused for what somebody typed, and not for what the box lacks.
    pub(super) fn counted<T>(&self, outcome: Result<T, SignInRefusal>) -> Result<T, SignInRefusal> {
        use SignInRefusal as R;
        if let Err(R::WrongCredentials | R::WrongCode | R::NotOfThisSchool | R::TooManyTries { .. }) =
            &outcome
        {
            self.with_attempts(|attempts, _| attempts.refused += 1);
        }
        outcome
    }

    /// Whether `id` is a person of the directory, and not an account of the school's own file.
    pub(super) fn is_of_register(&self, id: &AccountId) -> bool {
        let roll = self.roll();
        roll.local.account(id).is_none() && roll.register.account(id).is_some()
    }
}

impl EntStanding {
    /// How the box's own word for a person of the directory counts.
    fn own_word(self) -> Result<Assurance, SignInRefusal> {
        match self {
            Self::None => Ok(Assurance::Local),
            Self::Reachable => Err(SignInRefusal::AtTheEnt),
            Self::Away => Ok(Assurance::Offline),
        }
    }
}
