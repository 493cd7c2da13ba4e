//! `[cache.updates]`: the updates of systems and browsers that the box keeps, of which hosts, and how much.

use std::path::Path;

use toml::Spanned;

use super::{fields::parsed, file, problem::Collector};
use crate::{ent::store, model::Domain};

/// The hosts that are known, one a line.
const KNOWN_HOSTS: &str = include_str!("update_hosts.txt");

/// Hosts that a file may list.
const HOSTS_MAX: usize = 256;

/// The usual quota, in gigabytes: a month of Windows, of which one file may be five.
const QUOTA_GB_USUAL: u64 = 20;

/// The most that can be meant, in gigabytes.
const QUOTA_GB_MAX: u64 = 100_000;

/// What the most asked for may take in memory, in bytes: updates are read from the disk.
const MEMORY_BYTES: usize = 4 << 20;

/// What the table comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updates {
    /// Of which hosts, and of every name below them.
    pub hosts: Vec<Domain>,
    /// Where they are kept, and how much: a store of their own, so that no update pushes out a lesson.
    pub store: store::Settings,
}

/// Checks the table. None where it is absent, or wrong, which was noted.
pub(super) fn updates(
    written: Option<&file::CacheUpdates>,
    state_dir: Option<&Path>,
    problems: &mut Collector<'_>,
) -> Option<Updates> {
    let file::CacheUpdates { quota_gb, hosts } = written?;
    let quota = quota_gb.as_ref().map_or(QUOTA_GB_USUAL, |written| *written.get_ref());
    if let Some(written) = quota_gb.as_ref().filter(|_| !(1..=QUOTA_GB_MAX).contains(&quota)) {
        let what = format!("cache.updates.quota_gb: {quota}; write a number from 1 to {QUOTA_GB_MAX}");
        problems.at(&written.span(), what);
    }
    let hosts = match hosts {
        None => known_hosts(),
        Some(written) => listed(written, problems)?,
    };
    let store = store::Settings {
        dir: state_dir?.join("updates"),
        quota_bytes: quota.saturating_mul(1_000_000_000),
        memory_bytes: MEMORY_BYTES,
    };
    Some(Updates { hosts, store })
}

fn known_hosts() -> Vec<Domain> {
    let lines = KNOWN_HOSTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter_map(|line| line.parse().ok()).collect()
}

fn listed(written: &Spanned<Vec<Spanned<String>>>, problems: &mut Collector<'_>) -> Option<Vec<Domain>> {
    let hosts = written.get_ref();
    if hosts.is_empty() {
        let what = "cache.updates.hosts: none; leave it out for the hosts that are known, or remove `[cache.updates]`";
        problems.at(&written.span(), what);
    }
    if let Some(extra) = hosts.get(HOSTS_MAX) {
        problems.at(&extra.span(), format!("cache.updates.hosts: at most {HOSTS_MAX}; remove some"));
    }
    let read: Vec<_> = hosts.iter().take(HOSTS_MAX).map(|host| listed_host(host, problems)).collect();
    read.into_iter().collect()
}

fn listed_host(written: &Spanned<String>, problems: &mut Collector<'_>) -> Option<Domain> {
    let host: Domain = parsed("cache.updates.hosts", written, problems)?;
    if !host.as_str().contains('.') {
        let what =
            format!("cache.updates.hosts: `{host}` is a whole country or kind; name the hosts of updates");
        problems.at(&written.span(), what);
        return None;
    }
    Some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_known_hosts_is_a_host() {
        let lines = KNOWN_HOSTS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        assert_eq!(known_hosts().len(), lines.count());
        assert!(known_hosts().iter().any(|host| host.as_str() == "windowsupdate.com"));
    }
}
