//! The origins that a cache stands before: those that are named, or every name below some.

use std::sync::Arc;

use super::settings::{Origin, Rule, Upstream};
use crate::model::Domain;

/// What a cache stands before.
pub(super) enum Origins {
    /// These, each with its rules.
    Named(Vec<Arc<Origin>>),
    /// These names and all below them: each is an origin of files over plain HTTP.
    Below(Arc<[Domain]>),
}

impl Origins {
    pub(super) fn named(origins: Vec<Origin>) -> Self {
        Self::Named(origins.into_iter().map(Arc::new).collect())
    }

    pub(super) fn below(hosts: Arc<[Domain]>) -> Self {
        Self::Below(hosts)
    }

    /// Those that are named; of several with one name, the first counts.
    pub(super) fn all(&self) -> &[Arc<Origin>] {
        match self {
            Self::Named(origins) => origins,
            Self::Below(_) => &[],
        }
    }

    /// The origin called `host`.
    pub(super) fn find(&self, host: &Domain) -> Option<Arc<Origin>> {
        match self {
            Self::Named(origins) => origins.iter().find(|origin| origin.host == *host).cloned(),
            Self::Below(hosts) => hosts.iter().any(|known| host.is_within(known)).then(|| {
                let upstream = Upstream { address: host.as_str().into(), port: 80, is_secure: false };
                let (rules, writes) = (vec![Rule::files()], Vec::new());
                Arc::new(Origin { host: host.clone(), upstream, rules, writes })
            }),
        }
    }
}
