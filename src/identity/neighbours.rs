//! Which machine has which address, as the kernel's neighbour table says.

use std::{collections::HashMap, net::IpAddr};

use crate::model::Mac;

/// Addresses kept: a thousand machines with sixteen each. A machine that claims more does not cost more memory.
const ADDRESSES_MAX: usize = 16_384;

/// The machine behind each address, and behind each that is free at present the last one: what was opened to that one
/// must not pass unnoticed to the next.
#[derive(Debug, Default)]
pub(super) struct Neighbours(HashMap<IpAddr, Place>);

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
    /// There is no room for the address: its machine stays unknown.
    NoRoom,
}

impl Neighbours {
    pub(super) fn machine(&self, address: IpAddr) -> Option<Mac> {
        self.0.get(&address).filter(|place| place.is_there).map(|place| place.machine)
    }

    /// The other addresses of the machine at `address`. Looks through the whole table.
    pub(super) fn addresses_beside(&self, address: IpAddr) -> Vec<IpAddr> {
        let Some(machine) = self.machine(address) else { return Vec::new() };
        let beside = self
            .0
            .iter()
            .filter(|(other, place)| place.is_there && place.machine == machine && **other != address);
        beside.map(|(other, _)| *other).collect()
    }

    /// Notes that `address` is `machine`'s, or nobody's.
    pub(super) fn learn(&mut self, address: IpAddr, machine: Option<Mac>) -> Learned {
        let Some(machine) = machine else {
            if let Some(place) = self.0.get_mut(&address) {
                place.is_there = false;
            }
            return Learned::Fits;
        };
        let mut learned = Learned::Fits;
        if self.0.len() >= ADDRESSES_MAX && !self.0.contains_key(&address) {
            self.0.retain(|_, place| place.is_there);
            if self.0.len() >= ADDRESSES_MAX {
                return Learned::NoRoom;
            }
            // Whom the forgotten addresses belonged to cannot be told any more: everything is judged again.
            learned = Learned::Moved;
        }
        match self.0.insert(address, Place { machine, is_there: true }) {
            Some(before) if before.machine != machine => Learned::Moved,
            _ => learned,
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
        assert_eq!(neighbours.learn(IpAddr::from([192, 0, 2, 1]), machine), Learned::Moved);
    }
}
