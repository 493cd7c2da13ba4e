//! Names to answers: the cache, then upstream, once for all who ask the same thing at once.

use std::{
    collections::HashMap,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::base::iana::Rtype;
use futures_util::future::BoxFuture;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout},
};
use tracing::debug;

use super::{
    academie::{Academie, Inner},
    answer::Answer,
    cache::{Cache, Known},
    key::Key,
    limits::{
        CACHE_BYTES_MAX, CACHE_ENTRIES_MAX, FLIGHTS_MAX, STALE_PATIENCE, WAITING_MAX, WAITING_OF_CLIENT_MAX,
    },
    line::LineStanding,
    outer::OuterNames,
    private::Inside,
    reply::Age,
    service::Settings,
    special::SpecialNames,
    upstream::Upstreams,
};
use crate::{
    enforce::places::{Client, Place, Places},
    model::{Domain, Site, Zone},
    policy::Permit,
};

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// Why a name has no address.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ResolveError {
    /// The name does not exist or has no address of that family.
    #[error("the name has no address")]
    NoAddress,
    /// No upstream resolver answered in time, or the asker waits for too many answers.
    #[error("no resolver answered")]
    NoAnswer,
}

/// Where a permitted site is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// Its addresses of one family, in the order to try them; at least one.
    pub addresses: Vec<IpAddr>,
    /// The names it leads to by CNAME. The asker must be allowed all of them.
    pub leads_to: Vec<Domain>,
}

/// Resolves through the same cache and upstreams as the DNS service. Cloning is cheap.
#[derive(Clone)]
pub struct Resolver {
    shared: Arc<Shared>,
}

/// An answer and its age.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The answer.
    pub(super) answer: Arc<Answer>,
    /// How old it is.
    pub(super) age: Age,
}

/// Nobody upstream answered, and there is nothing to answer instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoAnswer;

type Landing = Result<Arc<Answer>, NoAnswer>;

struct Shared {
    cache: Mutex<Cache>,
    outer: Mutex<OuterNames>,
    flights: Mutex<Flights>,
    upstreams: Upstreams,
    special: SpecialNames,
    zones: Vec<Arc<Zone>>,
    academie: Mutex<Option<Arc<Inner>>>,
    fronted: Vec<Domain>,
    /// Bounds those who wait for upstream, whatever road their questions came by.
    waiting: Places,
}

/// The questions under way upstream. Each is a task of its own, so that it ends in the cache even when those who asked
/// have been given an expired answer or have gone. Bounded in number and, by the upstream's patience, in time.
#[derive(Default)]
struct Flights {
    tasks: JoinSet<()>,
    landings: HashMap<Box<[u8]>, watch::Receiver<Option<Landing>>>,
}

impl Resolver {
    /// A resolver with an empty cache.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let special = SpecialNames::new(
            settings.own_names.clone(),
            settings.local_names.clone(),
            Inside::of(&settings.zones),
        );
        let shared = Shared {
            cache: Mutex::new(Cache::new(CACHE_BYTES_MAX, CACHE_ENTRIES_MAX)),
            outer: Mutex::default(),
            flights: Mutex::default(),
            upstreams: Upstreams::new(&settings.upstreams),
            special,
            zones: settings.zones.clone(),
            academie: Mutex::default(),
            fronted: settings.fronted_names.clone(),
            waiting: Places::new(WAITING_MAX, WAITING_OF_CLIENT_MAX),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A resolver that asks `upstreams`, for a command of a box that does not run yet.
    #[must_use]
    pub fn of_line(upstreams: Vec<SocketAddr>) -> Self {
        Self::new(&Settings {
            upstreams,
            own_names: Vec::new(),
            fronted_names: Vec::new(),
            local_names: Vec::new(),
            zones: Vec::new(),
            listen_port: 0,
            redirected_port: 0,
        })
    }

    /// From here on these are the académie's names; none where the box has no tunnel. What was kept is forgotten.
    pub fn set_academie(&self, academie: Option<&Academie>) {
        let inner = academie.map(|academie| Arc::new(Inner::new(academie, &self.shared.zones)));
        *self.shared.academie.lock().unwrap_or_else(PoisonError::into_inner) = inner;
        *self.shared.cache() = Cache::new(CACHE_BYTES_MAX, CACHE_ENTRIES_MAX);
    }

    /// Whether `name` is one of the académie's own.
    pub(super) fn is_of_academie(&self, name: &Domain) -> bool {
        self.shared.academie().is_some_and(|academie| academie.holds(name))
    }

    /// A place for `client` to wait for upstream in, if there is one.
    pub(super) fn place_for(&self, client: Client) -> Option<Place> {
        self.shared.waiting.take(client)
    }

    /// [`Resolver::addresses_for_box`] for whoever has a name as text.
    #[must_use]
    pub fn finder(&self) -> Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync> {
        let resolver = self.clone();
        Arc::new(move |name| {
            let resolver = resolver.clone();
            Box::pin(async move {
                let name: Domain =
                    name.parse().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                let found = resolver.addresses_for_box(&name).await;
                found.map_err(|error| io::Error::new(io::ErrorKind::NotFound, error))
            })
        })
    }

    /// Where the permitted site is, under the name it is served as. A bare address is itself. A name that leads to an
    /// address inside the school has none.
    ///
    /// What upstream must be asked for takes a place of `asker`, as its questions in DNS do: with names in hellos and
    /// requests alone one machine could otherwise have all the questions that may be under way.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub async fn addresses(
        &self,
        permit: &Permit,
        family: Family,
        asker: Client,
    ) -> Result<Whereabouts, ResolveError> {
        let of_family = |address: &IpAddr| address.is_ipv4() == (family == Family::V4);
        let name = match permit.site() {
            Site::Address(address) if of_family(address) => {
                return Ok(Whereabouts { addresses: vec![*address], leads_to: Vec::new() });
            }
            Site::Address(_) => return Err(ResolveError::NoAddress),
            Site::Name(name) => permit.served_as().unwrap_or(name),
        };
        // What is the académie's is reached by packets through the tunnel, never by the proxy.
        if self.shared.special.find(name).is_some() || self.is_of_academie(name) {
            return Err(ResolveError::NoAddress);
        }
        let rtype = match family {
            Family::V4 => Rtype::A,
            Family::V6 => Rtype::AAAA,
        };
        let key = Key::of_domain(name, rtype);
        let found = match self.at_once(&key) {
            Some(found) => found,
            None => {
                let _place = self.place_for(asker).ok_or(ResolveError::NoAnswer)?;
                self.look_up(&key).await.map_err(|NoAnswer| ResolveError::NoAnswer)?
            }
        };
        if found.answer.is_failure() {
            return Err(ResolveError::NoAnswer);
        }
        if found.answer.points_inside {
            return Err(ResolveError::NoAddress);
        }
        let addresses = found.answer.addresses();
        if addresses.is_empty() {
            return Err(ResolveError::NoAddress);
        }
        Ok(Whereabouts { addresses, leads_to: found.answer.chain().to_vec() })
    }

    /// Where `name` is, of both families, for a request of the box itself; at least one address. A name that leads into
    /// the school has none.
    ///
    /// It takes no [`Permit`], and is no way around one: the names come from the configuration and the enrolment (ENT,
    /// applications, central), never from what a client sent, the addresses are given to nobody, and whoever asks for the same name through the
    /// box is judged as ever.
    ///
    /// # Errors
    /// See [`ResolveError`].
    pub async fn addresses_for_box(&self, name: &Domain) -> Result<Vec<IpAddr>, ResolveError> {
        if self.shared.special.find(name).is_some() {
            return Err(ResolveError::NoAddress);
        }
        let (key_v6, key_v4) = (Key::of_domain(name, Rtype::AAAA), Key::of_domain(name, Rtype::A));
        let (v6, v4) = tokio::join!(self.look_up(&key_v6), self.look_up(&key_v4));
        let of = |found: &Result<Found, NoAnswer>| match found {
            Ok(found) if !found.answer.points_inside => found.answer.addresses(),
            _ => Vec::new(),
        };
        let (of_v6, of_v4) = (of(&v6), of(&v4));
        let longest = of_v6.len().max(of_v4.len());
        // By turns: where one family leads nowhere, the other's turn comes soon.
        let in_turn = (0..longest).flat_map(|place| [of_v6.get(place), of_v4.get(place)]);
        let addresses: Vec<_> = in_turn.flatten().copied().collect();
        let is_failure = |found: &Result<Found, NoAnswer>| match found {
            Ok(found) => found.answer.is_failure(),
            Err(NoAnswer) => true,
        };
        match addresses.is_empty() {
            false => Ok(addresses),
            true if is_failure(&v6) || is_failure(&v4) => Err(ResolveError::NoAnswer),
            true => Err(ResolveError::NoAddress),
        }
    }

    /// Whether a TLS hello that shows `name` hides another one: its encrypted part repeats the `number` of a key that was
    /// taken out of an answer and goes with this name. Without a match it is a meaningless one, or uses a key that nobody
    /// here has asked for.
    #[must_use]
    pub fn hides_behind(&self, name: &Domain, number: u8) -> bool {
        self.shared.outer().hide(name, number, Instant::now())
    }

    /// Whether the box itself answers for `site`, as its reverse proxy.
    pub(super) fn fronts(&self, site: &Site) -> bool {
        matches!(site, Site::Name(name) if self.shared.fronted.contains(name))
    }

    /// How many questions the cache knows.
    #[must_use]
    pub fn cached(&self) -> usize {
        self.shared.cache().len()
    }

    /// Whether the line is up, by who answers upstream.
    #[must_use]
    pub fn line(&self) -> LineStanding {
        self.shared.upstreams.line()
    }

    /// The upstream servers.
    pub(super) fn upstreams(&self) -> &Upstreams {
        &self.shared.upstreams
    }

    /// The names that are asked of nobody.
    pub(super) fn special(&self) -> &SpecialNames {
        &self.shared.special
    }

    /// What can be answered at once, without waiting.
    pub(super) fn at_once(&self, key: &Key) -> Option<Found> {
        match self.shared.cache().find(key, Instant::now()) {
            Known::Answer(answer, age) => Some(Found { answer, age }),
            Known::Expired(_) | Known::Failed | Known::Nothing => None,
        }
    }

    /// Drops what is kept about `key`: it was given to nobody and shall not be.
    pub(super) fn forget(&self, key: &Key) {
        self.shared.cache().forget(key);
    }

    /// The answer to `key`. An expired one serves when upstream fails or takes longer than [`STALE_PATIENCE`].
    pub(super) async fn look_up(&self, key: &Key) -> Result<Found, NoAnswer> {
        let known = self.shared.cache().find(key, Instant::now());
        let expired = match known {
            Known::Answer(answer, age) => return Ok(Found { answer, age }),
            Known::Failed => return Err(NoAnswer),
            Known::Expired(answer) => Some(answer),
            Known::Nothing => None,
        };
        let landed = match (self.join_flight(key), &expired) {
            (None, _) => Err(NoAnswer),
            (Some(landing), None) => landed(landing).await,
            (Some(landing), Some(_)) => {
                timeout(STALE_PATIENCE, landed(landing)).await.unwrap_or(Err(NoAnswer))
            }
        };
        match (landed, expired) {
            (Ok(answer), Some(expired)) if answer.is_failure() => {
                Ok(Found { answer: expired, age: Age::Stale })
            }
            (Ok(answer), _) => Ok(Found { answer, age: Age::Fresh(0) }),
            (Err(NoAnswer), Some(expired)) => Ok(Found { answer: expired, age: Age::Stale }),
            (Err(NoAnswer), None) => Err(NoAnswer),
        }
    }

    /// Ends all questions under way.
    pub(super) fn stop(&self) {
        let mut flights = self.shared.flights();
        flights.tasks.abort_all();
        flights.landings.clear();
    }

    /// The flight that asks `key` upstream, begun if nobody has yet. None when too many are under way.
    fn join_flight(&self, key: &Key) -> Option<watch::Receiver<Option<Landing>>> {
        let mut flights = self.shared.flights();
        while flights.tasks.try_join_next().is_some() {}
        if let Some(landing) = flights.landings.get(key.as_slice()) {
            return Some(landing.clone());
        }
        if flights.landings.len() >= FLIGHTS_MAX {
            return None;
        }
        if let Some(server) = self.shared.upstreams.due_probe() {
            let (shared, key) = (Arc::clone(&self.shared), key.clone());
            flights.tasks.spawn(async move { shared.upstreams.probe(server, &key).await });
        }
        let (ground, landing) = watch::channel(None);
        flights.landings.insert(Box::from(key.as_slice()), landing.clone());
        let (shared, key) = (Arc::clone(&self.shared), key.clone());
        flights.tasks.spawn(async move {
            let landed = shared.fly(&key).await;
            // After the cache, so that whoever comes now finds the one or the other.
            shared.flights().landings.remove(key.as_slice());
            ground.send_replace(Some(landed));
        });
        Some(landing)
    }
}

impl Shared {
    /// Asks upstream and keeps what comes.
    async fn fly(&self, key: &Key) -> Landing {
        let academie = self.academie();
        let is_of_academie = academie.as_deref().is_some_and(|academie| academie.holds_key(key));
        let (upstreams, inside) = match academie.as_deref() {
            Some(academie) if is_of_academie => (&academie.upstreams, &academie.inside),
            Some(academie) => (&self.upstreams, &academie.inside_for_others),
            None => (&self.upstreams, self.special.inside()),
        };
        let read = match upstreams.ask(key).await {
            Some(message) => Answer::read(&message, &key.question(), inside)
                .inspect_err(|unusable| debug!(%unusable, "upstream answer dropped"))
                .map(Arc::new)
                .map_err(|_| NoAnswer),
            None => Err(NoAnswer),
        };
        let now = Instant::now();
        for outer in read.iter().flat_map(|answer| answer.outer_names()) {
            self.outer().learn(outer, now);
        }
        match &read {
            Ok(answer) if !answer.is_failure() => self.cache().keep(key, answer, now),
            // A tunnel that is back carries the next question at once.
            Ok(_) | Err(NoAnswer) if is_of_academie => {}
            Ok(_) | Err(NoAnswer) => self.cache().note_failure(key, now),
        }
        read
    }

    fn academie(&self) -> Option<Arc<Inner>> {
        self.academie.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outer(&self) -> MutexGuard<'_, OuterNames> {
        self.outer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn flights(&self) -> MutexGuard<'_, Flights> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until a flight has landed. One that was cut short brings nothing.
async fn landed(mut landing: watch::Receiver<Option<Landing>>) -> Landing {
    match landing.wait_for(Option::is_some).await {
        Ok(landed) => landed.clone().unwrap_or(Err(NoAnswer)),
        Err(_) => Err(NoAnswer),
    }
}

/// Without the cache: it holds names.
impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Resolver")
    }
}
