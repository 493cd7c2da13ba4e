//! What is asked for most, in memory: responses by key, small bodies with them. The road of a hit is one lock of one
//! shard, held for a look into a table.
//!
//! What is here is what the index says, at every moment: whoever changes the index changes this after it and moves the
//! shard's *turn*; whoever has read the index puts what it found here only if the turn is still what it was before it
//! read. A key with nothing under it can be here as well, so that it is not looked for again.
//!
//! Each shard is a clock: a queue in which what was used since it last came to the front goes to the back once more.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::kept::{Kept, Key};

const SHARDS: usize = 16;

/// What a key costs beside its responses' bytes.
const ENTRY_BYTES: usize = 256;

/// What is made of a head takes about as much: a table of a dozen fields, whose values are the head's own bytes.
const MADE_BYTES: usize = 1024;

/// Uses that a key is credited with at most.
const USES_MAX: u8 = 3;

/// Uses remembered of keys that left memory before they were written down; later ones are not counted.
const LEFT_MAX: usize = 4096;

/// The table of what is in memory.
#[derive(Debug)]
pub(super) struct Entries {
    shards: Vec<Mutex<Shard>>,
    shard_bytes_max: usize,
}

#[derive(Debug, Default)]
struct Shard {
    slots: HashMap<Key, Slot, BuildHasherDefault<FirstBytes>>,
    queue: VecDeque<Key>,
    bytes: usize,
    turn: u64,
    left: Vec<(Key, u8)>,
}

#[derive(Debug)]
struct Slot {
    entry: Arc<[Kept]>,
    bytes: usize,
    /// For the clock.
    uses: u8,
    /// Not yet written down.
    uncounted: u8,
}

/// Proof of when a shard was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(u64);

impl Entries {
    /// Room for `bytes` in all.
    pub(super) fn new(bytes: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), shard_bytes_max: bytes / SHARDS }
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        let [.., last] = key.0;
        self.shards[usize::from(last) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is under `key`, if memory knows; this is a use.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<[Kept]>> {
        let mut shard = self.shard(key);
        let slot = shard.slots.get_mut(key)?;
        slot.uses = slot.uses.saturating_add(1).min(USES_MAX);
        // To look for what is not there is no use of what will be.
        if !slot.entry.is_empty() {
            slot.uncounted = slot.uncounted.saturating_add(1).min(USES_MAX);
        }
        Some(Arc::clone(&slot.entry))
    }

    /// The turn of the shard of `key`, to be asked for before the index is read.
    pub(super) fn turn(&self, key: &Key) -> Turn {
        Turn(self.shard(key).turn)
    }

    /// Puts here what the index said since `turn`, unless it may have changed.
    pub(super) fn put(&self, key: &Key, entry: &Arc<[Kept]>, turn: Turn) {
        let mut shard = self.shard(key);
        if Turn(shard.turn) == turn {
            shard.put(*key, Arc::clone(entry), u8::from(!entry.is_empty()), self.shard_bytes_max);
        }
    }

    /// The index has `kept`, instead of the response `gone`, beside those with the other ids in `ids`; called by the one
    /// who changed it, after it.
    pub(super) fn enter(&self, key: &Key, kept: &Kept, others: &[u64]) {
        let mut shard = self.shard(key);
        shard.turn += 1;
        let known = shard.slots.get(key).map(|slot| Arc::clone(&slot.entry));
        let known = known.as_deref().unwrap_or_default();
        let mut entry = vec![kept.clone()];
        for id in others {
            let Some(other) = known.iter().find(|other| other.id == *id) else {
                shard.remove(key);
                return;
            };
            entry.push(other.clone());
        }
        shard.put(*key, entry.into(), 0, self.shard_bytes_max);
    }

    /// The index has another head for the response `id`.
    pub(super) fn renew(&self, key: &Key, id: u64, head: &Bytes) {
        let mut shard = self.shard(key);
        shard.turn += 1;
        let Some(slot) = shard.slots.get(key) else { return };
        let renewed = |kept: &Kept| {
            if kept.id == id { kept.with_head(head.clone()) } else { kept.clone() }
        };
        let entry: Arc<[Kept]> = slot.entry.iter().map(renewed).collect();
        shard.put(*key, entry, 0, self.shard_bytes_max);
    }

    /// The index has changed under `key`.
    pub(super) fn changed(&self, key: &Key) {
        let mut shard = self.shard(key);
        shard.turn += 1;
        shard.remove(key);
    }

    /// Nothing the index said counts any more.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = shard.turn + 1;
            *shard = Shard { turn, ..Shard::default() };
        }
    }

    /// The uses since the last time, by key.
    pub(super) fn take_uses(&self) -> Vec<(Key, u8)> {
        let mut uses = Vec::new();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            uses.append(&mut shard.left);
            let counted = shard.slots.iter_mut().filter(|(_, slot)| slot.uncounted > 0);
            uses.extend(counted.map(|(key, slot)| (*key, std::mem::take(&mut slot.uncounted))));
        }
        uses
    }
}

impl Shard {
    fn put(&mut self, key: Key, entry: Arc<[Kept]>, uncounted: u8, bytes_max: usize) {
        let bytes = entry.iter().fold(ENTRY_BYTES, |sum, kept| sum.saturating_add(memory_of(kept)));
        let before = self.remove_slot(&key);
        if bytes > bytes_max {
            self.leave(key, before.map_or(0, |slot| slot.uncounted).max(uncounted));
            return;
        }
        let uncounted =
            before.as_ref().map_or(0, |slot| slot.uncounted).saturating_add(uncounted).min(USES_MAX);
        let uses = before.as_ref().map_or(0, |slot| slot.uses);
        self.bytes += bytes;
        self.slots.insert(key, Slot { entry, bytes, uses, uncounted });
        if before.is_none() {
            self.queue.push_back(key);
        }
        self.make_room(bytes_max);
    }

    fn make_room(&mut self, bytes_max: usize) {
        while self.bytes > bytes_max {
            let Some(key) = self.queue.pop_front() else { return };
            match self.slots.get_mut(&key) {
                Some(slot) if slot.uses > 0 => {
                    slot.uses -= 1;
                    self.queue.push_back(key);
                }
                _ => {
                    if let Some(slot) = self.remove_slot(&key) {
                        self.leave(key, slot.uncounted);
                    }
                }
            }
        }
    }

    /// Takes a key out; its uses stay to be written down.
    fn remove(&mut self, key: &Key) {
        if let Some(slot) = self.remove_slot(key) {
            self.queue.retain(|queued| queued != key);
            self.leave(*key, slot.uncounted);
        }
    }

    fn remove_slot(&mut self, key: &Key) -> Option<Slot> {
        let slot = self.slots.remove(key)?;
        self.bytes -= slot.bytes;
        Some(slot)
    }

    fn leave(&mut self, key: Key, uncounted: u8) {
        if uncounted > 0 && self.left.len() < LEFT_MAX / SHARDS {
            self.left.push((key, uncounted));
        }
    }
}

/// What a response takes in memory, with what is made of its head.
fn memory_of(kept: &Kept) -> usize {
    let at_hand = kept.body.at_hand.as_ref().map_or(0, Bytes::len);
    kept.head.len() + at_hand + kept.body.parts.len() * 64 + MADE_BYTES + 160
}

/// Keys are digests already: their first bytes are as good a hash as any.
#[derive(Debug, Default)]
struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ent::store::kept::BodyId;

    fn key(number: u8) -> Key {
        // One shard for all.
        let mut key = *blake3::hash(&[number]).as_bytes();
        key[31] = 0;
        Key(key)
    }

    fn kept(number: u8, bytes: usize) -> Kept {
        let at_hand = Some(Bytes::from(vec![number; bytes]));
        let body = BodyId { key: key(number), id: number.into(), length: 0, parts: Arc::default(), at_hand };
        Kept::new(number.into(), Bytes::new(), body)
    }

    #[test]
    fn what_is_used_stays_when_what_is_not_passes_through() {
        let entries = Entries::new(16 * 8 * 1024);
        entries.enter(&key(0), &kept(0, 1000), &[]);
        for number in 1..200 {
            assert!(entries.get(&key(0)).is_some(), "gone after {number}");
            entries.enter(&key(number), &kept(number, 1000), &[]);
        }
        assert!(entries.get(&key(1)).is_none());
        assert!(entries.shard(&key(0)).bytes <= 8 * 1024);
    }

    #[test]
    fn what_was_read_before_a_change_is_not_put_here_after_it() {
        let entries = Entries::new(1 << 20);
        let turn = entries.turn(&key(1));
        entries.changed(&key(1));
        entries.put(&key(1), &Arc::from([kept(1, 10)]), turn);
        assert!(entries.get(&key(1)).is_none());
        entries.put(&key(1), &Arc::from([kept(1, 10)]), entries.turn(&key(1)));
        assert!(entries.get(&key(1)).is_some());
    }

    #[test]
    fn a_new_response_joins_those_that_memory_knows_and_hides_none_that_it_does_not() {
        let entries = Entries::new(1 << 20);
        entries.enter(&key(1), &kept(1, 10), &[]);
        let again = |id| Kept::new(id, Bytes::new(), kept(1, 10).body);
        entries.enter(&key(1), &again(2), &[1]);
        let ids: Vec<u64> = entries.get(&key(1)).unwrap().iter().map(|kept| kept.id).collect();
        assert_eq!(ids, [2, 1]);
        entries.enter(&key(1), &again(3), &[2, 77]);
        assert!(entries.get(&key(1)).is_none());
    }

    #[test]
    fn looking_for_what_is_not_there_is_no_use_of_it() {
        let entries = Entries::new(1 << 20);
        entries.put(&key(1), &Arc::default(), entries.turn(&key(1)));
        assert!(entries.get(&key(1)).is_some_and(|entry| entry.is_empty()));
        entries.enter(&key(1), &kept(1, 10), &[]);
        assert_eq!(entries.take_uses(), []);
    }

    #[test]
    fn uses_are_told_once_and_those_of_what_left_are_not_lost() {
        let entries = Entries::new(16 * 2048);
        entries.enter(&key(1), &kept(1, 10), &[]);
        entries.get(&key(1));
        entries.get(&key(1));
        assert_eq!(entries.take_uses(), [(key(1), 2)]);
        assert_eq!(entries.take_uses(), []);
        entries.get(&key(1));
        entries.changed(&key(1));
        assert_eq!(entries.take_uses(), [(key(1), 1)]);
    }
}
