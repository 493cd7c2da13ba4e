//! Answers kept until they expire, and a day longer for when upstream fails (RFC 8767).
//!
//! The cache knows questions and answers, never askers: whoever is given an answer from it is judged anew.
//!
//! It has two generations. What is new or used goes to the young one; when that has filled half of the room it becomes
//! the old one and the former old one is dropped. So room is bounded, and what is asked for stays, without a list to
//! keep in order at each look-up.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    answer::Answer,
    key::Key,
    limits::{FAILURE_KEPT, STALE_MAX, STALE_RECHECK},
    reply::Age,
};

/// Memory an entry takes beside its key and its answer, in bytes, about.
const ENTRY_OVERHEAD_BYTES: usize = 160;

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
    young: HashMap<Box<[u8]>, Entry>,
    old: HashMap<Box<[u8]>, Entry>,
    young_bytes: usize,
    generation_bytes_max: usize,
    generation_entries_max: usize,
}

#[derive(Debug)]
struct Entry {
    answer: Option<Arc<Answer>>,
    since: Instant,
    /// Until when upstream is not asked again after a failure.
    alone_until: Option<Instant>,
}

impl Cache {
    /// How many questions it keeps an answer to, or has tried to.
    pub(super) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }

    /// An empty cache of at most `bytes_max` bytes and `entries_max` entries.
    pub(super) fn new(bytes_max: usize, entries_max: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            young_bytes: 0,
            generation_bytes_max: bytes_max / 2,
            generation_entries_max: entries_max / 2,
        }
    }

    /// What is known about `key` at `now`.
    pub(super) fn find(&mut self, key: &Key, now: Instant) -> Known {
        if let Some(entry) = self.young.get(key.as_slice()) {
            return entry.known(now);
        }
        let Some((key, entry)) = self.old.remove_entry(key.as_slice()) else {
            return Known::Nothing;
        };
        let known = entry.known(now);
        if !matches!(known, Known::Nothing) {
            self.insert(key, entry);
        }
        known
    }

    /// Keeps `answer`, if it may be kept at all.
    pub(super) fn keep(&mut self, key: &Key, answer: &Arc<Answer>, now: Instant) {
        if answer.lifetime.is_zero() {
            return;
        }
        let entry = Entry { answer: Some(Arc::clone(answer)), since: now, alone_until: None };
        self.insert(Box::from(key.as_slice()), entry);
    }

    /// Notes that upstream failed: an expired answer may serve for a while, or the failure is remembered a moment.
    pub(super) fn note_failure(&mut self, key: &Key, now: Instant) {
        let known = self.find(key, now);
        if let (Known::Expired(_) | Known::Answer(..), Some(entry)) =
            (known, self.young.get_mut(key.as_slice()))
        {
            entry.alone_until = Some(now + STALE_RECHECK);
            return;
        }
        let entry = Entry { answer: None, since: now, alone_until: Some(now + FAILURE_KEPT) };
        self.insert(Box::from(key.as_slice()), entry);
    }

    /// Drops what is kept about `key`.
    pub(super) fn forget(&mut self, key: &Key) {
        self.old.remove(key.as_slice());
        if let Some((key, gone)) = self.young.remove_entry(key.as_slice()) {
            self.young_bytes -= bytes_of(&key, &gone);
        }
    }

    fn insert(&mut self, key: Box<[u8]>, entry: Entry) {
        let bytes = bytes_of(&key, &entry);
        let full = self.young_bytes + bytes > self.generation_bytes_max
            || self.young.len() >= self.generation_entries_max;
        if full {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        if bytes > self.generation_bytes_max {
            return;
        }
        self.old.remove(&key);
        self.young_bytes += bytes;
        let key_bytes = key.len();
        if let Some(replaced) = self.young.insert(key, entry) {
            self.young_bytes -= key_bytes + replaced.bytes();
        }
    }
}

fn bytes_of(key: &[u8], entry: &Entry) -> usize {
    key.len() + entry.bytes()
}

impl Entry {
    fn known(&self, now: Instant) -> Known {
        let left_alone = self.alone_until.is_some_and(|until| now < until);
        let Some(answer) = &self.answer else {
            return if left_alone { Known::Failed } else { Known::Nothing };
        };
        let age = now.saturating_duration_since(self.since);
        if age < answer.lifetime {
            return Known::Answer(Arc::clone(answer), Age::Fresh(whole_seconds(age)));
        }
        if age >= answer.lifetime + STALE_MAX {
            return Known::Nothing;
        }
        if left_alone {
            Known::Answer(Arc::clone(answer), Age::Stale)
        } else {
            Known::Expired(Arc::clone(answer))
        }
    }

    fn bytes(&self) -> usize {
        ENTRY_OVERHEAD_BYTES + self.answer.as_ref().map_or(0, |answer| answer.bytes())
    }
}

fn whole_seconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_secs()).unwrap_or(u32::MAX)
}
