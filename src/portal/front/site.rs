//! Which sites the box fronts, and what it needs to.

use std::{collections::HashMap, fmt, path::PathBuf, sync::Arc};

use rustls::ServerConfig;
use tokio::sync::watch;

use crate::{
    enforce::gate::Gate,
    ent::{Cache, PersonKeys},
    identity::Identity,
    model::{Domain, Site},
    portal::{parts::Fronting, shown::Shown},
};

/// The protocols that a browser may choose from, the preferred first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// A site that the box fronts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontedSite {
    /// Its name.
    pub name: Domain,
    /// Its certificate chain, PEM, its own certificate first.
    pub certificate_path: PathBuf,
    /// Its private key, PEM.
    pub key_path: PathBuf,
}

/// What fronts them.
pub(in crate::portal) struct Front {
    sites: HashMap<Domain, Arc<ServerConfig>>,
    pub(super) cache: Cache,
    pub(super) persons: PersonKeys,
    pub(super) gate: Gate,
    pub(super) identity: Identity,
    /// Moves when permissions may have ended.
    pub(super) epoch: watch::Receiver<u64>,
}

/// The name of a fronted site, and the TLS under which it is shown.
#[derive(Clone)]
pub(in crate::portal) struct Named {
    pub(super) name: Domain,
    pub(super) tls: Arc<ServerConfig>,
}

impl Front {
    /// Reads the certificates of `sites`.
    ///
    /// # Errors
    /// When one cannot be used.
    pub(in crate::portal) fn new(
        sites: &[FrontedSite],
        fronting: Fronting,
        gate: Gate,
        identity: Identity,
    ) -> anyhow::Result<Self> {
        let mut named = HashMap::new();
        for FrontedSite { name, certificate_path, key_path } in sites {
            let shown = Shown::of_files(name, certificate_path, key_path)?;
            named.insert(name.clone(), shown.tls_config(&PROTOCOLS)?);
        }
        let Fronting { cache, persons, epoch } = fronting;
        Ok(Self { sites: named, cache, persons, gate, identity, epoch })
    }

    /// The site that a TLS hello asks for, where it is one of these.
    pub(in crate::portal) fn asked(&self, server_name: &str) -> Option<Named> {
        let name: Domain = server_name.parse().ok()?;
        let tls = Arc::clone(self.sites.get(&name)?);
        Some(Named { name, tls })
    }

    /// Whether the box fronts `site`.
    pub(in crate::portal) fn has(&self, site: &Site) -> bool {
        matches!(site, Site::Name(name) if self.sites.contains_key(name))
    }
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front").field("sites", &self.sites.len()).finish_non_exhaustive()
    }
}
