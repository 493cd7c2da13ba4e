//! Keeps watch over the clock: what the ratchet of time remembers lies in a file of the state directory, and what speaks
//! against the clock is said to everybody who has it.
//!
//! The file `latest-time` holds one moment as RFC 3339 in UTC, such as `2026-11-23T08:05:00.000Z`, and a line's end. It is
//! replaced whole. Without it, or where it cannot be read, the box knows no moment and believes any that is possible.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    model::Moment,
    system::{
        clock::Clock,
        files,
        ratchet::{Doubt, Ratchet},
    },
};

/// How often the clock is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often the latest moment is written: less than what a clock may be set back without doubt.
const WRITE_EVERY: Duration = Duration::from_secs(2 * 60);

/// Longer than any moment in the file, in bytes.
const FILE_BYTES_MAX: u64 = 64;

/// The watch over one clock.
#[derive(Debug)]
pub(super) struct Timekeeping {
    clock: Clock,
    path: PathBuf,
    ratchet: Ratchet,
    /// After how long of its run the watch last wrote.
    written: Option<Duration>,
}

impl Timekeeping {
    /// Begins the watch over `clock` with what `state_dir` remembers, and looks at it once: nobody is to believe it
    /// before.
    pub(super) fn begin(clock: Clock, state_dir: &Path) -> Self {
        let path = latest_time_path(state_dir);
        let ratchet = Ratchet::new(read(&path));
        let mut watch = Self { clock, path, ratchet, written: None };
        watch.look(Duration::ZERO);
        watch
    }

    /// Looks at the clock until `stop`.
    pub(super) async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let started = Instant::now();
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = ticks.tick() => self.look(started.elapsed()),
            }
        }
    }

    /// Looks at the clock after the watch has run for `uptime`.
    fn look(&mut self, uptime: Duration) {
        let known = self.ratchet.latest();
        let doubt = self.ratchet.look(self.clock.now(), uptime);
        match (self.clock.doubt(), doubt) {
            (None, Some(doubt)) => {
                warn!(%doubt, "the clock is in doubt; timetables fall to their stricter side")
            }
            (Some(_), None) => info!("the clock is believed again"),
            (None, None) | (Some(_), Some(_)) => {}
        }
        self.clock.set_doubt(doubt);
        let is_due = self.written.is_none_or(|written| uptime.saturating_sub(written) >= WRITE_EVERY);
        if self.ratchet.latest() != known && is_due {
            self.written = Some(uptime);
            self.write();
        }
    }

    /// Writes the latest moment. A disk that refuses costs the memory, not the service: the next start knows less.
    fn write(&self) {
        let Some(latest) = self.ratchet.latest() else { return };
        if let Err(error) = files::replace(&self.path, format!("{latest}\n").as_bytes()) {
            warn!(%error, "cannot write the latest time seen");
        }
    }
}

/// What a box with this state directory, starting at `now`, would have against its clock.
#[must_use]
pub fn doubt_at_start(state_dir: &Path, now: Moment) -> Option<Doubt> {
    Ratchet::new(read(&latest_time_path(state_dir))).look(now, Duration::ZERO)
}

fn latest_time_path(state_dir: &Path) -> PathBuf {
    state_dir.join("latest-time")
}

/// The moment in the file, if it holds one.
fn read(path: &Path) -> Option<Moment> {
    let mut text = String::new();
    File::open(path).ok()?.take(FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
    let read = text.trim().parse::<jiff::Timestamp>().ok();
    if read.is_none() {
        warn!("the file of the latest time seen holds no time; it is not believed");
    }
    read.map(|timestamp| Moment::from_unix_milliseconds(timestamp.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::{
            Arc,
            atomic::{AtomicI64, Ordering},
        },
    };

    use super::*;
    use crate::model::ClockTrust;

    /// Monday 23 November 2026, 08:00 in Paris.
    const MONDAY: i64 = 1_795_417_200;

    /// A clock that tests set, in seconds.
    fn settable() -> (Arc<AtomicI64>, Clock) {
        let hand = Arc::new(AtomicI64::new(MONDAY));
        let read = Arc::clone(&hand);
        (hand, Clock::from_fn(move || Moment::from_unix_seconds(read.load(Ordering::SeqCst))))
    }

    #[test]
    fn the_latest_time_outlives_the_daemon_and_a_clock_set_back_is_in_doubt() {
        let dir = tempfile::tempdir().unwrap();
        let (hand, clock) = settable();
        let mut watch = Timekeeping::begin(clock.clone(), dir.path());
        for minute in 1..=20 {
            hand.fetch_add(60, Ordering::SeqCst);
            watch.look(Duration::from_secs(60 * minute));
        }
        assert_eq!(clock.trust(), ClockTrust::Trusted);
        drop(watch);
        hand.store(MONDAY, Ordering::SeqCst);
        let watch = Timekeeping::begin(clock.clone(), dir.path());
        assert!(matches!(clock.doubt(), Some(Doubt::Behind(_))));
        assert!(matches!(doubt_at_start(dir.path(), clock.now()), Some(Doubt::Behind(_))));
        drop(watch);
        hand.store(MONDAY + 1200, Ordering::SeqCst);
        let _watch = Timekeeping::begin(clock.clone(), dir.path());
        assert_eq!(clock.trust(), ClockTrust::Trusted);
    }

    #[test]
    fn the_file_is_written_every_two_minutes_at_most() {
        let dir = tempfile::tempdir().unwrap();
        let path = latest_time_path(dir.path());
        let (hand, clock) = settable();
        let mut watch = Timekeeping::begin(clock, dir.path());
        let mut seen = Vec::new();
        for minute in 1..=20 {
            hand.fetch_add(60, Ordering::SeqCst);
            watch.look(Duration::from_secs(60 * minute));
            seen.extend(fs::read_to_string(&path).ok());
        }
        seen.dedup();
        assert_eq!(seen.len(), 6, "{seen:?}");
        assert_eq!(seen[0], "2026-11-23T07:10:00.000Z\n");
    }

    #[test]
    fn a_file_that_holds_no_time_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let now = Moment::from_unix_seconds(MONDAY);
        for content in ["", "demain", "2026-13-45", "\0\u{ff}", &"9".repeat(1000)] {
            fs::write(latest_time_path(dir.path()), content).unwrap();
            assert_eq!(doubt_at_start(dir.path(), now), None, "{content:?}");
        }
        fs::create_dir(dir.path().join("d")).unwrap();
        assert_eq!(read(&dir.path().join("d")), None);
    }

    #[test]
    fn whoever_has_the_clock_hears_of_a_doubt_and_of_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let (hand, clock) = settable();
        let mut watch = Timekeeping::begin(clock.clone(), dir.path());
        let mut doubts = clock.doubts();
        for (shown, doubt) in [(0, Some(Doubt::BeforeProgram)), (MONDAY, None)] {
            hand.store(shown, Ordering::SeqCst);
            watch.look(Duration::from_secs(5));
            assert!(doubts.has_changed().unwrap());
            assert_eq!(*doubts.borrow_and_update(), doubt);
            watch.look(Duration::from_secs(10));
            assert!(!doubts.has_changed().unwrap(), "only changes are told");
        }
    }
}
