//! What stands behind the portal's pages, for tests: everything but sockets.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    page_tests::settings,
    parts::{Acts, Parts, Sights},
};
use crate::{
    admin::{Feeds, Openings, Snapshot, Store},
    counts::Counts,
    enforce::{
        dns::{self, Resolver},
        ent::{self, Ent, EntUrl, Protocol},
        gate::Gate,
        sign_in::SignIn,
    },
    identity::{EntMatch, Identity, register::Terms},
    journal::Journal,
    lan::Leases,
    model::Zone,
    policy::{Policy, SchoolCalendar, SchoolZone},
    system::clock::Clock,
};

/// What the pages ask, and what moves it.
pub(super) struct Backstage {
    pub(super) parts: Parts,
    pub(super) health: watch::Sender<Snapshot>,
    pub(super) leases: watch::Sender<Arc<Leases>>,
}

impl Backstage {
    /// A school of one `zone` with an ENT and `rules`, whose acts are kept in `store`.
    pub(super) fn new(
        (identity, sign_in): (Identity, SignIn),
        journal: Journal,
        store: Store,
        rules: Policy,
        zone: Arc<Zone>,
        clock: Clock,
    ) -> Self {
        let rules = watch::channel(Arc::new(rules)).1;
        let zones = vec![zone];
        let openings =
            Openings::open(store.clone(), identity.clone(), rules.clone(), zones.clone(), clock.now());
        let terms = Terms { calendar: SchoolCalendar::shipped().clone(), zone: Some(SchoolZone::B) };
        let terms = watch::channel(Arc::new(terms)).1;
        let feeds = Feeds::new(store.clone(), &identity, terms, clock.clone());
        let acts = Acts::open(store, &identity, openings.unwrap(), feeds).unwrap();
        let (health, health_seen) = watch::channel(Snapshot::default());
        let (leases, leases_seen) = watch::channel(Arc::new(Leases::default()));
        let dns = dns::Settings {
            upstreams: Vec::new(),
            own_names: Vec::new(),
            fronted_names: Vec::new(),
            local_names: Vec::new(),
            zones,
            listen_port: 0,
            redirected_port: 0,
        };
        let resolver = Resolver::new(&dns);
        let ent = Ent::open(ent_settings(), resolver.clone(), identity.clone(), clock.clone()).unwrap().0;
        let sights = Sights { resolver, health: health_seen, leases: leases_seen };
        let gate = Gate::new(identity.clone(), rules, journal, Counts::for_tests(), clock.clone());
        let parts = Parts {
            identity,
            sign_in,
            ent: Some(ent),
            acts,
            library: None,
            sights,
            gate,
            clock,
            fronting: None,
        };
        Self { parts, health, leases }
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
