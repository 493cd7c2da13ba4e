//! Where the concentrators are. Names are asked of the line's resolvers again and again; what was found last is kept on the
//! disk, for a name that is only known through the tunnel, or a morning on which no resolver answers.
//!
//! The file `tunnel/addresses.json` holds an object: each concentrator's endpoint as it is written, with the addresses
//! last found for it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::Read as _,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, sleep};
use tracing::warn;

use super::{service::Find, settings::Settings};
use crate::system::files;

/// How often a name is asked for again while nothing answers there, and while the tunnel stands.
const ASK_EVERY: Duration = Duration::from_secs(10);
const ASK_SELDOM: Duration = Duration::from_secs(600);

/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 8;

/// The longest file, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// The addresses known of each concentrator.
#[derive(Debug)]
pub(super) struct Endpoints {
    path: PathBuf,
    known: Mutex<BTreeMap<String, Vec<IpAddr>>>,
}

impl Endpoints {
    /// With what the disk remembers.
    pub(super) fn open(dir: &Path) -> Self {
        let path = dir.join("addresses.json");
        Self { known: Mutex::new(read(&path)), path }
    }

    /// Where the concentrator `place` is: its addresses by turns, by how often it was tried.
    pub(super) fn of(&self, settings: &Settings, place: usize, tried: usize) -> Option<SocketAddr> {
        let endpoint = &settings.concentrators.get(place)?.endpoint;
        if let Ok(address) = endpoint.host.parse::<IpAddr>() {
            return Some(SocketAddr::new(address, endpoint.port));
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let addresses = known.get(&endpoint.host)?;
        let address = addresses.get(tried.checked_rem(addresses.len())?)?;
        Some(SocketAddr::new(*address, endpoint.port))
    }

    /// Asks for the names, more often while `is_up` says no; for ever.
    pub(super) async fn follow(&self, settings: &Settings, find: &Find, is_up: impl Fn() -> bool) {
        loop {
            for one in &settings.concentrators {
                let host = &one.endpoint.host;
                if host.parse::<IpAddr>().is_err()
                    && let Ok(found) = find(host.clone()).await
                {
                    // The line's packets from the académie's networks are dropped: one of those cannot answer.
                    let networks = settings.networks();
                    let outside =
                        |address: &IpAddr| !networks.iter().any(|network| network.contains(address));
                    self.learn(host, found.into_iter().filter(outside).take(ADDRESSES_MAX).collect());
                }
            }
            let asked = Instant::now();
            let knows_all =
                || (0..settings.concentrators.len()).all(|place| self.of(settings, place, 0).is_some());
            while asked.elapsed() < if is_up() && knows_all() { ASK_SELDOM } else { ASK_EVERY } {
                // What is not known at all is asked for as soon as the line may be there.
                if !knows_all() && asked.elapsed() >= Duration::from_secs(1) {
                    break;
                }
                sleep(Duration::from_millis(500)).await;
            }
        }
    }

    /// Remembers what was found. A name that leads nowhere is not believed: what was known stays.
    fn learn(&self, host: &str, found: Vec<IpAddr>) {
        if found.is_empty() {
            return;
        }
        let written = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            if known.get(host) == Some(&found) {
                return;
            }
            known.insert(host.to_owned(), found);
            serde_json::to_vec_pretty(&*known).unwrap_or_default()
        };
        if let Err(error) = files::replace(&self.path, &written) {
            warn!(%error, "cannot remember where the concentrators are");
        }
    }
}

/// What the file holds; nothing where it is absent or damaged.
fn read(path: &Path) -> BTreeMap<String, Vec<IpAddr>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
    if read.is_err() {
        return BTreeMap::new();
    }
    serde_json::from_slice(&bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::settings::tests::settings, *};

    #[test]
    fn what_was_found_is_known_after_a_restart_and_tried_by_turns() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings().unwrap();
        let endpoints = Endpoints::open(dir.path());
        assert_eq!(endpoints.of(&settings, 0, 0), None);
        let found: Vec<IpAddr> = vec!["2001:db8:c1::2".parse().unwrap(), "198.51.100.82".parse().unwrap()];
        endpoints.learn("vpn1.ac-exemple.fr", found);
        endpoints.learn("vpn1.ac-exemple.fr", Vec::new());
        let again = Endpoints::open(dir.path());
        let of = |tried| again.of(&settings, 0, tried).map(|endpoint| endpoint.to_string());
        assert_eq!(of(0).as_deref(), Some("[2001:db8:c1::2]:51820"));
        assert_eq!(of(3).as_deref(), Some("198.51.100.82:51820"));
        assert_eq!(again.of(&settings, 1, 0), None);
    }

    #[test]
    fn a_damaged_file_is_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        for content in ["", "{", "[]", "{\"a\": [\"nowhere\"]}"] {
            std::fs::write(dir.path().join("addresses.json"), content).unwrap();
            assert_eq!(Endpoints::open(dir.path()).of(&settings().unwrap(), 0, 0), None, "{content}");
        }
    }
}
