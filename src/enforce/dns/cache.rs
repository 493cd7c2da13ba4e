//! Answers kept until they expire, and a day longer for when upstream fails (RFC 8767).
//!
//! The cache knows questions and answers, never askers: whoever is given an answer from it is judged anew.
//!
//! When it is full, what nobody has asked for since the hand last came by goes first (CLOCK): room is bounded, names that
//! are asked for once drive out none that are asked for often, and no look-up moves anything.

use std::{sync::Arc, time::Duration};

use indexmap::IndexMap;
use tokio::time::Instant;

use super::{
    answer::Answer,
    key::Key,
    limits::{FAILURE_KEPT, STALE_MAX, STALE_RECHECK},
    reply::Age,
};

/// Memory an entry takes beside its key and its answer, in bytes, about: its place, and the allocator's share of three pieces.
const ENTRY_OVERHEAD_BYTES: usize = 128;

/// What the cache knows about a question.
#[derive(Clone, Debug)]
pub(super) enum Known {
    /// An answer that may be given.
    Answer(Arc<Answer>, Age),
    /// An expired answer, to be given only if upstream fails.
    Expired(Arc<Answer>),
    /// Upstream has just failed and there is nothing else.
    Failed,
    /// Nothing.
    Nothing,
}

/// The cache.
#[derive(Debug)]
pub(super) struct Cache {
    /// By question. Their order is the hand's round.
    entries: IndexMap<Box<[u8]>, Entry>,
    /// The place whose entry is the next that may go.
    hand: usize,
    bytes: usize,
    bytes_max: usize,
    entries_max: usize,
}

#[derive(Debug)]
struct Entry {
    answer: Option<Arc<Answer>>,
    since: Instant,
    /// Until when upstream is not asked again after a failure.
    alone_until: Option<Instant>,
    /// Whether it was asked for since the hand last came by.
    is_used: bool,
}

impl Cache {
    /// How many questions it keeps an answer to, or has tried to.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// An empty cache of at most `bytes_max` bytes and `entries_max` entries.
    pub(super) fn new(bytes_max: usize, entries_max: usize) -> Self {
        Self { entries: IndexMap::new(), hand: 0, bytes: 0, bytes_max, entries_max }
    }

    /// What is known about `key` at `now`.
    pub(super) fn find(&mut self, key: &Key, now: Instant) -> Known {
        let Some(entry) = self.entries.get_mut(key.as_slice()) else { return Known::Nothing };
        entry.is_used = true;
        entry.known(now)
    }

    /// Keeps `answer`, if it may be kept at all.
    pub(super) fn keep(&mut self, key: &Key, answer: &Arc<Answer>, now: Instant) {
        if !answer.lifetime().is_zero() {
            self.insert(key, Some(Arc::clone(answer)), now, None);
        }
    }

    /// Notes that upstream failed: an expired answer may serve for a while, or the failure is remembered a moment.
    pub(super) fn note_failure(&mut self, key: &Key, now: Instant) {
        let known = self.find(key, now);
        if let (Known::Expired(_) | Known::Answer(..), Some(entry)) =
            (known, self.entries.get_mut(key.as_slice()))
        {
            entry.alone_until = Some(now + STALE_RECHECK);
            return;
        }
        self.insert(key, None, now, Some(now + FAILURE_KEPT));
    }

    /// Drops what is kept about `key`.
    pub(super) fn forget(&mut self, key: &Key) {
        if let Some((key, gone)) = self.entries.swap_remove_entry(key.as_slice()) {
            self.bytes -= gone.bytes(&key);
        }
    }

    fn insert(
        &mut self,
        key: &Key,
        answer: Option<Arc<Answer>>,
        since: Instant,
        alone_until: Option<Instant>,
    ) {
        let is_used = self.entries.get(key.as_slice()).is_some_and(|before| before.is_used);
        self.forget(key);
        let entry = Entry { answer, since, alone_until, is_used };
        let bytes = entry.bytes(key.as_slice());
        if bytes > self.bytes_max {
            return;
        }
        let is_full =
            |cache: &Self| cache.entries.len() >= cache.entries_max || cache.bytes + bytes > cache.bytes_max;
        while !self.entries.is_empty() && is_full(self) {
            self.make_room();
        }
        self.bytes += bytes;
        self.entries.insert(Box::from(key.as_slice()), entry);
    }

    /// Drops the first entry, from the hand on, that was not asked for; all of them are given a second chance.
    fn make_room(&mut self) {
        loop {
            match self.entries.get_index_mut(self.hand) {
                None => self.hand = 0,
                Some((_, entry)) if entry.is_used => {
                    entry.is_used = false;
                    self.hand += 1;
                }
                Some(_) => break,
            }
        }
        if let Some((key, gone)) = self.entries.swap_remove_index(self.hand) {
            self.bytes -= gone.bytes(&key);
        }
        // What took the place is the newest.
        self.hand += 1;
    }
}

impl Entry {
    fn known(&self, now: Instant) -> Known {
        let left_alone = self.alone_until.is_some_and(|until| now < until);
        let Some(answer) = &self.answer else {
            return if left_alone { Known::Failed } else { Known::Nothing };
        };
        let age = now.saturating_duration_since(self.since);
        if age < answer.lifetime() {
            return Known::Answer(Arc::clone(answer), Age::Fresh(whole_seconds(age)));
        }
        if age >= answer.lifetime() + STALE_MAX {
            return Known::Nothing;
        }
        if left_alone {
            Known::Answer(Arc::clone(answer), Age::Stale)
        } else {
            Known::Expired(Arc::clone(answer))
        }
    }

    fn bytes(&self, key: &[u8]) -> usize {
        ENTRY_OVERHEAD_BYTES + key.len() + self.answer.as_ref().map_or(0, |answer| answer.bytes())
    }
}

fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
