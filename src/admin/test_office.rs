//! A school for the tests of acts: an identity with machines, a store on disk, somebody who was granted something.

use std::{mem, sync::Arc};

use super::{Act, Actor, Granted, Store, may};
use crate::{
    identity::{Identity, test_school::School},
    model::{Account, AccountId, Moment, Role},
};

/// A school and its store.
pub(crate) struct Office {
    pub(crate) school: School,
    pub(crate) identity: Identity,
    store: Option<Store>,
}

impl Office {
    pub(crate) fn new() -> Self {
        Self::of(School::new()).0
    }

    fn of(school: School) -> (Self, Identity) {
        let identity = school.open();
        let store = Some(Store::open(school.dir.path(), school.clock.clone()).unwrap());
        (Self { school, identity: identity.clone(), store }, identity)
    }

    pub(crate) fn now(&self) -> Moment {
        self.school.clock.now()
    }

    pub(crate) fn store(&self) -> Store {
        self.store.clone().unwrap()
    }

    /// The same school after a restart of the daemon.
    pub(crate) fn restarted(mut self) -> (Self, Identity) {
        drop(self.store.take());
        Self::of(mem::replace(&mut self.school, School::new()))
    }
}

/// What somebody of `role` called `P1` was granted.
pub(crate) fn granted_to(role: Role, act: Act) -> Granted {
    let account = Account {
        id: AccountId::new("P1"),
        display_name: "Dominique Exemple".to_owned(),
        role,
        classes: Vec::new(),
    };
    may(&Actor(Arc::new(account)), act).unwrap()
}
