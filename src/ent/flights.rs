//! Fetches that are under way, so that thirty clients of one page are one request to its origin (RFC 9111 section 4,
//! collapsed forwarding).
//!
//! Whoever comes first is the pilot and asks the origin; the others wait for the head of the answer. It says whether they
//! may have it too: then they read the body while it grows. Where the pilot gives up, one of them takes its seat.

use std::{
    collections::HashMap,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{
    head::Head,
    store::{Growing, Kept, Key},
};
use crate::model::Moment;

/// Addresses that are remembered as changed by a write; when there are more, all are forgotten.
const CHANGED_MAX: usize = 4096;

/// Addresses that are remembered as not for sharing; when there are more, all are forgotten.
const UNSHARED_MAX: usize = 4096;

/// How a fetch landed.
#[derive(Clone, Debug)]
pub(super) enum Landing {
    /// It is being written into the store.
    Growing(Shared),
    /// A range of it is being written into the store.
    Part(SharedPart),
    /// What was held still holds, with a new head.
    Renewed(Kept, Arc<Head>),
    /// What came is for nobody but the pilot.
    NotShared,
    /// The origin cannot be reached, or fails.
    NoOrigin,
}

/// A response that is being written into the store.
#[derive(Clone, Debug)]
pub(super) struct Shared {
    pub(super) head: Arc<Head>,
    pub(super) growing: Growing,
    /// The length of the body, where the origin said it.
    pub(super) length: Option<u64>,
}

/// A range of a response that is being written into the store.
#[derive(Clone, Debug)]
pub(super) struct SharedPart {
    pub(super) head: Arc<Head>,
    /// The range, from its first byte on.
    pub(super) growing: Growing,
    pub(super) range: Range<u64>,
    /// The length of the complete body.
    pub(super) total: u64,
}

/// Fetches under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    under_way: HashMap<Key, watch::Receiver<Option<Landing>>>,
    unshared: HashMap<Key, Moment>,
    /// How many addresses were changed by a write so far, and which of them at what count.
    changes: u64,
    changed: HashMap<Key, u64>,
    /// The count at which those changed before were forgotten: whatever began earlier counts as changed.
    forgotten_at: u64,
}

/// A place in a fetch.
pub(super) enum Seat {
    /// The one who asks the origin.
    Pilot(Pilot),
    /// One who waits for the pilot.
    Passenger(watch::Receiver<Option<Landing>>),
}

/// The right to land a fetch; others wait for it until it is dropped.
pub(super) struct Pilot {
    flights: Flights,
    key: Key,
    landing: watch::Sender<Option<Landing>>,
}

impl Flights {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat in the fetch for `key`.
    pub(super) fn board(&self, key: Key) -> Seat {
        let mut inside = self.inside();
        // A pilot that is gone without landing leaves its seat.
        if let Some(landing) = inside.under_way.get(&key)
            && (landing.has_changed().is_ok() || landing.borrow().is_some())
        {
            return Seat::Passenger(landing.clone());
        }
        let (landing, waiting) = watch::channel(None);
        inside.under_way.insert(key, waiting);
        Seat::Pilot(Pilot { flights: self.clone(), key, landing })
    }

    /// Whether what came for `key` less than `within` before `now` was for its pilot alone: nobody then waits for another.
    pub(super) fn is_unshared(&self, key: &Key, now: Moment, within: std::time::Duration) -> bool {
        self.inside().unshared.get(key).is_some_and(|at| now.since(*at) < within)
    }

    /// The count of changes, for whoever begins a fetch.
    pub(super) fn changes(&self) -> u64 {
        self.inside().changes
    }

    /// Remembers that a write changed what stands under `key`: whoever asks from now on does not wait for a fetch that began
    /// before.
    pub(super) fn note_changed(&self, key: Key) {
        let mut inside = self.inside();
        if inside.changed.len() >= CHANGED_MAX {
            inside.changed.clear();
            inside.forgotten_at = inside.changes;
        }
        inside.changes += 1;
        let count = inside.changes;
        inside.changed.insert(key, count);
        inside.under_way.remove(&key);
    }

    /// Whether what stands under `key` was changed since the count was `begun`: an answer asked for then may be older.
    pub(super) fn is_changed_since(&self, key: &Key, begun: u64) -> bool {
        let inside = self.inside();
        begun < inside.forgotten_at || inside.changed.get(key).is_some_and(|count| *count > begun)
    }

    /// Remembers that what came for `key` is not for sharing.
    pub(super) fn note_unshared(&self, key: Key, now: Moment) {
        let mut inside = self.inside();
        if inside.unshared.len() >= UNSHARED_MAX {
            inside.unshared.clear();
        }
        inside.unshared.insert(key, now);
    }
}

impl Pilot {
    /// Tells those who wait.
    pub(super) fn land(&self, landing: Landing) {
        self.landing.send_replace(Some(landing));
    }
}

impl Drop for Pilot {
    fn drop(&mut self) {
        let mut inside = self.flights.inside();
        let is_own = inside
            .under_way
            .get(&self.key)
            .is_some_and(|known| known.same_channel(&self.landing.subscribe()));
        if is_own {
            inside.under_way.remove(&self.key);
        }
    }
}

/// Waits for the landing; none where the pilot gave up.
pub(super) async fn landed(mut waiting: watch::Receiver<Option<Landing>>) -> Option<Landing> {
    waiting.wait_for(Option::is_some).await.ok().and_then(|landing| landing.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_flies_and_the_others_wait_for_it() {
        let flights = Flights::default();
        let Seat::Pilot(pilot) = flights.board(Key([1; 32])) else { panic!("the first is the pilot") };
        let Seat::Passenger(waiting) = flights.board(Key([1; 32])) else { panic!("the second waits") };
        assert!(matches!(flights.board(Key([2; 32])), Seat::Pilot(_)));
        pilot.land(Landing::NotShared);
        assert!(matches!(landed(waiting).await, Some(Landing::NotShared)));
    }

    #[test]
    fn a_write_changes_its_address_alone_for_whoever_began_before() {
        let flights = Flights::default();
        let begun = flights.changes();
        flights.note_changed(Key([1; 32]));
        assert!(flights.is_changed_since(&Key([1; 32]), begun));
        assert!(!flights.is_changed_since(&Key([2; 32]), begun));
        assert!(!flights.is_changed_since(&Key([1; 32]), flights.changes()));
        for number in 0..CHANGED_MAX {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            flights.note_changed(Key(key));
        }
        assert!(flights.is_changed_since(&Key([1; 32]), begun), "what is forgotten counts as changed");
    }

    #[tokio::test]
    async fn a_pilot_that_gives_up_leaves_its_seat_to_the_next() {
        let flights = Flights::default();
        let Seat::Pilot(pilot) = flights.board(Key([1; 32])) else { panic!("the first is the pilot") };
        let Seat::Passenger(waiting) = flights.board(Key([1; 32])) else { panic!("the second waits") };
        drop(pilot);
        assert!(landed(waiting).await.is_none());
        assert!(matches!(flights.board(Key([1; 32])), Seat::Pilot(_)));
    }
}
