//! Signing in and out (skeleton).

use std::{net::IpAddr, time::Duration};

use crate::{identity::SessionView, model::Zone};

/// A sign-in that succeeded and is written down.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session that began.
    pub session: SessionView,
}

/// Why nobody was signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignInRefusal {
    /// No such login, or not its password.
    WrongCredentials,
    /// Too many tries; the next is heard after `wait`.
    TooManyTries {
        /// How long to wait.
        wait: Duration,
    },
    /// Too many people sign in at once.
    Busy,
    /// The session could not be written down.
    NotRecorded,
}

/// The counter at which people sign in. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct SignIn {}

impl SignIn {
    /// Signs a person in on the machine at `source`.
    ///
    /// # Errors
    /// See [`SignInRefusal`].
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn sign_in(
        &self,
        _login: &str,
        _password: &str,
        _zone: &Zone,
        _source: IpAddr,
    ) -> Result<SignedIn, SignInRefusal> {
        unimplemented!()
    }

    /// Ends the session on the machine at `source`, if there is one.
    #[expect(clippy::unused_async, reason = "skeleton")]
    pub async fn sign_out(&self, _source: IpAddr) {
        unimplemented!()
    }
}
