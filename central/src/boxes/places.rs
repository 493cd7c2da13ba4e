//! How many connections there are, and whose.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use preau::model::Uai;

use super::limits::{CONNECTIONS_MAX, SCHOOL_CONNECTIONS_MAX, STRANGERS_MAX};

/// The places.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Arc<Mutex<Taken>>);

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    strangers: HashMap<IpAddr, usize>,
    schools: HashMap<Uai, usize>,
}

/// One connection's place, free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Places,
    whose: Whose,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Whose {
    Stranger(IpAddr),
    School(Uai),
}

impl Places {
    /// A place for somebody unknown at `from`, if there is one.
    pub(super) fn take(&self, from: IpAddr) -> Option<Place> {
        let from = from.to_canonical();
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Taken { all, strangers, .. } = &mut *taken;
        if *all >= CONNECTIONS_MAX || !add(strangers, &from, STRANGERS_MAX) {
            return None;
        }
        *all += 1;
        Some(Place { places: self.clone(), whose: Whose::Stranger(from) })
    }
}

impl Place {
    /// The connection turned out to be that school's; false where the school has as many as it may.
    pub(super) fn belongs_to(&mut self, school: &Uai) -> bool {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !add(&mut taken.schools, school, SCHOOL_CONNECTIONS_MAX) {
            return false;
        }
        let before = std::mem::replace(&mut self.whose, Whose::School(school.clone()));
        leave(&mut taken, &before);
        true
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        leave(&mut taken, &self.whose);
        taken.all = taken.all.saturating_sub(1);
    }
}

fn add<K: Clone + Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K, max: usize) -> bool {
    let count = counts.entry(key.clone()).or_default();
    let fits = *count < max;
    *count += usize::from(fits);
    fits
}

fn leave(taken: &mut Taken, whose: &Whose) {
    match whose {
        Whose::Stranger(from) => subtract(&mut taken.strangers, from),
        Whose::School(school) => subtract(&mut taken.schools, school),
    }
}

fn subtract<K: Eq + Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_are_counted_by_address_and_boxes_by_school() {
        let places = Places::default();
        let from: IpAddr = [192, 0, 2, 1].into();
        let school = Uai::new("0809999Z").unwrap();
        let mut strangers: Vec<Place> = (0..STRANGERS_MAX).map(|_| places.take(from).unwrap()).collect();
        assert!(places.take(from).is_none());
        assert!(places.take([192, 0, 2, 2].into()).is_some());
        let known: Vec<bool> = strangers.iter_mut().map(|place| place.belongs_to(&school)).collect();
        assert_eq!(known.iter().filter(|known| **known).count(), SCHOOL_CONNECTIONS_MAX);
        assert!(places.take(from).is_some(), "who has shown a certificate frees the address");
        drop(strangers);
        let taken = places.0.lock().unwrap();
        assert!(taken.all == 0 && taken.strangers.is_empty() && taken.schools.is_empty());
    }
}
