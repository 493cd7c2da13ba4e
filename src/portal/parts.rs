//! The parts of the box that the pages ask.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    admin::{Announcements, Devices, Feeds, Openings, Repairs, Requests, Snapshot, Store, Vouchers},
    enforce::{dns::Resolver, ent::Ent, gate::Gate, sign_in::SignIn},
    ent::{Cache, PersonKeys},
    identity::Identity,
    lan::Leases,
    library::Library,
    system::clock::Clock,
};

/// The parts of the box that the pages ask.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Who is there.
    pub identity: Identity,
    /// The way to sign in and out.
    pub sign_in: SignIn,
    /// The school's ENT, where it has one.
    pub ent: Option<Ent>,
    /// What pages decide.
    pub acts: Acts,
    /// The packages to read, where the school has a library.
    pub library: Option<Library>,
    /// What pages show of the box.
    pub sights: Sights,
    /// Who may reach what.
    pub gate: Gate,
    /// The time.
    pub clock: Clock,
    /// What answers for the sites that the box fronts, where it fronts some.
    pub fronting: Option<Fronting>,
}

/// What answers for the sites that the box fronts.
#[derive(Clone, Debug)]
pub struct Fronting {
    /// The cache before them.
    pub cache: Cache,
    /// What persons are called there.
    pub persons: PersonKeys,
    /// Moves when permissions may have ended.
    pub epoch: watch::Receiver<u64>,
}

/// The acts of administration that the pages offer. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Acts {
    /// What teachers decide for some minutes.
    pub openings: Openings,
    /// What people ask to be opened.
    pub requests: Requests,
    /// The school's machines.
    pub devices: Devices,
    /// Visitors' vouchers.
    pub vouchers: Vouchers,
    /// What stands at the top of the home page.
    pub announcements: Announcements,
    /// The deliveries of the directory.
    pub feeds: Feeds,
    /// Technicians' sessions at the box.
    pub repairs: Repairs,
    /// The trail of all acts.
    pub trail: Store,
}

impl Acts {
    /// Teachers' `openings`, the `feeds` of the directory, and all else that pages decide, kept in `store`; what earlier runs decided is then in force.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(store: Store, identity: &Identity, openings: Openings, feeds: Feeds) -> anyhow::Result<Self> {
        Ok(Self {
            requests: Requests::new(store.clone(), openings.clone()),
            openings,
            feeds,
            devices: Devices::open(store.clone(), identity.clone())?,
            vouchers: Vouchers::open(store.clone(), identity.clone())?,
            announcements: Announcements::open(store.clone())?,
            repairs: Repairs::open(store.clone())?,
            trail: store,
        })
    }
}

/// What the box knows that pages show.
#[derive(Clone, Debug)]
pub struct Sights {
    /// Whether the line is up.
    pub resolver: Resolver,
    /// How the box is, looked at every few seconds.
    pub health: watch::Receiver<Snapshot>,
    /// Who was given which address, and what machines call themselves.
    pub leases: watch::Receiver<Arc<Leases>>,
}
