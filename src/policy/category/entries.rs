//! What a table holds of a name while it is gathered, and what it writes of it: eight bytes in a bucket.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Write},
};

use xxhash_rust::xxh3::Xxh3Default;

use super::{
    builder::BuildError,
    layout::{BUCKET_BITS_MAX, Category},
    set::{CategoryId, CategorySet},
};

/// Entries a bucket holds on average, at most.
const BUCKET_ENTRIES: usize = 8;

/// Bits of a hash that an entry keeps, besides those that its bucket's number says.
const REST_BITS: u32 = 48;

/// The bit beside the number of an entry's set that says that more is listed below.
pub(super) const PARENT: u16 = 1 << 15;

/// Bytes gathered before they are summed and written.
const CHUNK_BYTES: usize = 1 << 16;

/// A name or URL in a category; once equal ones are joined, `category` is the number of its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) hash: u64,
    pub(super) category: u16,
    pub(super) name_offset: u32,
}

impl Entry {
    /// Added to the category's number where a URL is listed, until entries are joined.
    const URL: u16 = 1 << 8;

    pub(super) fn name(hash: u64, id: CategoryId, name_offset: u32) -> Self {
        Self { hash, category: u16::from(id.0), name_offset }
    }

    pub(super) fn url(hash: u64, id: CategoryId, name_offset: u32) -> Self {
        Self { hash, category: u16::from(id.0) | Self::URL, name_offset }
    }
}

/// What names and URLs are below, listed itself or not: a question goes on from these only.
#[derive(Debug, Default)]
pub(super) struct Parents {
    /// Top-level labels: there are few, and they come again with every name.
    tops: HashSet<u64>,
    /// The others, some more than once.
    hashes: Vec<u64>,
}

impl Parents {
    pub(super) fn push_top(&mut self, hash: u64) {
        self.tops.insert(hash);
    }

    pub(super) fn push(&mut self, hash: u64) {
        // Lists are sorted, so the URLs of a host follow each other.
        if self.hashes.last() != Some(&hash) {
            self.hashes.push(hash);
        }
    }

    pub(super) fn sorted(self) -> Vec<u64> {
        let mut hashes = self.hashes;
        hashes.extend(self.tops);
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }
}

/// The bucket of a hash.
pub(super) fn bucket_of(hash: u64, bucket_bits: u32) -> u64 {
    hash.checked_shr(u64::BITS - bucket_bits).unwrap_or(0)
}

/// The bits of a hash that tell the entries of one bucket apart; `bucket_bits` is at most [`BUCKET_BITS_MAX`].
pub(super) fn rest_of(hash: u64, bucket_bits: u32) -> u64 {
    hash << bucket_bits >> (u64::BITS - REST_BITS)
}

/// The bits of a bucket's signature that are set if the hash is in it.
pub(super) fn signature_of(hash: u64) -> u32 {
    let bit = |shift: u32| 1 << (hash >> shift & 31);
    bit(16) | bit(21)
}

/// The bits of a hash that a table with these buckets keeps.
pub(super) fn kept_bits(bucket_bits: u32) -> u64 {
    u64::MAX.checked_shl(u64::BITS.saturating_sub(bucket_bits + REST_BITS)).unwrap_or(0)
}

/// The hash of an entry of a bucket, as far as it is kept.
pub(super) fn hash_from(bucket: u64, rest: u64, bucket_bits: u32) -> u64 {
    let top = bucket.checked_shl(u64::BITS - bucket_bits).unwrap_or(0);
    top | rest << (u64::BITS - REST_BITS) >> bucket_bits
}

/// The least bits that leave at most [`BUCKET_ENTRIES`] entries a bucket on average.
pub(super) fn bucket_bits(entries: usize) -> u32 {
    entries.div_ceil(BUCKET_ENTRIES).max(1).next_power_of_two().trailing_zeros().min(BUCKET_BITS_MAX)
}

/// Makes one entry of all that share a hash, in place, and counts names and URLs of each category; gives the sets.
pub(super) fn join(
    entries: &mut Vec<Entry>,
    bucket_bits: u32,
    categories: &mut [Category],
) -> Result<Vec<CategorySet>, BuildError> {
    let kept_bits = kept_bits(bucket_bits);
    let mut sets = Vec::new();
    let mut numbers: HashMap<CategorySet, u16> = HashMap::new();
    let mut last: Option<(CategorySet, u16)> = None;
    let (mut read, mut written) = (0, 0);
    while let Some(&first) = entries.get(read) {
        let mut set = CategorySet::EMPTY;
        let is_same = |entry: &&Entry| (entry.hash ^ first.hash) & kept_bits == 0;
        while let Some(entry) = entries.get(read).filter(is_same) {
            let [id, is_url] = entry.category.to_le_bytes();
            if set.insert(CategoryId(id))
                && let Some(category) = categories.get_mut(usize::from(id))
            {
                category.names += u64::from(is_url ^ 1);
                category.urls += u64::from(is_url);
            }
            read += 1;
        }
        // Most entries are in the same category as the one before.
        let number = match last.filter(|(other, _)| *other == set) {
            Some((_, number)) => number,
            None => {
                let next = sets.len();
                let number = match numbers.entry(set) {
                    std::collections::hash_map::Entry::Occupied(known) => *known.get(),
                    std::collections::hash_map::Entry::Vacant(free) => {
                        sets.push(set);
                        *free.insert(
                            u16::try_from(next).ok().filter(|next| *next < PARENT).ok_or(BuildError::Sets)?,
                        )
                    }
                };
                last = Some((set, number));
                number
            }
        };
        entries[written] = Entry { category: number, ..first };
        written += 1;
    }
    entries.truncate(written);
    Ok(sets)
}

/// Writes buckets, entries and their checksum; gives the checksum. `parents` are sorted like `entries`.
pub(super) fn write_body(
    entries: &[Entry],
    parents: &[u64],
    bucket_bits: u32,
    out: impl Write,
) -> io::Result<u64> {
    let mut body = Body { out, sum: Xxh3Default::new(), chunk: Vec::with_capacity(CHUNK_BYTES) };
    let mut index = 0u32;
    let mut hashes = entries.iter().map(|entry| entry.hash).peekable();
    let mut above = parents.iter().copied().peekable();
    for bucket in 0..=(1u64 << bucket_bits) {
        let first = index;
        let mut signature = 0;
        let is_here = |hash: &u64| bucket_of(*hash, bucket_bits) == bucket;
        while let Some(hash) = hashes.next_if(is_here) {
            signature |= signature_of(hash);
            index += 1;
        }
        while let Some(hash) = above.next_if(is_here) {
            signature |= signature_of(hash);
        }
        body.push(u64::from(signature) << 32 | u64::from(first))?;
    }
    let kept_bits = kept_bits(bucket_bits);
    let mut above = parents.iter().map(|hash| hash & kept_bits).peekable();
    for entry in entries {
        let sought = entry.hash & kept_bits;
        while above.next_if(|hash| *hash < sought).is_some() {}
        let is_parent = above.peek() == Some(&sought);
        let low = if is_parent { entry.category | PARENT } else { entry.category };
        body.push(rest_of(entry.hash, bucket_bits) << 16 | u64::from(low))?;
    }
    body.finish()
}

/// Writes the long sections and sums them on the way.
struct Body<W> {
    out: W,
    sum: Xxh3Default,
    chunk: Vec<u8>,
}

impl<W: Write> Body<W> {
    fn push(&mut self, cell: u64) -> io::Result<()> {
        self.chunk.extend_from_slice(&cell.to_le_bytes());
        if self.chunk.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sum.update(&self.chunk);
        self.out.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }

    /// Ends the body with its checksum.
    fn finish(mut self) -> io::Result<u64> {
        self.flush()?;
        let sum = self.sum.digest();
        self.out.write_all(&sum.to_le_bytes())?;
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_and_its_entry_give_back_the_bits_of_the_hash_that_are_kept() {
        let hash = 0xfedc_ba98_7654_3210;
        for (bits, kept) in [(0, 0xfedc_ba98_7654_0000), (4, 0xfedc_ba98_7654_3000), (16, hash), (31, hash)] {
            assert_eq!(hash & kept_bits(bits), kept, "{bits} bits");
            assert_eq!(hash_from(bucket_of(hash, bits), rest_of(hash, bits), bits), kept, "{bits} bits");
        }
    }

    #[test]
    fn buckets_hold_between_four_and_eight_entries() {
        for (entries, bits) in [(0, 0), (8, 0), (9, 1), (5_200_000, 20), (9_000_000, 21)] {
            assert_eq!(bucket_bits(entries), bits, "{entries}");
        }
    }
}
