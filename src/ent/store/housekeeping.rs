//! What a store does when nobody asks: it tries a failed disk again, leaves the rest of the school its room, writes down
//! what was used, and sweeps away files that the index does not name.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    failure::Failure,
    index::WAL_BYTES,
    inside::{Inside, count},
    kept::Digest,
    shelf::Store,
};
use crate::system::disk;

/// How often a failed disk is tried, and the room on the disk looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// How often uses are written down and one directory of bodies is swept: all 256 of them in three quarters of an hour.
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// What is left free on the disk for everything else in the box: a part of all, and no more than this.
const SPARED_PART: u64 = 32;
const SPARED_BYTES_MAX: u64 = 1 << 30;

impl Store {
    /// Keeps house until `stop`, then writes down what was used last. Without it the store works, but a disk that failed is
    /// not tried again.
    ///
    /// # Errors
    /// Never: what fails is tried again the next time.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        sweep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut directory = 0_u8;
        loop {
            let inside = Arc::clone(&self.inside);
            let work = tokio::select! {
                () = stop.cancelled() => break,
                _ = look.tick() => tokio::task::spawn_blocking(move || inside.look_at_disk()),
                _ = sweep.tick() => {
                    directory = directory.wrapping_add(1);
                    tokio::task::spawn_blocking(move || inside.tidy(directory))
                }
            };
            if let Err(cause) = work.await {
                warn!(cause = %cause, "housekeeping of the cache was cut short");
            }
        }
        let inside = Arc::clone(&self.inside);
        // The last uses are worth a moment, not a failure.
        let _ = tokio::task::spawn_blocking(move || inside.count_uses()).await;
        Ok(())
    }
}

impl Inside {
    /// Tries a failed disk, and makes room where the disk has too little left.
    pub(super) fn look_at_disk(&self) {
        self.leave_room();
        if self.is_plain()
            && let Err(failure) = self.mend()
        {
            warn!(cause = %failure, "the disk of the cache still fails");
        }
    }

    /// The quota holds while the disk has room: the cache shrinks before anything else in the box goes without.
    fn leave_room(&self) {
        let Ok(room) = disk::room(&self.dir) else { return };
        let spared = (room.total_bytes / SPARED_PART).min(SPARED_BYTES_MAX);
        self.with_index(|index| {
            let used = index.used()?;
            // The log is charged before it is there; what it is to grow by is still among the free bytes.
            let is_there = used.saturating_sub(WAL_BYTES);
            let can_have = is_there.saturating_add(room.free_bytes).saturating_sub(spared);
            let limit = self.quota_bytes.min(can_have);
            self.limit_bytes.store(limit, Ordering::Relaxed);
            if used > limit {
                index.count_uses(&self.entries.take_uses())?;
                let removed = index.make_room(limit, 0)?;
                self.counts.evicted.fetch_add(count(removed.rows.len()), Ordering::Relaxed);
                self.has_removed(&removed);
            }
            index.shrink()
        });
    }

    fn tidy(&self, directory: u8) {
        if !self.is_plain() {
            self.count_uses();
            self.sweep(directory);
        }
    }

    /// Writes down what was used since the last time.
    pub(super) fn count_uses(&self) {
        self.with_index(|index| index.count_uses(&self.entries.take_uses()));
    }

    /// Removes the files in one directory of bodies that the index does not name: what a cut left between two steps, and
    /// what an index that was set aside had named.
    pub(super) fn sweep(&self, directory: u8) {
        let first = format!("{directory:02x}");
        let Ok(files) = fs::read_dir(self.dir.join("bodies").join(&first)) else { return };
        for file in files.flatten() {
            let path = file.path();
            let run = file.file_name().to_str().and_then(|rest| digest_of(&first, rest));
            self.with_index(|index| {
                remove_unless_named(&path, run.map_or(Ok(false), |run| index.names(run)))
            });
        }
    }
}

fn remove_unless_named(path: &Path, is_named: Result<bool, Failure>) -> Result<(), Failure> {
    if !is_named? {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// The digest that a file's directory and name spell.
fn digest_of(first: &str, rest: &str) -> Option<Digest> {
    let name = format!("{first}{rest}");
    let mut digest = [0; 32];
    if name.len() != 64 || !name.is_ascii() {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(name.get(at..at + 2)?, 16).ok()?;
    }
    Some(Digest(digest))
}
