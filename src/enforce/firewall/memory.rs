//! What is open to whom, and by which permits: pure, so that nothing stays open that nobody can vouch for.
//!
//! The kernel's sets hold no pair that is not remembered here. A pair that is forgotten, for whatever reason, is
//! handed back to be cut.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    time::Duration,
};

use tokio::time::Instant;

use super::group::Group;
use crate::model::Site;

/// Pairs of the whole school. Half of a kernel set, so that a set is never full before this memory; 10 MB here.
const PAIRS_MAX: usize = 32_768;

/// Pairs of one client. A machine that resolves names at random loses its own oldest pairs, not those of others.
const CLIENT_PAIRS_MAX: usize = 512;

/// Sites that one address serves to one client. Beyond, the one opened longest ago no longer vouches for the pair.
const GRANTS_MAX: usize = 8;

/// How long a flow may outlive its opening: longer than a day at school. Then its name must be resolved again.
const FLOW_LIFE_MAX: Duration = Duration::from_secs(12 * 3600);

/// How much longer than the kernel was told a pair must stay open before the kernel is told again. A cached answer is
/// given many times a minute, and its few seconds more are covered by the grace of minutes that every opening has.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A client and a destination of the same address family, and the services of which it may begin there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pair {
    pub(super) client: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) group: Group,
}

/// What a client has open.
type Target = (IpAddr, Group);

/// Pairs, each with the grants `G` that opened it.
#[derive(Debug)]
pub(super) struct Memory<G> {
    clients: HashMap<IpAddr, HashMap<Target, Kept<G>>>,
    pairs: usize,
}

#[derive(Debug)]
struct Kept<G> {
    grants: Vec<(Site, G)>,
    open_until: Instant,
}

/// What became of a pair that was opened.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remembered {
    /// It is open until then, which the kernel must be told.
    Until(Instant),
    /// It was open, and the kernel knows for how long.
    Already,
    /// As `Until`, and another pair of this client made room: it must be cut.
    InPlaceOf(Pair, Instant),
    /// There is no room; it stays closed.
    NoRoom,
}

impl Pair {
    fn new(client: IpAddr, (destination, group): Target) -> Self {
        Self { client, destination, group }
    }

    fn target(self) -> Target {
        (self.destination, self.group)
    }
}

impl<G> Memory<G> {
    pub(super) fn new() -> Self {
        Self { clients: HashMap::new(), pairs: 0 }
    }

    /// Remembers that `grant` opens `pair` for `site` until a moment; a pair stays open until the latest of these,
    /// or a minute less.
    pub(super) fn remember(&mut self, pair: Pair, site: Site, grant: G, until: Instant) -> Remembered {
        let known = self.clients.get(&pair.client).is_some_and(|pairs| pairs.contains_key(&pair.target()));
        let evicted = if known { None } else { self.make_room(pair.client) };
        if !known && self.pairs >= PAIRS_MAX {
            return Remembered::NoRoom;
        }
        let kept = match self.clients.entry(pair.client).or_default().entry(pair.target()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                self.pairs += 1;
                place.insert(Kept { grants: Vec::new(), open_until: until })
            }
        };
        kept.grants.retain(|(other, _)| *other != site);
        if kept.grants.len() == GRANTS_MAX {
            kept.grants.remove(0);
        }
        kept.grants.push((site, grant));
        if known && until <= kept.open_until + TOLD_AGAIN_AFTER {
            return Remembered::Already;
        }
        kept.open_until = kept.open_until.max(until);
        match evicted {
            Some(evicted) => Remembered::InPlaceOf(evicted, kept.open_until),
            None => Remembered::Until(kept.open_until),
        }
    }

    /// Whether the pair is remembered.
    pub(super) fn holds(&self, pair: Pair) -> bool {
        self.clients.get(&pair.client).is_some_and(|pairs| pairs.contains_key(&pair.target()))
    }

    /// Everyone who has a pair.
    pub(super) fn clients(&self) -> Vec<IpAddr> {
        self.clients.keys().copied().collect()
    }

    /// Drops the grants of `client` that are not `valid` any more and returns the pairs that have none left.
    pub(super) fn recheck(&mut self, client: IpAddr, valid: impl Fn(&G) -> bool) -> Vec<Pair> {
        self.forget(client, |kept| {
            kept.grants.retain(|(_, grant)| valid(grant));
            kept.grants.is_empty()
        })
    }

    /// Forgets, and returns, the pairs that were open too long ago.
    pub(super) fn forget_past(&mut self, now: Instant) -> Vec<Pair> {
        let past = |kept: &mut Kept<G>| kept.open_until + FLOW_LIFE_MAX <= now;
        self.clients().into_iter().flat_map(|client| self.forget(client, past)).collect()
    }

    /// Makes room for one more pair of `client`, where that takes one of its own.
    fn make_room(&mut self, client: IpAddr) -> Option<Pair> {
        let pairs = self.clients.get_mut(&client)?;
        if pairs.len() < CLIENT_PAIRS_MAX && self.pairs < PAIRS_MAX {
            return None;
        }
        let target = *pairs.iter().min_by_key(|(_, kept)| kept.open_until)?.0;
        pairs.remove(&target);
        self.pairs -= 1;
        Some(Pair::new(client, target))
    }

    /// Forgets, and returns, the pairs of `client` that are `over`.
    fn forget(&mut self, client: IpAddr, mut over: impl FnMut(&mut Kept<G>) -> bool) -> Vec<Pair> {
        let Some(pairs) = self.clients.get_mut(&client) else { return Vec::new() };
        let forgotten: Vec<Pair> =
            pairs.extract_if(|_, kept| over(kept)).map(|(target, _)| Pair::new(client, target)).collect();
        if pairs.is_empty() {
            self.clients.remove(&client);
        }
        self.pairs -= forgotten.len();
        forgotten
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn pair(client: u8, destination: u16) -> Pair {
        let [high, low] = destination.to_be_bytes();
        Pair {
            client: IpAddr::from(Ipv4Addr::new(10, 10, 0, client)),
            destination: IpAddr::from(Ipv4Addr::new(198, 18, high, low)),
            group: Group::FIRST,
        }
    }

    fn site(number: u8) -> Site {
        Site::Address(IpAddr::from(Ipv6Addr::from([number; 16])))
    }

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[tokio::test]
    async fn a_pair_is_open_until_the_latest_of_its_grants() {
        let (mut memory, now) = (Memory::new(), Instant::now());
        let late = now + seconds(100);
        assert_eq!(memory.remember(pair(1, 1), site(1), "long", late), Remembered::Until(late));
        let early = now + seconds(10);
        assert_eq!(memory.remember(pair(1, 1), site(2), "short", early), Remembered::Already);
    }

    #[tokio::test]
    async fn the_kernel_is_told_again_when_a_pair_stays_open_for_a_minute_more() {
        let (mut memory, now) = (Memory::new(), Instant::now());
        let mut remember = |until| memory.remember(pair(1, 1), site(1), "", until);
        assert_eq!(remember(now), Remembered::Until(now));
        assert_eq!(remember(now + seconds(40)), Remembered::Already);
        assert_eq!(remember(now + seconds(60)), Remembered::Already);
        assert_eq!(remember(now + seconds(61)), Remembered::Until(now + seconds(61)));
    }

    #[tokio::test]
    async fn a_pair_is_cut_when_its_last_grant_is_withdrawn() {
        let (mut memory, now) = (Memory::new(), Instant::now());
        memory.remember(pair(1, 1), site(1), "one", now);
        memory.remember(pair(1, 1), site(2), "two", now);
        memory.remember(pair(2, 1), site(1), "one", now);
        assert_eq!(memory.recheck(pair(1, 1).client, |grant| *grant != "one"), []);
        assert_eq!(memory.recheck(pair(1, 1).client, |grant| *grant != "two"), [pair(1, 1)]);
        assert!(!memory.holds(pair(1, 1)) && memory.holds(pair(2, 1)));
    }

    #[tokio::test]
    async fn the_same_site_opened_again_vouches_once() {
        let (mut memory, now) = (Memory::new(), Instant::now());
        for _ in 0..20 {
            memory.remember(pair(1, 1), site(1), "often", now);
        }
        memory.remember(pair(1, 1), site(2), "once", now);
        assert_eq!(memory.recheck(pair(1, 1).client, |grant| *grant == "once"), []);
        assert_eq!(memory.recheck(pair(1, 1).client, |grant| *grant == "often"), [pair(1, 1)]);
    }

    #[tokio::test]
    async fn a_client_with_too_many_pairs_loses_its_own_oldest() {
        let (mut memory, now) = (Memory::new(), Instant::now());
        memory.remember(pair(2, 7), site(1), "other", now);
        let many = u16::try_from(CLIENT_PAIRS_MAX).unwrap();
        for number in 0..many {
            let until = now + seconds(u64::from(number) + 1);
            assert_eq!(memory.remember(pair(1, number), site(1), "", until), Remembered::Until(until));
        }
        let until = now + seconds(9999);
        assert_eq!(
            memory.remember(pair(1, many), site(1), "", until),
            Remembered::InPlaceOf(pair(1, 0), until)
        );
        assert!(memory.holds(pair(2, 7)) && !memory.holds(pair(1, 0)));
    }

    #[tokio::test]
    async fn a_full_memory_opens_nothing_for_a_stranger() {
        let (mut memory, now) = (Memory::new(), Instant::now());
        for number in 0..PAIRS_MAX {
            let number = u16::try_from(number).unwrap();
            let client = u8::try_from(usize::from(number) / CLIENT_PAIRS_MAX).unwrap();
            memory.remember(pair(client, number), site(1), "", now);
        }
        assert_eq!(memory.remember(pair(255, 1), site(1), "", now), Remembered::NoRoom);
        assert!(matches!(
            memory.remember(pair(0, u16::MAX), site(1), "", now),
            Remembered::InPlaceOf(evicted, _) if evicted.client == pair(0, 0).client
        ));
        assert_eq!(memory.pairs, PAIRS_MAX);
    }

    #[tokio::test]
    async fn a_flow_may_outlive_its_opening_by_half_a_day() {
        let (mut memory, now) = (Memory::new(), Instant::now());
        memory.remember(pair(1, 1), site(1), "", now);
        assert_eq!(memory.forget_past(now + FLOW_LIFE_MAX - seconds(1)), []);
        assert_eq!(memory.forget_past(now + FLOW_LIFE_MAX), [pair(1, 1)]);
        assert_eq!((memory.pairs, memory.clients().len()), (0, 0));
    }
}
