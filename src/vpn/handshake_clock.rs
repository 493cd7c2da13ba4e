//! When the clock may be shown to a concentrator.
//!
//! A handshake of WireGuard carries the time, and a concentrator takes none that is not later than the last one it took from
//! the same key: a handshake shown in 2099 shuts the box out until 2099. So
//!
//! - while the clock lies further ahead than can be, no handshake is sent;
//! - the latest time that a handshake was taken at is remembered, in `tunnel/latest-handshake` (RFC 3339, a space, and the
//!   key's fingerprint: another key has no such past). A clock behind it is asked with all the same, for a concentrator forgets
//!   with each restart; but when nobody answers, only another key helps, and the box says so.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tracing::warn;

use crate::{
    model::Moment,
    system::{files, ratchet::Doubt},
};

/// How much later a handshake must be than the one that is remembered to be remembered itself.
const WRITE_EVERY: Duration = Duration::from_secs(60);

/// Longer than any line in the file, in bytes.
const FILE_BYTES_MAX: u64 = 128;

/// The latest handshake that was taken.
#[derive(Debug)]
pub(super) struct HandshakeClock {
    path: PathBuf,
    /// Of the key that was taken.
    fingerprint: String,
    latest: Option<Moment>,
}

/// What the clock is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Showing {
    /// It may be shown.
    Well,
    /// It may be shown, but a concentrator that remembers will not heed it.
    Behind,
    /// It must not be shown.
    Never,
}

impl HandshakeClock {
    /// With what the disk remembers of the box's own `key`.
    pub(super) fn open(dir: &Path, key: &str) -> Self {
        let path = dir.join("latest-handshake");
        let hash = blake3::derive_key("preau 2026-11 the key of a latest handshake", key.as_bytes());
        let fingerprint = blake3::Hash::from_bytes(hash).to_hex().to_string();
        Self { latest: read(&path, &fingerprint), path, fingerprint }
    }

    /// What a clock that shows `now` is good for, with what speaks against it.
    pub(super) fn judge(&self, now: Moment, doubt: Option<Doubt>) -> Showing {
        match doubt {
            Some(Doubt::LongAfterProgram | Doubt::FarAhead(_)) => Showing::Never,
            Some(Doubt::BeforeProgram | Doubt::Behind(_)) | None => {
                if self.latest.is_some_and(|latest| now < latest) { Showing::Behind } else { Showing::Well }
            }
        }
    }

    /// Remembers that a handshake was taken at `now`.
    pub(super) fn note(&mut self, now: Moment) {
        if self.latest.is_some_and(|latest| now < latest + WRITE_EVERY) {
            return;
        }
        self.latest = Some(now);
        if let Err(error) = files::replace(&self.path, format!("{now} {}\n", self.fingerprint).as_bytes()) {
            warn!(%error, "cannot write the time of the latest handshake");
        }
    }
}

fn read(path: &Path, fingerprint: &str) -> Option<Moment> {
    let mut text = String::new();
    File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    let (time, of) = text.trim().split_once(' ')?;
    let read = time.parse::<jiff::Timestamp>().ok().filter(|_| of == fingerprint)?;
    Some(Moment::from_unix_milliseconds(read.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_unix_seconds(1_795_417_200);
    const YEAR: Duration = Duration::from_secs(366 * 86_400);

    #[test]
    fn a_clock_from_2099_is_never_shown_and_one_from_1970_is_known_to_be_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut clock = HandshakeClock::open(dir.path(), "key");
        assert_eq!(clock.judge(NOW, None), Showing::Well);
        clock.note(NOW);
        let far = Moment::from_unix_seconds(4_070_908_800);
        assert_eq!(clock.judge(far, Some(Doubt::LongAfterProgram)), Showing::Never);
        assert_eq!(clock.judge(NOW + 2 * YEAR, Some(Doubt::FarAhead(NOW))), Showing::Never);
        let early = Moment::from_unix_seconds(0);
        assert_eq!(clock.judge(early, Some(Doubt::BeforeProgram)), Showing::Behind);
        assert_eq!(clock.judge(NOW + WRITE_EVERY, None), Showing::Well);
    }

    #[test]
    fn the_latest_handshake_outlives_the_daemon_and_is_never_forgotten_for_an_earlier_one() {
        let dir = tempfile::tempdir().unwrap();
        let mut clock = HandshakeClock::open(dir.path(), "key");
        clock.note(NOW);
        clock.note(NOW - YEAR);
        let clock = HandshakeClock::open(dir.path(), "key");
        assert_eq!(clock.judge(NOW - Duration::from_secs(1), None), Showing::Behind);
        assert_eq!(clock.judge(NOW, None), Showing::Well);
    }

    #[test]
    fn another_key_has_no_past() {
        let dir = tempfile::tempdir().unwrap();
        HandshakeClock::open(dir.path(), "key").note(NOW + 70 * YEAR);
        let mut clock = HandshakeClock::open(dir.path(), "another");
        assert_eq!(clock.judge(NOW, None), Showing::Well);
        clock.note(NOW);
        assert_eq!(HandshakeClock::open(dir.path(), "another").judge(NOW - YEAR, None), Showing::Behind);
    }

    #[test]
    fn a_file_that_holds_no_time_is_none() {
        let dir = tempfile::tempdir().unwrap();
        for content in ["", "demain", &"9".repeat(100)] {
            std::fs::write(dir.path().join("latest-handshake"), content).unwrap();
            assert_eq!(HandshakeClock::open(dir.path(), "key").judge(NOW, None), Showing::Well, "{content}");
        }
    }
}
