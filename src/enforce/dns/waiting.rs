//! Places for those who wait, in all and for each client: nobody takes them all.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// A bounded number of places. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub(super) struct Places {
    taken: Arc<Mutex<Taken>>,
    of_client_max: u32,
    max: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of_client: HashMap<IpAddr, u32>,
}

/// A place taken; it is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    taken: Arc<Mutex<Taken>>,
    client: IpAddr,
}

impl Places {
    /// `max` places, of which one client takes `of_client_max` at most.
    pub(super) fn new(max: usize, of_client_max: u32) -> Self {
        Self { taken: Arc::default(), of_client_max, max }
    }

    /// A place for `client`, if there is one.
    pub(super) fn take(&self, client: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= self.max {
            return None;
        }
        let count = taken.of_client.entry(client).or_default();
        if *count >= self.of_client_max {
            return None;
        }
        *count += 1;
        taken.all += 1;
        Some(Place { taken: Arc::clone(&self.taken), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        if let Some(count) = taken.of_client.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                taken.of_client.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_cannot_take_all_places_and_a_dropped_place_is_free() {
        let places = Places::new(3, 2);
        let [greedy, other, third] = [1, 2, 3].map(|last| IpAddr::from([10, 0, 0, last]));
        let first = places.take(greedy).unwrap();
        let _second = places.take(greedy).unwrap();
        assert!(places.take(greedy).is_none());
        let _other = places.take(other).unwrap();
        assert!(places.take(third).is_none());
        drop(first);
        assert!(places.take(third).is_some());
    }
}
