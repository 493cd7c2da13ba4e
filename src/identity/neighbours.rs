//! Which machine has which address, as the kernel's neighbour table says.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
};

use crate::model::Mac;

/// Addresses kept: a thousand machines with sixteen each. A machine that claims more does not cost more memory.
const ADDRESSES_MAX: usize = 16_384;

/// The machine behind each address.
#[derive(Debug, Default)]
pub(super) struct Neighbours(HashMap<IpAddr, Mac>);

/// What learning an address changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Learned {
    /// Nothing that was answered before is wrong.
    Fits,
    /// The address belongs to another machine than before.
    Moved,
    /// There is no room for the address: its machine stays unknown.
    NoRoom,
}

impl Neighbours {
    pub(super) fn machine(&self, address: IpAddr) -> Option<Mac> {
        self.0.get(&address).copied()
    }

    /// The other addresses of the machine at `address`. Looks through the whole table.
    pub(super) fn addresses_beside(&self, address: IpAddr) -> Vec<IpAddr> {
        let Some(machine) = self.machine(address) else { return Vec::new() };
        let beside = self.0.iter().filter(|(other, owner)| **owner == machine && **other != address);
        beside.map(|(other, _)| *other).collect()
    }

    /// Notes that `address` is `machine`'s, or nobody's.
    pub(super) fn learn(&mut self, address: IpAddr, machine: Option<Mac>) -> Learned {
        let Some(machine) = machine else {
            self.0.remove(&address);
            return Learned::Fits;
        };
        let has_room = self.0.len() < ADDRESSES_MAX;
        match self.0.entry(address) {
            Entry::Occupied(mut known) if *known.get() != machine => {
                known.insert(machine);
                Learned::Moved
            }
            Entry::Occupied(_) => Learned::Fits,
            Entry::Vacant(_) if !has_room => Learned::NoRoom,
            Entry::Vacant(free) => {
                free.insert(machine);
                Learned::Fits
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
    fn a_machine_that_claims_every_address_fills_a_bounded_table() {
        let mut neighbours = Neighbours::default();
        let machine = Some(Mac::new([2; 6]));
        for number in 0..20_000_u32 {
            neighbours.learn(IpAddr::from(number.to_be_bytes()), machine);
        }
        assert_eq!(neighbours.0.len(), ADDRESSES_MAX);
        assert_eq!(neighbours.learn(IpAddr::from([192, 0, 2, 1]), machine), Learned::NoRoom);
        assert_eq!(neighbours.learn(IpAddr::from([0, 0, 0, 1]), None), Learned::Fits);
        assert_eq!(neighbours.learn(IpAddr::from([192, 0, 2, 1]), machine), Learned::Fits);
    }
}
