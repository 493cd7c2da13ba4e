//! What stands behind the portal's pages, for tests: everything but sockets.

use std::sync::Arc;

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{
    acts::{Acts, Sights},
    page::House,
    page_tests::settings,
    secure::Secure,
    teacher::Handles,
};
use crate::{
    admin::{Announcements, Devices, Openings, Requests, Snapshot, Store, Vouchers},
    enforce::{
        dns::{self, Resolver},
        ent::{self, Ent, EntUrl, Protocol},
        gate::Gate,
        sign_in::SignIn,
    },
    identity::{EntMatch, Identity},
    journal::Journal,
    lan::Leases,
    model::Zone,
    policy::Policy,
    system::clock::Clock,
};

/// What the pages need, and what moves it.
pub(super) struct Backstage {
    pub(super) secure: Secure,
    pub(super) health: watch::Sender<Snapshot>,
    pub(super) leases: watch::Sender<Arc<Leases>>,
}

impl Backstage {
    /// Pages about `identity` in a school of one zone, whose acts are kept in `store`.
    pub(super) fn new(
        identity: &Identity,
        sign_in: SignIn,
        journal: Journal,
        store: Store,
        clock: Clock,
        zone: Arc<Zone>,
    ) -> Self {
        let rules = watch::channel(Arc::new(Policy::new(Vec::new(), None).unwrap())).1;
        let zones = vec![zone];
        let openings =
            Openings::open(store.clone(), identity.clone(), rules.clone(), zones.clone(), clock.now())
                .unwrap();
        let acts = Acts {
            requests: Requests::new(store.clone(), openings.clone()),
            openings,
            devices: Devices::open(store.clone(), identity.clone()).unwrap(),
            vouchers: Vouchers::open(store.clone(), identity.clone()).unwrap(),
            announcements: Announcements::open(store.clone()).unwrap(),
            trail: store,
        };
        let (health, health_seen) = watch::channel(Snapshot::default());
        let (leases, leases_seen) = watch::channel(Arc::new(Leases::default()));
        let dns = dns::Settings {
            upstreams: Vec::new(),
            own_names: Vec::new(),
            zones: zones.clone(),
            listen_port: 0,
        };
        let resolver = Resolver::new(&dns);
        let ent = Ent::open(ent_settings(), resolver.clone(), identity.clone(), clock.clone()).unwrap().0;
        let sights = Sights { resolver, health: health_seen, leases: leases_seen };
        let secure = Secure {
            house: House::new(&settings()),
            name: settings().name,
            gate: Gate::new(identity.clone(), rules, journal, clock.clone()),
            identity: identity.clone(),
            sign_in,
            ent: Some(ent),
            acts,
            sights,
            zones,
            clock,
            handles: Handles::new().unwrap(),
            listening: Arc::new(Semaphore::new(1)),
            ending: CancellationToken::new(),
        };
        Self { secure, health, leases }
    }
}

fn ent_settings() -> ent::Settings {
    ent::Settings {
        name: String::from("Mon ENT"),
        protocol: Protocol::Cas,
        url: EntUrl::parse("https://ent.exemple.fr/cas").unwrap(),
        sites: Vec::new(),
        id: None,
        matches: EntMatch::Id,
        authorities_path: None,
        portal: settings().origin(),
    }
}
