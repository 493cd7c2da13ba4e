//! Places for connections and for those who wait, in all and for each client: nobody takes them all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::model::Mac;

/// Whose places are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Client {
    /// A machine, whichever of its addresses it uses: with IPv6 it has as many as it likes.
    Machine(Mac),
    /// An address whose machine is not known.
    Address(IpAddr),
}

/// A bounded number of places. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Places {
    taken: Arc<Mutex<Taken>>,
    max: usize,
    of_client_max: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of_client: HashMap<Client, usize>,
}

/// A place taken; it is free again when this is dropped.
#[must_use]
#[derive(Debug)]
pub struct Place {
    taken: Arc<Mutex<Taken>>,
    client: Client,
}

impl Places {
    /// `max` places, of which one client takes `of_client_max` at most.
    #[must_use]
    pub fn new(max: usize, of_client_max: usize) -> Self {
        Self { taken: Arc::default(), max, of_client_max }
    }

    /// A place for `client`, if there is one.
    #[must_use]
    pub fn take(&self, client: Client) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = taken.of_client.get(&client).copied().unwrap_or(0);
        if taken.all >= self.max || of_client >= self.of_client_max {
            return None;
        }
        taken.all += 1;
        taken.of_client.insert(client, of_client + 1);
        Some(Place { taken: Arc::clone(&self.taken), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        match taken.of_client.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                taken.of_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREEDY: Client = Client::Machine(Mac::new([2, 0, 0, 0, 0, 1]));
    const OTHER: Client = Client::Machine(Mac::new([2, 0, 0, 0, 0, 2]));
    const THIRD: Client = Client::Address(IpAddr::V4(std::net::Ipv4Addr::new(10, 10, 0, 3)));

    #[test]
    fn one_client_cannot_take_all_places_and_a_dropped_place_is_free() {
        let places = Places::new(3, 2);
        let first = places.take(GREEDY).unwrap();
        let _second = places.take(GREEDY).unwrap();
        assert!(places.take(GREEDY).is_none());
        let _other = places.take(OTHER).unwrap();
        assert!(places.take(THIRD).is_none(), "all are taken");
        drop(first);
        assert!(places.take(THIRD).is_some());
    }

    #[test]
    fn a_client_that_is_gone_leaves_no_trace() {
        let places = Places::new(1, 1);
        drop(places.take(GREEDY).unwrap());
        assert!(places.taken.lock().unwrap().of_client.is_empty());
        let _place = places.take(OTHER).unwrap();
        assert!(places.take(GREEDY).is_none());
    }
}
