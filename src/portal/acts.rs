//! The acts of administration that the pages offer, and what the box knows that pages show.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{
    admin::{Announcements, Devices, Openings, Requests, Snapshot, Store, Vouchers},
    enforce::dns::Resolver,
    lan::Leases,
};

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
    /// The trail of all acts.
    pub trail: Store,
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
