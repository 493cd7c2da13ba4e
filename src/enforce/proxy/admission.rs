//! How many connections there may be, in all and for each client.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use super::limits::Limits;
use crate::model::Mac;

/// Whose connections are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Client {
    /// A machine, whichever of its addresses it uses: with IPv6 it has as many as it likes.
    Machine(Mac),
    /// An address whose machine the kernel does not know.
    Address(IpAddr),
}

/// Counts connections. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub(super) struct Admission(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    all: usize,
    of_client: HashMap<Client, usize>,
    all_max: usize,
    of_client_max: usize,
}

/// One connection that was let in; it is counted until this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    counts: Arc<Mutex<Counts>>,
    client: Client,
}

impl Admission {
    pub(super) fn new(limits: &Limits) -> Self {
        Self(Arc::new(Mutex::new(Counts {
            all: 0,
            of_client: HashMap::new(),
            all_max: limits.connections_max,
            of_client_max: limits.connections_per_client_max,
        })))
    }

    /// A place for one more connection of `client`, unless there are too many.
    pub(super) fn admit(&self, client: Client) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = counts.of_client.get(&client).copied().unwrap_or(0);
        if counts.all >= counts.all_max || of_client >= counts.of_client_max {
            return None;
        }
        counts.all += 1;
        counts.of_client.insert(client, of_client + 1);
        Some(Place { counts: Arc::clone(&self.0), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all = counts.all.saturating_sub(1);
        match counts.of_client.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.of_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission(all: usize, of_client: usize) -> Admission {
        Admission::new(&Limits {
            connections_max: all,
            connections_per_client_max: of_client,
            ..Limits::SCHOOL
        })
    }

    const ANNE: Client = Client::Machine(Mac::new([2, 0, 0, 0, 0, 1]));
    const BORIS: Client = Client::Machine(Mac::new([2, 0, 0, 0, 0, 2]));

    #[test]
    fn one_client_cannot_take_the_place_of_another() {
        let admission = admission(3, 2);
        let _taken = [admission.admit(ANNE).unwrap(), admission.admit(ANNE).unwrap()];
        assert!(admission.admit(ANNE).is_none());
        assert!(admission.admit(BORIS).is_some());
    }

    #[test]
    fn a_connection_that_ends_leaves_its_place_and_no_trace() {
        let admission = admission(1, 1);
        drop(admission.admit(ANNE).unwrap());
        assert!(admission.0.lock().unwrap().of_client.is_empty());
        let _place = admission.admit(BORIS).unwrap();
        assert!(admission.admit(ANNE).is_none());
    }
}
