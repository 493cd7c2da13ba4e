//! What stands for a pupil in addresses and forms: a keyed digest of their identifier, good until the box restarts.

use std::{fmt, sync::Arc};

use crate::{
    identity::Identity,
    model::{Account, AccountId, Role},
};

/// Digits of a handle: 64 bits tell the pupils of a school apart.
const DIGITS: usize = 16;

/// Makes handles and finds whom they stand for. Its key never leaves the memory.
pub(in crate::portal) struct Handles([u8; 32]);

impl Handles {
    /// With a key of its own.
    ///
    /// # Errors
    /// When the kernel gives no randomness.
    pub(in crate::portal) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self(key))
    }

    /// What stands for the account `id`.
    pub(super) fn of(&self, id: &AccountId) -> String {
        let digest = blake3::keyed_hash(&self.0, id.as_str().as_bytes()).to_hex();
        digest.chars().take(DIGITS).collect()
    }

    /// The pupil that `handle` stands for.
    pub(super) fn find(&self, handle: &str, identity: &Identity) -> Option<Arc<Account>> {
        if handle.len() != DIGITS {
            return None;
        }
        let is_meant = |account: &Account| account.role == Role::Eleve && self.of(&account.id) == handle;
        identity.accounts(is_meant).pop()
    }
}

impl fmt::Debug for Handles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handles")
    }
}
