//! What a table holds of a name while it is gathered, and how it is put in order and written.

use std::{
    collections::{HashMap, HashSet},
    io::{self, Write},
};

use xxhash_rust::xxh3::Xxh3Default;
use zerocopy::IntoBytes as _;

use super::{
    builder::BuildError,
    layout::Category,
    line::{self, Line, Lines, Mark, Spilled},
    set::{CategoryId, CategorySet},
};

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

/// How many hashes there are among `entries`, which are sorted.
pub(super) fn distinct(entries: &[Entry]) -> usize {
    entries.chunk_by(|one, next| one.hash == next.hash).count()
}

/// How many of `entries`, which are joined and sorted, their lines have no room for.
pub(super) fn spilled_count(entries: &[Entry], lines: Lines) -> usize {
    let rows = entries.chunk_by(|one, next| lines.key(one.hash).line() == lines.key(next.hash).line());
    rows.map(|row| Line::spilled_count(row.len())).sum()
}

/// Makes one entry of all that share a key, in place, and counts names and URLs of each category; gives the sets.
pub(super) fn join(
    entries: &mut Vec<Entry>,
    lines: Lines,
    categories: &mut [Category],
) -> Result<Vec<CategorySet>, BuildError> {
    let mut sets = Vec::new();
    let mut numbers: HashMap<CategorySet, u16> = HashMap::new();
    let mut last: Option<(CategorySet, u16)> = None;
    let (mut read, mut written) = (0, 0);
    while let Some(&first) = entries.get(read) {
        let mut set = CategorySet::EMPTY;
        let is_same =
            |entry: &&Entry| entry.hash == first.hash || lines.key(entry.hash) == lines.key(first.hash);
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
                            u16::try_from(next)
                                .ok()
                                .filter(|next| *next < Mark::SETS_MAX)
                                .ok_or(BuildError::Sets)?,
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

/// Writes lines, what is spilled and their checksum; gives the checksum. `parents` are sorted like `entries`.
pub(super) fn write_body(
    entries: &[Entry],
    parents: &[u64],
    lines: Lines,
    out: impl Write,
) -> Result<u64, BuildError> {
    let mut body = Body { out, sum: Xxh3Default::new(), chunk: Vec::with_capacity(CHUNK_BYTES) };
    let mut coming = entries.iter().map(|entry| (lines.key(entry.hash), entry)).peekable();
    let mut above = parents.iter().map(|hash| (lines.key(*hash), *hash)).peekable();
    let mut spilled = Vec::new();
    let mut row = Vec::new();
    let mut first = 0;
    for number in 0..lines.get() {
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        row.clear();
        let mut signature = 0;
        while let Some((key, entry)) = coming.next_if(|(key, _)| key.line() == number) {
            while let Some((_, hash)) = above.next_if(|(other, _)| *other < key) {
                signature |= line::signature(hash);
            }
            let is_parent = above.next_if(|(other, _)| *other == key).is_some();
            row.push((key.rest(), Mark::new(entry.category, is_parent)));
        }
        while let Some((_, hash)) = above.next_if(|(key, _)| key.line() == number) {
            signature |= line::signature(hash);
        }
        let spilled_before = u32::try_from(spilled.len()).map_err(|_| BuildError::Names)?;
        let (line, too_many) = Line::of(first, spilled_before, &row, signature).ok_or(BuildError::Crowded)?;
        body.push(line.as_bytes())?;
        spilled.extend(too_many);
        first += u32::try_from(row.len()).map_err(|_| BuildError::Crowded)?;
    }
    spilled.iter().try_for_each(|entry: &Spilled| body.push(entry.as_bytes()))?;
    Ok(body.finish()?)
}

/// Writes the long sections and sums them on the way.
struct Body<W> {
    out: W,
    sum: Xxh3Default,
    chunk: Vec<u8>,
}

impl<W: Write> Body<W> {
    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.chunk.extend_from_slice(bytes);
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
