//! Everybody who may sign in here: the accounts of the school's own file, the persons of its directory, and the holders of
//! vouchers. The own file speaks first, so that the referent can always come in.
//!
//! Two sources may use one identifier for two persons: feeds in CSV count from one as the own file may. Such a person of the
//! directory does not sign in: the session would be that of the account in the own file, with its role.

use std::{collections::HashMap, sync::Arc};

use super::{
    Directory, Identity,
    directory::{Entry, normalised},
    password::Verifier,
    sign_in::Grant,
    voucher::{Voucher, VoucherDigest},
};
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
    pub(super) vouchers: Arc<Vouchers>,
}

/// The holders of vouchers.
#[derive(Debug, Default)]
pub(super) struct Vouchers {
    by_id: HashMap<AccountId, Held>,
    by_code: HashMap<VoucherDigest, AccountId>,
}

/// A voucher in its holder's hands.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) account: Arc<Account>,
    pub(super) grant: Grant,
}

impl Vouchers {
    pub(super) fn of(vouchers: impl IntoIterator<Item = Voucher>) -> Self {
        let mut all = Self::default();
        for Voucher { account, code, until, machines_max } in vouchers {
            let id = account.id.clone();
            let grant = Grant { until, machines_max: machines_max.max(1) };
            all.by_id.insert(id.clone(), Held { account: Arc::new(account), grant });
            all.by_code.insert(code, id);
        }
        all
    }

    pub(super) fn by_code(&self, code: &VoucherDigest) -> Option<&Held> {
        self.by_id.get(self.by_code.get(code)?)
    }
}

impl Roll {
    /// The account with the identifier `id`.
    pub(super) fn account(&self, id: &AccountId) -> Option<&Arc<Account>> {
        let of_voucher = || self.vouchers.by_id.get(id).map(|held| &held.account);
        self.local.account(id).or_else(of_voucher).or_else(|| self.register.account(id))
    }

    /// Whether the account of the directory's person `id` is somebody else's here.
    pub(super) fn is_taken(&self, id: &AccountId) -> bool {
        self.local.account(id).is_some() || self.vouchers.by_id.contains_key(id)
    }

    /// The person with the identifier `id`; holders of vouchers are none.
    pub(super) fn person(&self, id: &AccountId) -> Option<&Arc<Person>> {
        self.local.person(id).or_else(|| self.register.person(id))
    }

    /// The account that signs in as `normalised_login`, and how the box's own word for it counts.
    pub(super) fn entry(&self, normalised_login: &str) -> Option<(&Entry, Assurance)> {
        let local = self.local.entry(normalised_login).map(|entry| (entry, Assurance::Local));
        let of_register =
            || self.register.entry(normalised_login).filter(|entry| !self.is_taken(&entry.account.id));
        local.or_else(|| Some((of_register()?, Assurance::Offline)))
    }

    /// What an unknown login is verified against, so that it takes as long as a known one.
    pub(super) fn decoy(&self) -> Verifier {
        let of_somebody = self.local.decoy().or_else(|| self.register.decoy());
        of_somebody.map_or_else(Verifier::decoy, Verifier::clone)
    }

    /// Whether a password came with the person of the directory whose identifier is `id`.
    pub(super) fn has_own_password(&self, id: &AccountId) -> bool {
        let login = self.person(id).and_then(|person| person.login.as_deref().map(normalised));
        let entry = login.and_then(|login| Some(self.entry(&login)?.0));
        entry.is_some_and(|entry| entry.account.id == *id && entry.verifier.is_some())
    }

    /// Everybody, in no order.
    pub(super) fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.local
            .accounts()
            .chain(self.register.accounts())
            .chain(self.vouchers.by_id.values().map(|held| &held.account))
    }
}
