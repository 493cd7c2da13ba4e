//! Everybody who may sign in here: the accounts of the school's own file, the persons of its directory, and the holders of
//! vouchers. The own file speaks first, so that the referent can always come in.

use std::{collections::HashMap, sync::Arc};

use super::{Directory, Identity, directory::Entry, password::Verifier};
use crate::model::{Account, AccountId, Assurance, Person};

impl Identity {
    /// Whether `login` is that of an account of the school's own file.
    pub(crate) fn is_local_login(&self, login: &str) -> bool {
        self.tables().roll.local.account_by_login(login).is_some()
    }
}

/// Everybody who may sign in.
#[derive(Clone, Debug, Default)]
pub(super) struct Roll {
    /// The accounts of the school's own file.
    pub(super) local: Arc<Directory>,
    /// The persons of the directory that feeds fill.
    pub(super) register: Arc<Directory>,
    /// The holders of vouchers that are still good.
    pub(super) vouchers: Arc<HashMap<AccountId, Arc<Account>>>,
}

impl Roll {
    /// The account with the identifier `id`.
    pub(super) fn account(&self, id: &AccountId) -> Option<&Arc<Account>> {
        self.local.account(id).or_else(|| self.register.account(id)).or_else(|| self.vouchers.get(id))
    }

    /// The person with the identifier `id`; holders of vouchers are none.
    pub(super) fn person(&self, id: &AccountId) -> Option<&Arc<Person>> {
        self.local.person(id).or_else(|| self.register.person(id))
    }

    /// The account that signs in as `normalised_login`, and how the box's own word for it counts.
    pub(super) fn entry(&self, normalised_login: &str) -> Option<(&Entry, Assurance)> {
        let local = self.local.entry(normalised_login).map(|entry| (entry, Assurance::Local));
        local.or_else(|| Some((self.register.entry(normalised_login)?, Assurance::Offline)))
    }

    /// What an unknown login is verified against, so that it takes as long as a known one.
    pub(super) fn decoy(&self) -> Option<&Verifier> {
        self.local.decoy()
    }

    /// Everybody, in no order.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.local.accounts().chain(self.register.accounts()).chain(self.vouchers.values())
    }
}
