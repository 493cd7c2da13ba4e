//! Which addresses each client may reach outside the web (decision D3): the resolver's answers, put into the kernel.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    TABLE_NAME,
    group::Group,
    memory::{Memory, Pair, Remembered},
};
use crate::{
    model::Zone,
    policy::Permit,
    system::netlink::{Element, SetWriter},
};

/// Answers that wait for the kernel: a school that wakes up. Beyond, they are dropped, and what they named stays closed.
const QUEUE_MAX: usize = 4096;

/// Answers that are put into the kernel in one go.
const BATCH_MAX: usize = 256;

/// Addresses of one answer that are opened; a longer answer is an attempt to fill the memory.
const ADDRESSES_MAX: usize = 32;

/// Other addresses of a machine that an answer is opened to: IPv4, and IPv6 with its changing privacy addresses (RFC
/// 8981, a few a week). A machine with more wants to fill the memory.
const OTHERS_MAX: usize = 8;

/// An address stays open this long after its answer ran out, or up to a minute less: programs connect late and again.
const GRACE: Duration = Duration::from_secs(300);

/// No answer is believed for longer.
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 3600);

/// How often what is over is cleared away.
const CLEAR_EVERY: Duration = Duration::from_secs(1);

/// The addresses our resolver gave to each client, kept in the kernel for as long as the answer lives plus a grace.
/// Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Opened {
    queue: mpsc::Sender<Opening>,
    /// Openings that found no room, in the queue or in the memory, since the log last said so.
    dropped: Arc<AtomicU64>,
}

/// Does in the kernel what [`Opened`] is told, and undoes what is not allowed any more.
#[derive(Debug)]
pub struct Opener {
    kernel: SetWriter,
    queue: mpsc::Receiver<Opening>,
    opened: Opened,
    memory: Memory<Grant>,
    /// What was cut since the last clearing. A packet that looked its pair up just before the cut may have put it back
    /// just after, so each is cut twice.
    cut_once: Vec<Pair>,
}

/// The sets of each family, in the order of cutting: first the right to begin, then what runs. The other way round a
/// flow could begin in between.
const SETS4: [&str; 2] = ["opened4", "held4"];
const SETS6: [&str; 2] = ["opened6", "held6"];

/// One answer of the resolver.
#[derive(Debug)]
struct Opening {
    client: IpAddr,
    groups: Vec<Group>,
    addresses: Vec<IpAddr>,
    lifetime: Duration,
    grant: Grant,
}

/// What opened a pair, to ask about again.
#[derive(Clone, Debug)]
struct Grant {
    zone: Arc<Zone>,
    permit: Permit,
}

impl Opened {
    /// The handle for those who answer, and the service that acts on it.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub fn new() -> anyhow::Result<(Self, Opener)> {
        let kernel = SetWriter::open(TABLE_NAME).context("cannot open the socket for opened addresses")?;
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let opened = Self { queue: sender, dropped: Arc::default() };
        let memory = Memory::new();
        Ok((opened.clone(), Opener { kernel, queue, opened, memory, cut_once: Vec::new() }))
    }

    /// Opens `addresses` of the permitted site to `client` for the services of `zone` that are open at that site. Never
    /// waits; what finds no room stays closed.
    pub fn open(
        &self,
        client: IpAddr,
        zone: &Arc<Zone>,
        permit: &Permit,
        addresses: &[IpAddr],
        lifetime: Duration,
    ) {
        self.open_groups(client, Group::open_at(zone, permit.site()), zone, permit, addresses, lifetime);
    }

    /// As [`Self::open`], for a site of the académie's own: through the tunnel, and no other way.
    pub fn open_academie(
        &self,
        client: IpAddr,
        zone: &Arc<Zone>,
        permit: &Permit,
        addresses: &[IpAddr],
        lifetime: Duration,
    ) {
        self.open_groups(client, vec![Group::ACADEMIE], zone, permit, addresses, lifetime);
    }

    fn open_groups(
        &self,
        client: IpAddr,
        groups: Vec<Group>,
        zone: &Arc<Zone>,
        permit: &Permit,
        addresses: &[IpAddr],
        lifetime: Duration,
    ) {
        if groups.is_empty() || addresses.is_empty() {
            return;
        }
        let opening = Opening {
            client,
            groups,
            addresses: addresses.iter().take(ADDRESSES_MAX).copied().collect(),
            lifetime: lifetime.min(LIFETIME_MAX),
            grant: Grant { zone: Arc::clone(zone), permit: permit.clone() },
        };
        if self.queue.try_send(opening).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Opener {
    /// Opens what is asked, until `stop`. Whenever `epoch` changes, everything open is asked about again and cut where
    /// `still` says no. `also_at` names the other addresses of the machine at an address: a name resolved over IPv4 is
    /// reached over IPv6, too.
    ///
    /// # Errors
    /// When the kernel refuses to cut. The daemon must then end: loading the ruleset closed cuts everything.
    pub async fn serve(
        mut self,
        mut epoch: watch::Receiver<u64>,
        still: impl Fn(IpAddr, &Zone, &Permit) -> bool + Send,
        also_at: impl Fn(&Zone, IpAddr) -> Vec<IpAddr> + Send,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut clearing = interval(CLEAR_EVERY);
        clearing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                changed = epoch.changed() => {
                    changed.context("nobody tells any more when rules change")?;
                    self.recheck(&still).await?;
                }
                _ = clearing.tick() => self.clear()?,
                _ = self.queue.recv_many(&mut batch, BATCH_MAX) => {
                    self.open(batch.drain(..), &still, &also_at)?;
                }
            }
        }
    }

    /// Puts a batch into the kernel. Each is asked about again first: it may have waited while the rules changed.
    fn open(
        &mut self,
        batch: impl Iterator<Item = Opening>,
        still: impl Fn(IpAddr, &Zone, &Permit) -> bool,
        also_at: impl Fn(&Zone, IpAddr) -> Vec<IpAddr>,
    ) -> anyhow::Result<()> {
        let now = Instant::now();
        let mut fresh = HashMap::new();
        let mut evicted = Vec::new();
        for Opening { client, groups, addresses, lifetime, grant } in batch {
            if !still(client, &grant.zone, &grant.permit) {
                continue;
            }
            let mut clients = also_at(&grant.zone, client);
            clients.truncate(OTHERS_MAX);
            clients.push(client);
            for pair in pairs(&clients, &addresses, &groups) {
                let site = grant.permit.site().clone();
                match self.memory.remember(pair, site, grant.clone(), now + lifetime + GRACE) {
                    Remembered::Until(until) => {
                        fresh.insert(pair, until);
                    }
                    Remembered::Already => {}
                    Remembered::InPlaceOf(other, until) => {
                        fresh.insert(pair, until);
                        fresh.remove(&other);
                        evicted.push(other);
                    }
                    Remembered::NoRoom => {
                        self.opened.dropped.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        }
        self.cut(&evicted)?;
        let mut elements: [Vec<Element>; 2] = Default::default();
        for (pair, until) in fresh {
            let [elements4, elements6] = &mut elements;
            let its_family = if pair.client.is_ipv4() { elements4 } else { elements6 };
            its_family.push(Element { key: pair.key(), timeout: until.duration_since(now) });
        }
        for ([opened, _], elements) in [SETS4, SETS6].into_iter().zip(elements) {
            self.put(opened, &elements);
        }
        Ok(())
    }

    /// Puts elements together, and one by one where the kernel refuses them together. What is refused stays closed.
    fn put(&mut self, set: &str, elements: &[Element]) {
        let Err(cause) = self.kernel.put(set, elements) else { return };
        let refused = elements
            .iter()
            .filter(|element| self.kernel.put(set, std::slice::from_ref(element)).is_err())
            .count();
        warn!(set, refused, %cause, "the kernel does not open every address");
    }

    /// Asks about everything open again. Yields between clients: a school has thousands of pairs.
    async fn recheck(&mut self, still: impl Fn(IpAddr, &Zone, &Permit) -> bool) -> anyhow::Result<()> {
        for client in self.memory.clients() {
            let valid = |grant: &Grant| still(client, &grant.zone, &grant.permit);
            let withdrawn = self.memory.recheck(client, valid);
            self.cut(&withdrawn)?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Forgets what is over, cuts a second time, and tells the log of what found no room.
    fn clear(&mut self) -> anyhow::Result<()> {
        let mut again = std::mem::take(&mut self.cut_once);
        again.retain(|pair| !self.memory.holds(*pair));
        self.cut_in_kernel(&again)?;
        let past = self.memory.forget_past(Instant::now());
        self.cut(&past)?;
        let dropped = self.opened.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            warn!(dropped, "no room to open addresses: they stay closed");
        }
        Ok(())
    }

    fn cut(&mut self, pairs: &[Pair]) -> anyhow::Result<()> {
        self.cut_once.extend(pairs);
        self.cut_in_kernel(pairs)
    }

    /// A pair may be named twice: it was cut, opened and cut again within a second.
    fn cut_in_kernel(&mut self, pairs: &[Pair]) -> anyhow::Result<()> {
        let distinct: HashSet<Pair> = pairs.iter().copied().collect();
        let (pairs4, pairs6): (Vec<Pair>, Vec<Pair>) =
            distinct.into_iter().partition(|pair| pair.client.is_ipv4());
        for (pairs, sets) in [(pairs4, SETS4), (pairs6, SETS6)] {
            let keys: Vec<Vec<u8>> = pairs.into_iter().map(Pair::key).collect();
            for set in sets {
                self.kernel.remove(set, &keys).context("cannot cut what is not allowed any more")?;
            }
        }
        Ok(())
    }
}

impl Pair {
    /// The key of the pair in the kernel's sets: client, destination, mark. A mark is in the machine's own order.
    fn key(self) -> Vec<u8> {
        let octets = |address| match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        [octets(self.client), octets(self.destination), self.group.mark().to_ne_bytes().to_vec()].concat()
    }
}

/// Every client address with every destination of its family, for every group.
fn pairs(clients: &[IpAddr], addresses: &[IpAddr], groups: &[Group]) -> impl Iterator<Item = Pair> {
    clients.iter().flat_map(move |client| {
        addresses.iter().filter(|address| address.is_ipv4() == client.is_ipv4()).flat_map(move |address| {
            groups.iter().map(|group| Pair { client: *client, destination: *address, group: *group })
        })
    })
}
