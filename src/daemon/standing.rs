//! The part of the configuration that only a restart changes: what sockets, kernel and portal were set up with.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    config::{Cache, Config, School},
    enforce::ent,
    identity::MachinesMax,
    lan::Bridge,
    library,
    model::{Domain, Zone},
    portal::{CasSettings, CertificateFrom},
    sync,
};

/// What is in force until a restart.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    school: School,
    state_dir: PathBuf,
    line: (Arc<str>, Vec<SocketAddr>),
    portal: (Domain, PathBuf, PathBuf, CertificateFrom),
    session_lifetimes: [Duration; 2],
    machines_max: MachinesMax,
    ent: (Option<ent::Settings>, Duration),
    zones: (Vec<Arc<Zone>>, Vec<Bridge>),
    applications: CasSettings,
    metrics: Option<SocketAddr>,
    cache: Option<Cache>,
    central: sync::Settings,
    library: Option<library::Settings>,
}

impl Standing {
    /// That part of `config`.
    pub(super) fn of(config: &Config) -> Self {
        let portal = &config.portal;
        Self {
            school: config.school.clone(),
            state_dir: config.state_dir.clone(),
            line: (Arc::clone(&config.line_interface), config.dns.upstreams.clone()),
            portal: (
                portal.name.clone(),
                portal.certificate_path.clone(),
                portal.key_path.clone(),
                portal.certificate_from,
            ),
            session_lifetimes: [config.identity.session_lifetime, config.identity.shared_session_lifetime],
            machines_max: config.identity.machines_max,
            ent: (config.ent.clone(), config.identity.remember),
            zones: (config.zones.clone(), config.lan.bridges.clone()),
            applications: portal.cas.clone(),
            metrics: config.metrics,
            cache: config.cache.clone(),
            central: config.central.clone(),
            library: config.library.clone(),
        }
    }

    /// What is otherwise in `other`, in the words of the configuration file.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let Self {
            school,
            state_dir,
            line,
            portal,
            session_lifetimes,
            machines_max,
            ent,
            zones,
            applications,
            metrics,
            cache,
            central,
            library,
        } = self;
        [
            ("state_dir", *state_dir != other.state_dir),
            ("school", *school != other.school),
            ("line", *line != other.line),
            ("portal", *portal != other.portal),
            ("accounts.session_hours", session_lifetimes[0] != other.session_lifetimes[0]),
            ("accounts.session_hours_shared", session_lifetimes[1] != other.session_lifetimes[1]),
            ("accounts.machines", *machines_max != other.machines_max),
            ("accounts.ent", *ent != other.ent),
            ("zone", *zones != other.zones),
            ("application", *applications != other.applications),
            ("metrics", *metrics != other.metrics),
            ("cache", *cache != other.cache),
            ("central", *central != other.central),
            ("library", *library != other.library),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}
