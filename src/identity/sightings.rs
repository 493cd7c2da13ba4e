//! Which machines are on the network, and since when: what somebody who plugs in a machine looks for.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    time::Duration,
};

use crate::model::{Mac, Moment};

/// How long a machine that was last seen is remembered.
const REMEMBERED: Duration = Duration::from_secs(3600);

/// Machines remembered: as many as a large school has, several times.
const MACHINES_MAX: usize = 4096;

/// Addresses told of a machine: enough to know its zone, and its lease.
const ADDRESSES_MAX: usize = 8;

/// A machine that was on the network within the last hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineSeen {
    /// Its hardware address.
    pub machine: Mac,
    /// Since when it is there: the first that was heard of it, unless it was away for an hour.
    pub since: Moment,
    /// The last that was heard of it: the kernel tells when an address appears, not each packet.
    pub last: Moment,
    /// Addresses that it had, the latest last.
    pub addresses: Vec<IpAddr>,
}

/// The machines of the last hour.
#[derive(Debug, Default)]
pub(super) struct Sightings(HashMap<Mac, MachineSeen>);

impl Sightings {
    /// Notes that `machine` has `address` at `now`.
    pub(super) fn note(&mut self, machine: Mac, address: IpAddr, now: Moment) {
        if self.0.len() >= MACHINES_MAX && !self.0.contains_key(&machine) {
            self.make_room(now);
        }
        match self.0.entry(machine) {
            Entry::Occupied(mut known) => {
                let seen = known.get_mut();
                if now.since(seen.last) > REMEMBERED {
                    seen.since = now;
                    seen.addresses.clear();
                }
                seen.last = now;
                seen.addresses.retain(|other| *other != address);
                if seen.addresses.len() >= ADDRESSES_MAX {
                    seen.addresses.remove(0);
                }
                seen.addresses.push(address);
            }
            Entry::Vacant(free) => {
                free.insert(MachineSeen { machine, since: now, last: now, addresses: vec![address] });
            }
        }
    }

    /// The machines that `is_there` says have an address still, and those heard of within the last hour; the one that
    /// came last first.
    pub(super) fn seen(&self, now: Moment, is_there: impl Fn(Mac, IpAddr) -> bool) -> Vec<MachineSeen> {
        let is_of_the_hour = |seen: &&MachineSeen| {
            now.since(seen.last) <= REMEMBERED
                || seen.addresses.iter().any(|address| is_there(seen.machine, *address))
        };
        let mut seen: Vec<_> = self.0.values().filter(is_of_the_hour).cloned().collect();
        seen.sort_by_key(|seen| (std::cmp::Reverse(seen.since), seen.machine));
        seen
    }

    /// Forgets what is older than an hour, or else the machine heard of longest ago: who plugs one in looks for the latest.
    fn make_room(&mut self, now: Moment) {
        self.0.retain(|_, seen| now.since(seen.last) <= REMEMBERED);
        if self.0.len() >= MACHINES_MAX
            && let Some(oldest) = self.0.values().min_by_key(|seen| seen.last).map(|seen| seen.machine)
        {
            self.0.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Moment = Moment::from_unix_seconds(1_800_000_000);

    fn machine(number: u16) -> Mac {
        let [high, low] = number.to_be_bytes();
        Mac::new([2, 0, 0, 0, high, low])
    }

    fn after(seconds: u64) -> Moment {
        START + Duration::from_secs(seconds)
    }

    fn machines(sightings: &Sightings, now: Moment) -> Vec<Mac> {
        sightings.seen(now, |_, _| false).into_iter().map(|seen| seen.machine).collect()
    }

    #[test]
    fn the_machine_that_came_last_stands_first_and_one_gone_for_an_hour_is_forgotten() {
        let mut sightings = Sightings::default();
        let address = IpAddr::from([10, 10, 0, 5]);
        sightings.note(machine(1), address, after(0));
        sightings.note(machine(2), address, after(60));
        sightings.note(machine(1), address, after(120));
        assert_eq!(machines(&sightings, after(180)), [machine(2), machine(1)]);
        assert_eq!(machines(&sightings, after(3700)), [machine(1)]);
        let there = sightings.seen(after(9999), |of, _| of == machine(2));
        assert_eq!((there.len(), there[0].since), (1, after(60)));
        sightings.note(machine(1), address, after(9999));
        assert_eq!(sightings.seen(after(9999), |_, _| false)[0].since, after(9999));
    }

    #[test]
    fn memory_is_bounded_whatever_is_claimed() {
        let mut sightings = Sightings::default();
        for number in 0..10_000_u16 {
            let address = IpAddr::from([10, 10, number.to_be_bytes()[0], number.to_be_bytes()[1]]);
            sightings.note(machine(number), address, after(u64::from(number) / 100));
            sightings.note(machine(9_999), address, after(u64::from(number) / 100));
        }
        let seen = sightings.seen(after(100), |_, _| false);
        assert_eq!(seen.len(), MACHINES_MAX);
        assert!(seen.iter().all(|seen| seen.addresses.len() <= ADDRESSES_MAX));
    }
}
