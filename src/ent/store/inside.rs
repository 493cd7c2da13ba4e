//! What all handles of a store share: the one index that writes, those that read, what is in memory, and how the disk is.

use std::{
    fs::{self, File},
    io,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use rusqlite::Connection;
use tracing::{error, info, warn};

use super::{
    draft::{Settled, Written},
    edit::{Entering, Removed},
    entries::Entries,
    failure::Failure,
    index::{self, Found, Index, index_path},
    kept::{Digest, Kept, Key},
    pieces::Pieces,
    run::{FinishedRun, OpenRun, run_path},
};

/// The longest body that stays in memory with its head.
pub(super) const AT_HAND_BYTES_MAX: u64 = 64 * 1024;

/// Connections that read and wait to be used again.
const READERS_MAX: usize = 4;

/// What all handles share.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) dir: PathBuf,
    pub(super) quota_bytes: u64,
    /// The quota, or less where the disk has less left.
    pub(super) limit_bytes: AtomicU64,
    /// None while the disk does not let it be opened.
    index: Mutex<Option<Index>>,
    readers: Mutex<Vec<Connection>>,
    /// The index's number; it moves when the index is begun anew.
    number: AtomicU64,
    pub(super) entries: Entries,
    pub(super) pieces: Pieces,
    pub(super) counts: Counts,
    is_plain: AtomicBool,
    draft_next: AtomicU64,
    /// Held for as long as the store is open.
    _lock: Option<File>,
}

/// What is counted since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) evicted: AtomicU64,
    pub(super) damaged: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) objects: AtomicU64,
    pub(super) bytes: AtomicU64,
}

impl Inside {
    pub(super) fn new(dir: PathBuf, quota_bytes: u64, memory_bytes: usize, lock: Option<File>) -> Self {
        let number = index::latest(&dir);
        Self {
            dir,
            quota_bytes,
            limit_bytes: AtomicU64::new(quota_bytes),
            index: Mutex::new(None),
            readers: Mutex::default(),
            number: AtomicU64::new(number),
            entries: Entries::new(memory_bytes / 3),
            pieces: Pieces::new(memory_bytes - memory_bytes / 3),
            counts: Counts::default(),
            is_plain: AtomicBool::new(false),
            draft_next: AtomicU64::new(0),
            _lock: lock,
        }
    }

    /// Whether nothing is kept because the disk fails.
    pub(super) fn is_plain(&self) -> bool {
        self.is_plain.load(Ordering::Relaxed)
    }

    /// Where the next draft is written.
    pub(super) fn draft_path(&self) -> PathBuf {
        self.dir.join("drafts").join(self.draft_next.fetch_add(1, Ordering::Relaxed).to_string())
    }

    /// The disk failed: nothing more is asked of it until housekeeping finds it well.
    pub(super) fn disk_failed(&self, cause: &dyn std::error::Error) {
        if !self.is_plain.swap(true, Ordering::Relaxed) {
            let source = cause.source().map(ToString::to_string).unwrap_or_default();
            error!(cause = %cause, source, "the disk of the cache fails; nothing is kept until it does not");
        }
    }

    /// Brings what was written to the disk, or counts it as refused; a failure makes the store plain.
    pub(super) fn settle_body(&self, written: Written, may_be_small: bool) -> Option<Settled> {
        let is_lost = written.is_lost();
        let settled = written.settle(self, may_be_small);
        settled
            .map_err(|failure| {
                self.counts.refused.fetch_add(1, Ordering::Relaxed);
                // A body that met a failing disk is lost even where the disk is well again.
                if !is_lost {
                    self.disk_failed(&failure);
                }
            })
            .ok()
    }

    /// Lets `act` work on the index. None where that cannot be done: the disk fails, or the index is damaged and has
    /// been begun anew.
    pub(super) fn with_index<T>(&self, act: impl FnOnce(&mut Index) -> Result<T, Failure>) -> Option<T> {
        let mut held = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let index = held.as_mut()?;
        let failure = match act(index) {
            Ok(done) => {
                self.tell_figures(index);
                return Some(done);
            }
            Err(failure) => failure,
        };
        self.settle(&mut held, &failure);
        None
    }

    /// Opens the index if it is not open, and tries the disk.
    ///
    /// # Errors
    /// When the disk still fails.
    pub(super) fn mend(&self) -> Result<(), Failure> {
        let mut held = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        fs::create_dir_all(self.dir.join("drafts"))?;
        fs::create_dir_all(self.dir.join("bodies"))?;
        if held.is_some() && !index_path(&self.dir, self.number()).exists() {
            // Somebody removed the directory: what is open is no file any more.
            *held = None;
            self.begin_anew();
        }
        let path = self.draft_path();
        let tried = fs::write(&path, [0; 65536]).and_then(|()| File::open(&path)?.sync_all());
        let removed = fs::remove_file(&path);
        tried.and(removed)?;
        let index = match held.take() {
            Some(index) => index,
            None => self.open_index()?,
        };
        self.tell_figures(&index);
        *held = Some(index);
        if self.is_plain.swap(false, Ordering::Relaxed) {
            info!("the disk of the cache takes bytes again");
        }
        Ok(())
    }

    fn tell_figures(&self, index: &Index) {
        self.counts.objects.store(index.tally.objects, Ordering::Relaxed);
        if let Ok(used) = index.used() {
            self.counts.bytes.store(used, Ordering::Relaxed);
        }
    }

    /// The index; a damaged one is set aside and begun anew.
    fn open_index(&self) -> Result<Index, Failure> {
        if let Some(before) = self.number().checked_sub(1) {
            // It may have outlived the cut in which it was given up.
            index::remove(&self.dir, before)?;
        }
        match Index::open(&self.dir, self.number()) {
            Err(Failure::Damaged(cause)) => {
                warn!(cause = format!("{cause:#}"), "the index of the cache is damaged and begun anew");
                self.give_up_index()?;
                Index::open(&self.dir, self.number())
            }
            opened => opened,
        }
    }

    /// Does what a failure asks for.
    fn settle(&self, held: &mut Option<Index>, failure: &Failure) {
        match failure {
            Failure::Disk(_) => self.disk_failed(failure),
            Failure::Damaged(cause) => {
                warn!(cause = format!("{cause:#}"), "the index of the cache is damaged and begun anew");
                *held = None;
                let given_up = self.give_up_index().map_err(Failure::from);
                match given_up.and_then(|()| Index::open(&self.dir, self.number())) {
                    Ok(index) => *held = Some(index),
                    Err(failure) => self.disk_failed(&failure),
                }
            }
        }
    }

    fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// From here on it is another index; connections to the one before are not kept.
    fn begin_anew(&self) {
        self.number.fetch_add(1, Ordering::AcqRel);
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.entries.clear();
    }

    /// Removes a damaged index; what it named is forgotten.
    fn give_up_index(&self) -> io::Result<()> {
        self.counts.damaged.fetch_add(1, Ordering::Relaxed);
        let number = self.number();
        self.begin_anew();
        index::remove(&self.dir, number)
    }

    /// Lets `look` read the index beside the one who writes. None where that cannot be done.
    pub(super) fn with_reader<T>(&self, look: impl FnOnce(&Connection) -> Result<T, Failure>) -> Option<T> {
        let number = self.number();
        let waiting = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match waiting.map_or_else(|| index::reader(&self.dir, number), Ok) {
            Ok(connection) => connection,
            Err(error) => {
                self.read_failed(&Failure::from(error), number);
                return None;
            }
        };
        let failure = match look(&connection) {
            Ok(found) => {
                let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
                if readers.len() < READERS_MAX && self.number() == number {
                    readers.push(connection);
                }
                return Some(found);
            }
            Err(failure) => failure,
        };
        drop(connection);
        self.read_failed(&failure, number);
        None
    }

    /// A damaged index is begun anew once, however many read it; a disk that cannot be read is a miss.
    fn read_failed(&self, failure: &Failure, number: u64) {
        let mut held = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_some() && self.number() == number {
            self.settle(&mut held, failure);
        }
    }

    /// What the index has under `key`, newest first, and puts it into memory.
    pub(super) fn find(&self, key: &Key) -> Arc<[Kept]> {
        let turn = self.entries.turn(key);
        let Some((found, damaged)) = self.with_reader(|connection| index::find(connection, key)) else {
            return Arc::default();
        };
        let mut lost = damaged;
        let mut entry = Vec::with_capacity(found.len());
        for found in found {
            match self.short_body(&found) {
                Ok(at_hand) => entry.push(found.kept(key, at_hand)),
                Err(_) => lost.push(found.id),
            }
        }
        let entry = Arc::from(entry);
        if lost.is_empty() {
            self.entries.put(key, &entry, turn);
        }
        for id in lost {
            self.drop_damaged(key, id);
        }
        entry
    }

    /// All of the body, checked, where it is whole in one short run.
    fn short_body(&self, found: &Found) -> io::Result<Option<Bytes>> {
        match found.parts[..] {
            [part]
                if part.length == found.length && found.length <= AT_HAND_BYTES_MAX && part.run_from == 0 =>
            {
                OpenRun::open(&self.dir, part.run)?.read_all().map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Enters a response; `run` is what was written for it. Gives its id.
    pub(super) fn enter(
        &self,
        entering: &Entering,
        run: Option<&FinishedRun>,
        instead_of: Option<u64>,
        at_hand: Option<Bytes>,
    ) -> Option<Kept> {
        let entered = self.with_index(|index| {
            let limit = self.limit_bytes.load(Ordering::Relaxed);
            let need = entering.bytes();
            if index.used()?.saturating_add(need) > limit {
                index.count_uses(&self.entries.take_uses())?;
                // Some more than is needed, so that not every response must make room.
                let removed = index.make_room(limit, need.saturating_add(limit / 256))?;
                self.counts.evicted.fetch_add(count(removed.rows.len()), Ordering::Relaxed);
                self.has_removed(&removed);
                if need > limit / 4 || index.used()?.saturating_add(need) > limit {
                    return Ok(None);
                }
            }
            run.map_or(Ok(()), |run| run.place(&self.dir))?;
            let (id, removed) = index.enter(entering, instead_of)?;
            self.has_removed(&removed);
            let others = index::ids(&index.connection, &entering.key, id)?;
            let found = Found {
                id,
                head: entering.head.clone(),
                length: entering.length,
                parts: entering.parts.clone().into(),
                small: entering.small.clone(),
            };
            let kept = found.kept(&entering.key, at_hand);
            self.entries.enter(&entering.key, &kept, &others);
            Ok(Some(kept))
        });
        let kept = entered.flatten();
        if kept.is_none() {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
        }
        kept
    }

    /// What is not in the index any more goes from memory and disk too. An unlinked file can be read to its end by whoever
    /// has it open.
    pub(super) fn has_removed(&self, removed: &Removed) {
        for (key, _) in &removed.rows {
            self.entries.changed(key);
        }
        for run in &removed.runs {
            self.unlink(*run);
        }
    }

    fn unlink(&self, run: Digest) {
        self.pieces.is_gone(run);
        // A file that stays is found by the sweep.
        let _ = fs::remove_file(run_path(&self.dir, run));
    }

    /// Gives a response another head.
    pub(super) fn renew(&self, key: &Key, id: u64, head: &Bytes) {
        self.with_index(|index| index.renew(key, id, head));
        self.entries.renew(key, id, head);
    }

    /// Forgets one response under `key`, or all of them.
    pub(super) fn forget(&self, key: &Key, id: Option<u64>) {
        let done = self.with_index(|index| {
            let removed = index.remove(key, id)?;
            self.entries.changed(key);
            self.has_removed(&removed);
            Ok(())
        });
        if done.is_none() {
            self.entries.changed(key);
        }
    }

    /// A response cannot be read: it goes.
    pub(super) fn drop_damaged(&self, key: &Key, id: u64) {
        self.counts.damaged.fetch_add(1, Ordering::Relaxed);
        self.forget(key, Some(id));
    }

    /// A file that is not what it was: whatever names it finds it gone.
    pub(super) fn drop_run(&self, run: Digest) {
        self.with_index(|_| {
            self.unlink(run);
            Ok(())
        });
    }
}

/// A length as figures have it.
pub(super) fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
