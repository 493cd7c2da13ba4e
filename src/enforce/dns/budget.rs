//! How much each client may say and hear in DNS before it is taken for a tunnel (field lessons: iodine, dns2tcp).
//!
//! A tunnel must ask *upstream* for ever new names below one of its own, and lives on what comes back. So only what
//! leaves for upstream is counted, and only news: labels and records that this client has not been charged for lately.
//! Names asked again, shared addresses and signatures cost next to nothing; what is in the cache costs nothing at all.
//!
//! News fills two leaky buckets: the parent's, per client, and the client's own, for whoever uses many parents at once.
//! A bucket that overflows holds: what would leave is refused, and not charged, until it has leaked for some minutes. The
//! answer that makes it overflow is not given either, so that a large one gains nothing.
//! A client that is held loses only the parents it uses most, so that a class behind one machine goes on working.
//!
//! Memory is bounded, and nobody gets rid of a charge by making the box forget: whoever is too many takes the place
//! *and the level* of the quietest (the bound of the "space-saving" algorithm of Metwally, Agrawal and El Abbadi, 2005).
//! Names are kept as keyed hashes only.

use std::{
    collections::{HashMap, HashSet, hash_map::RandomState},
    hash::BuildHasher as _,
};

use tokio::time::Instant;

use super::{
    limits::{
        BUDGET_CLIENTS_MAX, BUDGET_PARENTS_MAX, CLIENT_BYTES_MAX, CLIENT_BYTES_PER_SECOND, KNOWN_NEWS_MAX,
        MISSING_NAME_BYTES, PARENT_BYTES_MAX, PARENT_BYTES_PER_SECOND, PARENT_FREE_BYTES,
        PARENT_FREE_BYTES_PER_SECOND, QUESTION_BYTES, RECORD_BYTES, RELEASE_QUARTERS,
    },
    news::{Brought, Told},
};
use crate::enforce::places::Client;

/// Whether a question may leave for upstream, or its answer be given.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passage {
    /// It may.
    Granted,
    /// It is held, and so is whatever else its client asks below that parent.
    Held,
}

/// The budgets of all clients.
#[derive(Debug, Default)]
pub(super) struct Budgets {
    hasher: RandomState,
    clients: HashMap<Client, Ledger>,
}

/// One client's budget.
#[derive(Debug)]
struct Ledger {
    whole: Bucket<CLIENT_BYTES_MAX, CLIENT_BYTES_PER_SECOND>,
    parents: HashMap<u64, Parent>,
    known: Known,
}

/// One client's budget for the names below one parent.
#[derive(Clone, Copy, Debug)]
struct Parent {
    bucket: Bucket<PARENT_BYTES_MAX, PARENT_BYTES_PER_SECOND>,
    /// What does not count for the client as a whole, up to its bound.
    free: Bucket<PARENT_FREE_BYTES, PARENT_FREE_BYTES_PER_SECOND>,
}

impl Budgets {
    /// Charges `client` for a question about the name `told`, unless it is held.
    pub(super) fn leave(&mut self, client: Client, told: &Told, now: Instant) -> Passage {
        if told.is_self_talk {
            return Passage::Granted;
        }
        let parent = self.hasher.hash_one(&told.parent);
        let labels = self.hasher.hash_one((parent, &told.labels));
        let ledger = self.ledger(client, now);
        if ledger.is_held(parent, now) {
            return Passage::Held;
        }
        let news = if ledger.known.is_news(labels) { length(&told.labels) } else { 0 };
        if ledger.make_room(parent, now) {
            ledger.whole.pour(QUESTION_BYTES + length(&told.parent), now);
        }
        ledger.charge(parent, QUESTION_BYTES + news, now);
        Passage::Granted
    }

    /// Charges `client` for what came back, and says whether it may be given.
    pub(super) fn came_back(
        &mut self,
        client: Client,
        told: &Told,
        brought: &[Brought<'_>],
        exists: bool,
        now: Instant,
    ) -> Passage {
        if told.is_self_talk {
            return Passage::Granted;
        }
        let parent = self.hasher.hash_one(&told.parent);
        let marks: Vec<_> = brought.iter().map(|record| self.hasher.hash_one((parent, record))).collect();
        let ledger = self.ledger(client, now);
        let mut bytes = if exists { 0 } else { MISSING_NAME_BYTES };
        for (record, mark) in brought.iter().zip(marks) {
            bytes += RECORD_BYTES + if ledger.known.is_news(mark) { record.bytes() } else { 0 };
        }
        ledger.make_room(parent, now);
        ledger.charge(parent, bytes, now);
        if ledger.is_held(parent, now) { Passage::Held } else { Passage::Granted }
    }

    /// How many clients are held, wholly or below some parent.
    pub(super) fn held(&self, now: Instant) -> usize {
        let is_held = |ledger: &&Ledger| {
            ledger.whole.holds(now) || ledger.parents.values().any(|parent| parent.bucket.holds(now))
        };
        self.clients.values().filter(is_held).count()
    }

    fn ledger(&mut self, client: Client, now: Instant) -> &mut Ledger {
        let mut whole = Bucket::empty(now);
        if self.clients.len() >= BUDGET_CLIENTS_MAX && !self.clients.contains_key(&client) {
            let quietest = self.clients.iter().min_by_key(|(_, ledger)| ledger.whole.level(now));
            if let Some(gone) =
                quietest.map(|(client, _)| *client).and_then(|gone| self.clients.remove(&gone))
            {
                whole = gone.whole;
            }
        }
        let empty = || Ledger { whole, parents: HashMap::new(), known: Known::default() };
        self.clients.entry(client).or_insert_with(empty)
    }
}

impl Ledger {
    fn is_held(&self, parent: u64, now: Instant) -> bool {
        let whole_is_held = self.whole.holds(now);
        self.parents.get(&parent).is_some_and(|parent| {
            parent.bucket.holds(now)
                || whole_is_held && parent.free.level(now) >= PARENT_FREE_BYTES * 1000 / 8
        })
    }

    /// Makes sure of a place for `parent`. Says whether it had none.
    fn make_room(&mut self, parent: u64, now: Instant) -> bool {
        if self.parents.contains_key(&parent) {
            return false;
        }
        let mut taken = Parent { bucket: Bucket::empty(now), free: Bucket::empty(now) };
        if self.parents.len() >= BUDGET_PARENTS_MAX {
            let quietest =
                self.parents.iter().min_by_key(|(_, it)| (it.bucket.level(now), it.free.level(now)));
            if let Some(gone) = quietest.map(|(gone, _)| *gone).and_then(|gone| self.parents.remove(&gone)) {
                taken = gone;
            }
        }
        self.parents.insert(parent, taken);
        true
    }

    fn charge(&mut self, parent: u64, bytes: u64, now: Instant) {
        let Some(parent) = self.parents.get_mut(&parent) else { return };
        parent.bucket.pour(bytes, now);
        let spilt = parent.free.pour(bytes, now);
        self.whole.pour(spilt, now);
    }
}

/// A bucket of `MAX` bytes that leaks `RATE` bytes a second.
#[derive(Clone, Copy, Debug)]
struct Bucket<const MAX: u64, const RATE: u64> {
    /// Thousandths of a byte: what leaks in a millisecond is then a whole number.
    millibytes: u64,
    at: Instant,
    is_holding: bool,
}

impl<const MAX: u64, const RATE: u64> Bucket<MAX, RATE> {
    fn empty(now: Instant) -> Self {
        Self { millibytes: 0, at: now, is_holding: false }
    }

    /// How full it is, in thousandths of a byte.
    fn level(&self, now: Instant) -> u64 {
        let passed = u64::try_from(now.saturating_duration_since(self.at).as_millis()).unwrap_or(u64::MAX);
        self.millibytes.saturating_sub(passed.saturating_mul(RATE))
    }

    /// Pours `bytes` in, and says how many run over.
    fn pour(&mut self, bytes: u64, now: Instant) -> u64 {
        let was_holding = self.holds(now);
        let level = self.level(now) + bytes * 1000;
        self.millibytes = level.min(MAX * 1000);
        self.at = now;
        self.is_holding = was_holding || level >= MAX * 1000;
        (level - self.millibytes) / 1000
    }

    /// Whether it has run over and not yet leaked enough.
    fn holds(&self, now: Instant) -> bool {
        self.is_holding && self.level(now) >= MAX * 1000 / 4 * RELEASE_QUARTERS
    }
}

/// What is no news, in two generations: what is new or used goes to the young one; when that is full it becomes the old.
#[derive(Debug, Default)]
struct Known {
    young: HashSet<u64>,
    old: HashSet<u64>,
}

impl Known {
    /// Whether `mark` was not known. It is then.
    fn is_news(&mut self, mark: u64) -> bool {
        if self.young.contains(&mark) {
            return false;
        }
        let was_old = self.old.remove(&mark);
        if self.young.len() >= KNOWN_NEWS_MAX {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(mark);
        !was_old
    }
}

fn length(wire: &[u8]) -> u64 {
    // Names have 255 bytes at most.
    u64::try_from(wire.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, time::Duration};

    use domain::base::Name;

    use super::*;
    use crate::{enforce::dns::tests::scene::wire, model::Mac};

    const PUPIL: Client = Client::Machine(Mac::new([2, 0, 0, 0, 0, 1]));

    /// 1 kbit/s for ten minutes, in bytes.
    const TEN_MINUTES_BYTES_MAX: usize = 75_000;

    fn told(name: &str) -> Told {
        Told::of(Name::from_slice(&wire(name)).unwrap())
    }

    /// Different text for different numbers, `length` characters long.
    fn text(number: usize, length: usize) -> String {
        let text = format!("{:016x}", u64::try_from(number).unwrap().wrapping_mul(0x9e37_79b9_7f4a_7c15));
        text.chars().cycle().take(length).collect()
    }

    /// Asks for `name`, and gets a record of type TXT with `data`. Says how many bytes went through.
    fn ask(budgets: &mut Budgets, client: Client, name: &str, data: &[u8], now: Instant) -> usize {
        let told = told(name);
        if budgets.leave(client, &told, now) == Passage::Held {
            return 0;
        }
        let brought = [Brought { owner: &[], rtype: 16, data }];
        match budgets.came_back(client, &told, &brought, true, now) {
            Passage::Granted => told.labels.len() + data.len(),
            Passage::Held => told.labels.len(),
        }
    }

    /// What a tunnel moves in ten minutes that asks for a new name `per_second` times, below `domains` names in turn.
    fn tunnelled(per_second: u32, domains: usize, labels_bytes: usize, data_bytes: usize) -> usize {
        let (mut budgets, begin) = (Budgets::default(), Instant::now());
        let mut moved = 0;
        for number in 0..per_second * 600 {
            let now = begin + Duration::from_secs(1) * number / per_second;
            let number = usize::try_from(number).unwrap();
            let name = format!("{}.tunnel{}.example", text(number, labels_bytes.min(63)), number % domains);
            let name = match labels_bytes {
                0..64 => name,
                _ => format!("{}.{}.{name}", text(number, 63), text(number, 63)),
            };
            moved += ask(&mut budgets, PUPIL, &name, text(number, data_bytes).as_bytes(), now);
        }
        moved
    }

    #[test]
    fn a_tunnel_gets_less_than_a_kilobit_a_second_over_ten_minutes() {
        for (fact, moved) in [
            ("full names and answers, as iodine", tunnelled(50, 1, 190, 1100)),
            ("short names that poll, as dns2tcp", tunnelled(20, 1, 12, 200)),
            ("slow and patient", tunnelled(1, 1, 60, 60)),
            ("large answers over TCP", tunnelled(5, 1, 12, 60_000)),
            ("five names of its own", tunnelled(50, 5, 190, 1100)),
            ("twenty names of its own", tunnelled(50, 20, 60, 60)),
        ] {
            assert!(moved < TEN_MINUTES_BYTES_MAX, "{fact}: {moved} bytes");
        }
    }

    #[test]
    fn a_code_of_known_names_gets_no_further() {
        let (mut budgets, begin) = (Budgets::default(), Instant::now());
        let mut passed = 0;
        for number in 0..60_000_usize {
            let now = begin + Duration::from_millis(10) * u32::try_from(number).unwrap();
            let name = format!("{}.tunnel.example", number % 256);
            passed += usize::from(ask(&mut budgets, PUPIL, &name, b"yes", now) > 0);
        }
        // Each question says one of 256 names, and its answer one of as many records.
        assert!(passed * 2 < TEN_MINUTES_BYTES_MAX, "{passed}");
    }

    /// One hour of `browsers` behind one client that nobody else's questions help: 400 names below 150 parents each,
    /// half of them their own, asked again every five minutes, with records that half of the names share; most of it
    /// in the first ten minutes.
    fn first_hour(browsers: usize) -> usize {
        let (mut budgets, begin) = (Budgets::default(), Instant::now());
        let mut held = 0;
        for round in 0..12_usize {
            let now = begin + Duration::from_secs(300) * u32::try_from(round).unwrap();
            for browser in 0..browsers {
                for number in 0..400_usize {
                    // A quarter is new in each later round.
                    let fresh = if number % 4 == 0 { round } else { 0 };
                    let own = if number % 2 == 0 { browser % 6 } else { 0 };
                    let now = now + Duration::from_millis(600) * u32::try_from(number).unwrap();
                    let name = format!(
                        "{}.site{}.example",
                        text(number + 1000 * own + 50_000 * fresh, 12),
                        number % 150
                    );
                    let address = text(number / 2 + 1000 * own, 20);
                    held += usize::from(ask(&mut budgets, PUPIL, &name, address.as_bytes(), now) == 0);
                }
            }
        }
        assert_eq!(budgets.held(begin + Duration::from_secs(3600)), 0);
        held
    }

    #[test]
    fn a_class_behind_one_machine_does_not_notice() {
        assert_eq!(first_hour(1), 0);
        assert_eq!(first_hour(30), 0);
    }

    /// Makes `budgets` hold what `client` asks below `tunnel.example`.
    fn overflow(budgets: &mut Budgets, client: Client, now: Instant) {
        for number in 0.. {
            if ask(budgets, client, &format!("{}.tunnel.example", text(number, 60)), b"", now) == 0 {
                return;
            }
        }
    }

    #[test]
    fn what_is_held_is_one_name_of_one_client_and_recovers_in_minutes() {
        let (mut budgets, now) = (Budgets::default(), Instant::now());
        overflow(&mut budgets, PUPIL, now);
        let other = Client::Address(Ipv4Addr::new(10, 10, 0, 9).into());
        assert!(ask(&mut budgets, PUPIL, "www.exemple.fr", b"1234", now) > 0);
        assert!(ask(&mut budgets, other, "www.tunnel.example", b"1234", now) > 0);
        assert_eq!(budgets.held(now), 1);
        let later = |minutes: u64| now + Duration::from_secs(60 * minutes);
        assert_eq!(
            ask(&mut budgets, PUPIL, "www.tunnel.example", b"", later(1)),
            0,
            "trying costs and gains nothing"
        );
        assert!(ask(&mut budgets, PUPIL, "www.tunnel.example", b"1234", later(4)) > 0);
        assert_eq!(budgets.held(later(4)), 0);
    }

    #[test]
    fn who_is_forgotten_leaves_its_level_to_whoever_takes_its_place() {
        let (mut budgets, now) = (Budgets::default(), Instant::now());
        overflow(&mut budgets, PUPIL, now);
        // Other names of the same client do not push the tunnel's out.
        for number in 0..2 * BUDGET_PARENTS_MAX {
            let name = format!("a.other{number}.example");
            let _ = budgets.leave(PUPIL, &told(&name), now);
        }
        assert_eq!(ask(&mut budgets, PUPIL, "b.tunnel.example", b"", now), 0);
        // Nor do other clients.
        for number in 0..2 * BUDGET_CLIENTS_MAX {
            let number = u32::try_from(number).unwrap();
            let _ = budgets.leave(Client::Address(Ipv4Addr::from(number).into()), &told("a.fr"), now);
        }
        assert_eq!(ask(&mut budgets, PUPIL, "c.tunnel.example", b"", now), 0);
        assert!(budgets.clients.len() <= BUDGET_CLIENTS_MAX);
        assert!(budgets.clients.values().all(|ledger| ledger.parents.len() <= BUDGET_PARENTS_MAX));
    }

    #[test]
    fn a_company_that_talks_to_itself_is_not_charged() {
        let (mut budgets, now) = (Budgets::default(), Instant::now());
        for number in 0..5000 {
            let name = format!("{}.safeframe.googlesyndication.com", text(number, 32));
            assert!(ask(&mut budgets, PUPIL, &name, b"1234", now) > 0);
        }
    }
}
