//! What was done in a night: it is done once, though the box starts anew in the middle of it.
//!
//! ```text
//! <state_dir>/warm     2026-11-22                  the night, by the day on whose evening it begins, in Europe/Paris
//!                      = 1234567 ent.exemple.fr    bytes that came over the line, for each site
//!                      0123456789abcdef            the digest of each address that is done
//! ```
//!
//! A night lasts from noon to noon, so that hours over midnight are one night, and those at noon of the next.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    fs,
    path::PathBuf,
    time::Duration,
};

use jiff::tz::TimeZone;
use tracing::warn;

use crate::{
    model::{Domain, Moment},
    system::files,
};

/// How much is done before it is written down: that much is asked for again, on condition, after a power cut.
const WRITE_EVERY: u32 = 32;

/// Longest file that is read, in bytes: all addresses of 64 sites.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// From noon on it is the next night.
const NOON: Duration = Duration::from_secs(12 * 3600);

/// One night.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Night {
    name: String,
    bytes: BTreeMap<String, u64>,
    done: HashSet<u64>,
    path: PathBuf,
    unwritten: u32,
}

/// The name of the night of `now`.
pub(super) fn name_of(now: Moment) -> Option<String> {
    let paris = TimeZone::get("Europe/Paris").ok()?;
    let shifted = now - NOON;
    let local = jiff::Timestamp::from_millisecond(shifted.unix_milliseconds()).ok()?.to_zoned(paris);
    Some(local.date().to_string())
}

impl Night {
    /// What `path` says of the last night; of none where it is not there or cannot be read.
    pub(super) fn open(path: PathBuf) -> Self {
        let is_short = fs::metadata(&path).is_ok_and(|file| file.len() <= FILE_BYTES_MAX);
        let text = is_short.then(|| fs::read_to_string(&path).ok()).flatten();
        let known = text.and_then(|text| Self::read(&text)).unwrap_or_default();
        Self { path, ..known }
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let mut night = Self { name: lines.next()?.to_owned(), ..Self::default() };
        for line in lines {
            match line.strip_prefix("= ") {
                Some(rest) => {
                    let (bytes, host) = rest.split_once(' ')?;
                    night.bytes.insert(host.to_owned(), bytes.parse().ok()?);
                }
                None => {
                    night.done.insert(u64::from_str_radix(line, 16).ok()?);
                }
            }
        }
        Some(night)
    }

    /// Begins the night called `name`, unless it is this one. Whether it began.
    pub(super) fn turn_to(&mut self, name: &str) -> bool {
        if self.name == name {
            return false;
        }
        *self = Self { name: name.to_owned(), path: std::mem::take(&mut self.path), ..Self::default() };
        true
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes that came from `host` in this night.
    pub(super) fn spent(&self, host: &Domain) -> u64 {
        self.bytes.get(host.as_str()).copied().unwrap_or(0)
    }

    /// Counts bytes that came from `host`.
    pub(super) fn spend(&mut self, host: &Domain, bytes: u64) {
        if bytes > 0 {
            *self.bytes.entry(host.as_str().to_owned()).or_default() += bytes;
        }
    }

    /// Whether the address is done.
    pub(super) fn has(&self, host: &Domain, path: &str) -> bool {
        self.done.contains(&digest(host, path))
    }

    /// Notes that the address is done.
    pub(super) fn note(&mut self, host: &Domain, path: &str) {
        self.done.insert(digest(host, path));
        self.unwritten += 1;
        if self.unwritten >= WRITE_EVERY {
            self.write();
        }
    }

    /// Writes it down. A disk that refuses costs the memory of the night, not the night.
    pub(super) fn write(&mut self) {
        self.unwritten = 0;
        let mut text = format!("{}\n", self.name);
        // Writing to a string cannot fail.
        for (host, bytes) in &self.bytes {
            let _ = writeln!(text, "= {bytes} {host}");
        }
        for digest in &self.done {
            let _ = writeln!(text, "{digest:016x}");
        }
        if let Err(error) = files::replace(&self.path, text.as_bytes()) {
            warn!(%error, "cannot write down what was fetched ahead tonight");
        }
    }
}

fn digest(host: &Domain, path: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(host.as_str().as_bytes()).update(path.as_bytes());
    let digest = hasher.finalize();
    let first = digest.as_bytes().first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Domain {
        "ent.exemple.fr".parse().unwrap()
    }

    #[test]
    fn what_is_done_in_a_night_is_known_after_a_start_and_forgotten_in_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let mut night = Night::open(dir.path().join("warm"));
        assert!(night.turn_to("2026-11-22"));
        night.note(&host(), "/a");
        night.spend(&host(), 1234);
        night.write();
        let mut again = Night::open(dir.path().join("warm"));
        assert!(!again.turn_to("2026-11-22"));
        assert!(again.has(&host(), "/a") && !again.has(&host(), "/b"));
        assert_eq!(again.spent(&host()), 1234);
        assert!(again.turn_to("2026-11-23"));
        assert!(!again.has(&host(), "/a"));
        assert_eq!(again.spent(&host()), 0);
    }

    #[test]
    fn a_damaged_file_is_a_night_in_which_nothing_was_done() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("warm");
        fs::write(&path, "2026-11-22\nxyz\n").unwrap();
        assert!(Night::open(path).turn_to("2026-11-22"));
    }

    #[test]
    fn a_night_lasts_from_noon_to_noon_in_paris() {
        let name = |text: &str| {
            let at: jiff::Timestamp = text.parse().unwrap();
            name_of(Moment::from_unix_milliseconds(at.as_millisecond())).unwrap()
        };
        assert_eq!(name("2026-11-22T17:00:00Z"), "2026-11-22");
        assert_eq!(name("2026-11-23T06:00:00Z"), "2026-11-22");
        assert_eq!(name("2026-11-23T10:59:00Z"), "2026-11-22");
        assert_eq!(name("2026-11-23T11:01:00Z"), "2026-11-23");
    }
}
