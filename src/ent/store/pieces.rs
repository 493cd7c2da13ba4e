//! Pieces of long bodies that are read again and again, in memory, and the files of runs that are open.
//!
//! A piece is 256 KiB of a run, checked when it was read from the disk; here it is neither read nor checked again, which
//! is most of what a hit costs. A piece is taken in when it is read for the second time within a while: one person who
//! watches one film takes nothing from the class's. Pieces belong to a run, which is named by its content: nothing here can
//! be out of date.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::{kept::Digest, run::OpenRun, seen::Seen};

/// Bytes of a piece; the last of a run has fewer.
pub(super) const PIECE_BYTES: u64 = 256 * 1024;

/// Files that stay open while nobody reads them.
const OPEN_MAX: usize = 32;

/// Fingerprints of pieces read once: 64 KiB, a gigabyte and more of reading.
const SEEN_SLOTS: usize = 1 << 14;

/// The pieces and files at hand.
#[derive(Debug)]
pub(super) struct Pieces {
    state: Mutex<State>,
    bytes_max: usize,
}

#[derive(Debug)]
struct State {
    slots: HashMap<(Digest, u64), Slot>,
    queue: VecDeque<(Digest, u64)>,
    bytes: usize,
    once: Seen,
    open: VecDeque<Arc<OpenRun>>,
}

#[derive(Debug)]
struct Slot {
    bytes: Bytes,
    is_used: bool,
}

impl Pieces {
    /// Room for `bytes_max` bytes of pieces.
    pub(super) fn new(bytes_max: usize) -> Self {
        let state = State {
            slots: HashMap::new(),
            queue: VecDeque::new(),
            bytes: 0,
            once: Seen::new(SEEN_SLOTS),
            open: VecDeque::new(),
        };
        Self { state: Mutex::new(state), bytes_max }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The piece with number `index` of a run, if it is here.
    pub(super) fn get(&self, run: Digest, index: u64) -> Option<Bytes> {
        let mut state = self.state();
        let slot = state.slots.get_mut(&(run, index))?;
        slot.is_used = true;
        Some(slot.bytes.clone())
    }

    /// A whole piece was read from the disk and checked.
    pub(super) fn was_read(&self, run: Digest, index: u64, bytes: &Bytes) {
        let mut state = self.state();
        let mut print = blake3::Hasher::new();
        let print = print.update(&run.0).update(&index.to_le_bytes()).finalize();
        if bytes.len() > self.bytes_max || state.slots.contains_key(&(run, index)) {
            return;
        }
        if !state.once.take(print.as_bytes()) {
            state.once.note(print.as_bytes());
            return;
        }
        state.bytes += bytes.len();
        state.slots.insert((run, index), Slot { bytes: bytes.clone(), is_used: false });
        state.queue.push_back((run, index));
        while state.bytes > self.bytes_max {
            let Some(oldest) = state.queue.pop_front() else { return };
            if state.slots.get_mut(&oldest).is_some_and(|slot| std::mem::take(&mut slot.is_used)) {
                state.queue.push_back(oldest);
            } else if let Some(slot) = state.slots.remove(&oldest) {
                state.bytes -= slot.bytes.len();
            }
        }
    }

    /// The open file of a run, if it is here.
    pub(super) fn open_run(&self, run: Digest) -> Option<Arc<OpenRun>> {
        let mut state = self.state();
        let at = state.open.iter().position(|open| open.digest() == run)?;
        let found = state.open.remove(at)?;
        state.open.push_back(Arc::clone(&found));
        Some(found)
    }

    /// The file of a run was opened.
    pub(super) fn was_opened(&self, file: &Arc<OpenRun>) {
        let mut state = self.state();
        state.open.retain(|open| open.digest() != file.digest());
        state.open.push_back(Arc::clone(file));
        if state.open.len() > OPEN_MAX {
            state.open.pop_front();
        }
    }

    /// The file of a run is gone: whoever reads it goes on, then the disk has its room back.
    pub(super) fn is_gone(&self, run: Digest) {
        self.state().open.retain(|open| open.digest() != run);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_reading_from_end_to_end_displaces_nothing_and_a_second_one_is_remembered() {
        let pieces = Pieces::new(10 * 1000);
        let piece = Bytes::from(vec![0; 1000]);
        let (lesson, film) = (Digest([1; 32]), Digest([2; 32]));
        for _ in 0..2 {
            (0..5).for_each(|index| pieces.was_read(lesson, index, &piece));
        }
        (0..1000).for_each(|index| pieces.was_read(film, index, &piece));
        assert!((0..5).all(|index| pieces.get(lesson, index).is_some()));
        assert!(pieces.get(film, 999).is_none());
        (990..1000).for_each(|index| pieces.was_read(film, index, &piece));
        assert!(pieces.get(film, 999).is_some());
        assert!(pieces.state().bytes <= 10 * 1000);
    }
}
