//! Whether somebody is who they say: a login and a password, held against the directory.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use thiserror::Error;
use tokio::sync::Semaphore;

use super::{
    attempts::Place,
    directory::normalised,
    password::{PASSWORD_BYTES_MAX, Scratch},
    people::Identity,
};
use crate::model::{Account, Mac};

/// The longest login that is looked at, in bytes.
const LOGIN_BYTES_MAX: usize = 200;

/// Passwords verified at once: each takes 19 MiB and a core for some 20 ms.
const VERIFYING_MAX: usize = 2;

/// Sign-ins that may wait for their turn, some three seconds' worth: four classes that start together.
const WAITING_MAX: usize = 128;

/// Why a sign-in is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SignInRefusal {
    /// No account has this login and password; which of the two is wrong is not said.
    #[error("wrong login or password")]
    WrongCredentials,
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

/// Proof that somebody gave an account's password. Made by [`Identity::verify`] only.
#[must_use]
#[derive(Clone, Debug)]
pub struct Verified {
    pub(super) account: Arc<Account>,
}

impl Verified {
    /// The account.
    #[must_use]
    pub fn account(&self) -> &Arc<Account> {
        &self.account
    }
}

/// The places in which passwords are verified.
#[derive(Debug)]
pub(super) struct Desks {
    waiting: Arc<Semaphore>,
    verifying: Arc<Semaphore>,
    /// One for each desk, of those that nobody sits at.
    scratches: Arc<Mutex<Vec<Scratch>>>,
}

impl Default for Desks {
    fn default() -> Self {
        Self {
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            verifying: Arc::new(Semaphore::new(VERIFYING_MAX)),
            scratches: Arc::default(),
        }
    }
}

impl Identity {
    /// Finds out whether `password` is that of `login`. Spaces around the login and its case do not count.
    ///
    /// An unknown login takes as long as a known one. How often may be tried is described in `attempts.rs`.
    ///
    /// # Errors
    /// A refusal: wrong, too often, or too many at once.
    pub async fn verify(
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
        match self.hold_against_directory(&login, password).await {
            Ok(verified) => {
                self.with_attempts(|attempts, now| attempts.succeeded(&login, place, now));
                Ok(verified)
            }
            Err(SignInRefusal::Busy) => {
                self.with_attempts(|attempts, _| attempts.not_made(&login, place));
                Err(SignInRefusal::Busy)
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn hold_against_directory(&self, login: &str, password: &str) -> Result<Verified, SignInRefusal> {
        let desks = self.desks();
        let waiting = desks.waiting.clone().try_acquire_owned().map_err(|_| SignInRefusal::Busy)?;
        let desk = desks.verifying.clone().acquire_owned().await.map_err(|_| SignInRefusal::Busy)?;
        drop(waiting);
        let roll = self.roll();
        let entry = roll.entry(login).map(|(entry, _)| entry.clone());
        let own = entry.as_ref().and_then(|entry| entry.verifier.clone());
        let entry = entry.filter(|_| own.is_some());
        let Some(verifier) = own.or_else(|| roll.decoy().cloned()) else {
            return Err(SignInRefusal::WrongCredentials);
        };
        let password = password.to_owned();
        let scratches = desks.scratches.clone();
        let accepted = tokio::task::spawn_blocking(move || {
            let free = || scratches.lock().unwrap_or_else(PoisonError::into_inner);
            let mut scratch = free().pop().unwrap_or_default();
            let accepted = verifier.accepts(&password, &mut scratch);
            free().push(scratch);
            // The desk is free when the work is done, also where nobody waits for the answer any more.
            drop(desk);
            accepted
        });
        match (accepted.await, entry) {
            (Ok(true), Some(entry)) => Ok(Verified { account: entry.account }),
            (Ok(_), _) => Err(SignInRefusal::WrongCredentials),
            // The runtime is ending.
            (Err(_), _) => Err(SignInRefusal::Busy),
        }
    }
}
