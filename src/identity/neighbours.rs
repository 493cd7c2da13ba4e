//! Which machine has which address, as the kernel's neighbour table says.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
};

use crate::model::Mac;

/// Addresses kept: a thousand machines with sixteen each.
const ADDRESSES_MAX: usize = 16_384;

/// Addresses kept of one machine, so that one that claims every address leaves the others known. Honest ones have an
/// IPv4 address and a few IPv6 ones that change (RFC 8981).
const OF_MACHINE_MAX: usize = 64;

/// The machine behind each address, and behind each that is free at present the last one: what was opened to that one
/// must not pass unnoticed to the next.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    places: HashMap<IpAddr, Place>,
    /// How many places each machine has.
    counts: HashMap<Mac, usize>,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    machine: Mac,
    is_there: bool,
}

/// What learning an address changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    /// Nothing that was answered before is wrong.
    Fits,
    /// The address belongs to another machine than before, or may do so.
    Moved,
    /// The machine has too many addresses: this one stays nobody's.
    TooMany,
    /// There is no room for the address: its machine stays unknown.
    NoRoom,
}

impl Neighbours {
    pub(super) fn machine(&self, address: IpAddr) -> Option<Mac> {
        self.places.get(&address).filter(|place| place.is_there).map(|place| place.machine)
    }

    /// The other addresses of the machine at `address`. Looks through the whole table.
    pub(super) fn addresses_beside(&self, address: IpAddr) -> Vec<IpAddr> {
        let Some(machine) = self.machine(address) else { return Vec::new() };
        let of_machine = self.places.iter().filter(|(_, place)| place.is_there && place.machine == machine);
        of_machine.map(|(other, _)| *other).filter(|other| *other != address).collect()
    }

    /// Notes that `address` is `machine`'s, or nobody's.
    pub(super) fn learn(&mut self, address: IpAddr, machine: Option<Mac>) -> Learned {
        let known = self.places.get_mut(&address);
        let Some(machine) = machine else {
            if let Some(place) = known {
                place.is_there = false;
            }
            return Learned::Fits;
        };
        let mut learned = Learned::Fits;
        if let Some(place) = known {
            if place.machine == machine {
                place.is_there = true;
                return Learned::Fits;
            }
            let before = place.machine;
            self.places.remove(&address);
            self.count_down(before);
            learned = Learned::Moved;
        }
        if self.lack(machine).is_some() && self.forget_free() {
            // Whom the forgotten addresses belonged to cannot be told any more: everything is judged again.
            learned = Learned::Moved;
        }
        match self.lack(machine) {
            // The address is nobody's now; that it was somebody's counts more than why.
            Some(_) if learned == Learned::Moved => learned,
            Some(lack) => lack,
            None => {
                self.places.insert(address, Place { machine, is_there: true });
                *self.counts.entry(machine).or_default() += 1;
                learned
            }
        }
    }

    /// Why one more address of `machine` does not fit.
    fn lack(&self, machine: Mac) -> Option<Learned> {
        let of_machine = self.counts.get(&machine).copied().unwrap_or_default();
        if of_machine >= OF_MACHINE_MAX {
            Some(Learned::TooMany)
        } else if self.places.len() >= ADDRESSES_MAX {
            Some(Learned::NoRoom)
        } else {
            None
        }
    }

    /// Forgets the addresses that are nobody's at present; says whether there were any.
    fn forget_free(&mut self) -> bool {
        let free: Vec<Mac> =
            self.places.extract_if(|_, place| !place.is_there).map(|(_, place)| place.machine).collect();
        free.iter().for_each(|machine| self.count_down(*machine));
        !free.is_empty()
    }

    fn count_down(&mut self, machine: Mac) {
        if let Entry::Occupied(mut count) = self.counts.entry(machine) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_the_machine_last_seen_with_it() {
        let mut neighbours = Neighbours::default();
        let address = IpAddr::from([10, 10, 0, 5]);
        let (one, other) = (Mac::new([2, 0, 0, 0, 0, 1]), Mac::new([2, 0, 0, 0, 0, 2]));
        assert_eq!(neighbours.learn(address, Some(one)), Learned::Fits);
        assert_eq!(neighbours.learn(address, Some(one)), Learned::Fits);
        assert_eq!(neighbours.learn(address, Some(other)), Learned::Moved);
        assert_eq!(neighbours.machine(address), Some(other));
        neighbours.learn(address, None);
        assert_eq!(neighbours.machine(address), None);
    }

    #[test]
    fn an_address_that_was_free_for_a_while_has_moved_when_another_machine_takes_it() {
        let mut neighbours = Neighbours::default();
        let address = IpAddr::from([10, 10, 0, 5]);
        let (one, other) = (Mac::new([2, 0, 0, 0, 0, 1]), Mac::new([2, 0, 0, 0, 0, 2]));
        neighbours.learn(address, Some(one));
        neighbours.learn(address, None);
        assert_eq!(neighbours.learn(address, Some(one)), Learned::Fits);
        neighbours.learn(address, None);
        assert_eq!(neighbours.learn(address, Some(other)), Learned::Moved);
    }

    fn machine(number: u16) -> Option<Mac> {
        let [high, low] = number.to_be_bytes();
        Some(Mac::new([2, 0, 0, 0, high, low]))
    }

    #[test]
    fn a_machine_that_claims_every_address_leaves_the_others_known() {
        let mut neighbours = Neighbours::default();
        for number in 0..20_000_u32 {
            neighbours.learn(IpAddr::from(number.to_be_bytes()), machine(1));
        }
        assert_eq!(neighbours.places.len(), OF_MACHINE_MAX);
        let address = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(neighbours.learn(address, machine(1)), Learned::TooMany);
        assert_eq!(neighbours.learn(address, machine(2)), Learned::Fits);
        assert_eq!(neighbours.machine(address), machine(2));
    }

    #[test]
    fn an_address_taken_by_a_machine_that_has_too_many_is_nobodys() {
        let mut neighbours = Neighbours::default();
        let address = IpAddr::from([192, 0, 2, 1]);
        neighbours.learn(address, machine(2));
        for number in 0..100_u32 {
            neighbours.learn(IpAddr::from(number.to_be_bytes()), machine(1));
        }
        assert_eq!(neighbours.learn(address, machine(1)), Learned::Moved);
        assert_eq!(neighbours.machine(address), None);
    }

    #[test]
    fn a_full_table_forgets_free_addresses_first_and_then_refuses() {
        let mut neighbours = Neighbours::default();
        for number in 0..20_000_u16 {
            neighbours.learn(IpAddr::from(u32::from(number).to_be_bytes()), machine(number / 16));
        }
        assert_eq!(neighbours.places.len(), ADDRESSES_MAX);
        let address = IpAddr::from([192, 0, 2, 1]);
        assert_eq!(neighbours.learn(address, machine(60_000)), Learned::NoRoom);
        assert_eq!(neighbours.learn(IpAddr::from([0, 0, 0, 1]), None), Learned::Fits);
        assert_eq!(neighbours.learn(address, machine(60_000)), Learned::Moved);
        assert_eq!(neighbours.places.len(), ADDRESSES_MAX);
    }
}
