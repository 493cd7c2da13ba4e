//! The parts of the box that the pages ask.

use crate::{
    admin::{Openings, Requests},
    enforce::{dns::Resolver, gate::Gate, sign_in::SignIn},
    identity::Identity,
    system::clock::Clock,
};

/// The parts of the box that the pages ask.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Who is there.
    pub identity: Identity,
    /// The way to sign in and out.
    pub sign_in: SignIn,
    /// What pages decide.
    pub acts: Acts,
    /// Who may reach what.
    pub gate: Gate,
    /// The time.
    pub clock: Clock,
    /// Whether the line answers.
    pub resolver: Resolver,
}

/// The acts of administration that the pages offer. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Acts {
    /// What teachers decide for some minutes.
    pub openings: Openings,
    /// What people ask to be opened.
    pub requests: Requests,
}

#[cfg(test)]
pub(super) mod tests {
    use std::{path::Path, sync::Arc};

    use tokio::sync::watch;

    use super::*;
    use crate::{admin::Store, enforce::dns, journal::Journal, model::Zone, policy::Policy};

    /// The parts of a school whose state is in `dir` and whose rules are `rules`.
    pub(in crate::portal) fn parts(
        dir: &Path,
        (identity, sign_in): (Identity, SignIn),
        journal: Journal,
        rules: Policy,
        zone: Arc<Zone>,
        clock: Clock,
    ) -> Parts {
        let (_, rules) = watch::channel(Arc::new(rules));
        let store = Store::open(dir).unwrap();
        let zones = vec![zone];
        let openings = Openings::open(store.clone(), identity.clone(), rules.clone(), zones, clock.now());
        let openings = openings.unwrap();
        let requests = Requests::new(store, openings.clone());
        let gate = Gate::new(identity.clone(), rules, journal, clock.clone());
        let settings =
            dns::Settings { upstreams: Vec::new(), own_names: Vec::new(), zones: Vec::new(), listen_port: 0 };
        let resolver = dns::Resolver::new(&settings);
        Parts { identity, sign_in, acts: Acts { openings, requests }, gate, clock, resolver }
    }
}
