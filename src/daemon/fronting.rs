//! Starts what keeps copies: the cache before the ENT's sites, what fills it at night, and the cache of updates.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::watch;
use tracing::error;

use crate::{
    config::{self, Config},
    enforce::{
        dns::{LineStanding, Resolver},
        origins::Origins,
        proxy::Updates,
    },
    ent::{
        Cache, PersonKeys,
        deferred::{Limits, Queue},
        store::Store,
        warm::{Hinders, Hindrance, Told, Warmer},
    },
    portal::Fronting,
    system::{clock::Clock, tasks::Tasks},
};

/// What keeps copies, started; each where the configuration has it.
#[derive(Default)]
pub(super) struct Copies {
    /// What answers for the sites that the box fronts.
    pub(super) fronting: Option<Fronting>,
    /// What answers for hosts of updates.
    pub(super) updates: Option<Updates>,
    /// What was fetched ahead in the last night.
    pub(super) warmed: Option<watch::Receiver<Told>>,
}

/// Starts it where the configuration has such sites.
///
/// # Errors
/// When a store, or what persons are called there, cannot be opened.
pub(super) fn start(
    config: &Config,
    resolver: &Resolver,
    epoch: &watch::Receiver<u64>,
    clock: &Clock,
    tasks: &mut Tasks,
) -> anyhow::Result<Copies> {
    let Some(settings) = &config.cache else { return Ok(Copies::default()) };
    let updates = settings.updates.as_ref().map(|updates| keep_updates(updates, clock, tasks)).transpose()?;
    if settings.sites.is_empty() {
        return Ok(Copies { updates, ..Copies::default() });
    }
    let store = Store::open(&settings.store).context("cannot open the cache")?;
    let origins = Origins::new(resolver.clone(), settings.authorities_path.as_deref())?;
    let writes = writes(config, settings);
    let cache =
        Cache::new(settings.settings.clone(), store.clone(), Arc::new(origins), clock.clone(), writes);
    let persons = PersonKeys::open(&config.state_dir.join("persons.key"))?;
    let warmed = warm(config, settings, &cache, (resolver, clock), tasks);
    let serving = cache.clone();
    tasks.start("cache", |stop| serving.serve(stop));
    tasks.start("cache-store", |stop| store.serve(stop));
    let fronting = Fronting { cache, persons, epoch: epoch.clone() };
    Ok(Copies { fronting: Some(fronting), updates, warmed })
}

/// What may wait for the line. A file of it that cannot be read takes no part of the school with it: writes are then refused
/// while the line is down, and the file stays for a technician.
fn writes(config: &Config, settings: &config::Cache) -> Option<Queue> {
    settings.settings.origins.iter().any(|origin| !origin.writes.is_empty()).then_some(())?;
    let opened = Queue::open(&config.state_dir.join("writes.sqlite"), Limits::default());
    opened.inspect_err(|cause| error!(cause = format!("{cause:#}"), "writes for the ENT cannot wait")).ok()
}

/// Starts what fills the cache at the hours of what is large, while the line carries.
fn warm(
    config: &Config,
    settings: &config::Cache,
    cache: &Cache,
    (resolver, clock): (&Resolver, &Clock),
    tasks: &mut Tasks,
) -> Option<watch::Receiver<Told>> {
    if settings.warm.is_empty() {
        return None;
    }
    let (hours, clock, resolver) = (config.central.clone(), clock.clone(), resolver.clone());
    let hinders: Hinders = Arc::new(move || {
        if !hours.is_hour_of_large_things(&clock) {
            Some(Hindrance::Window)
        } else if matches!(resolver.line(), LineStanding::Down { .. }) {
            Some(Hindrance::Line)
        } else {
            None
        }
    });
    let warmer = Warmer::new(cache.clone(), settings.warm.clone(), hinders, config.state_dir.join("warm"));
    let told = warmer.told();
    tasks.start("warming", |stop| warmer.serve(stop));
    Some(told)
}

/// Starts the cache of updates.
fn keep_updates(settings: &config::Updates, clock: &Clock, tasks: &mut Tasks) -> anyhow::Result<Updates> {
    let store = Store::open(&settings.store).context("cannot open the cache of updates")?;
    let updates = Updates::new(settings.hosts.clone(), store.clone(), clock.clone());
    let cache = updates.cache();
    tasks.start("updates", |stop| cache.serve(stop));
    tasks.start("updates-store", |stop| store.serve(stop));
    Ok(updates)
}
