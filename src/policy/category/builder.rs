//! Writes a category table from names that come one by one, in 16 bytes of memory a name.

use std::{
    collections::HashMap,
    io::{self, Write},
    net::IpAddr,
    sync::Arc,
};

use thiserror::Error;
use xxhash_rust::xxh3::Xxh3Default;

use super::{
    hash,
    layout::{BUCKET_BITS_MAX, Description, MAGIC, SETS_MAX, VERSION, head_sum},
    names::NamesWriter,
    set::{CategoryId, CategorySet},
};
use crate::model::{Domain, Site};

/// Names a bucket holds on average, at most.
const BUCKET_NAMES: usize = 4;

/// Bytes gathered before they are summed and written.
const CHUNK_BYTES: usize = 1 << 16;

/// Why a table cannot be built.
#[derive(Debug, Error)]
pub enum BuildError {
    /// Too many categories.
    #[error("a table has at most {} categories", CategoryId::COUNT_MAX)]
    Categories,
    /// A category whose name is empty, longer than 255 bytes, or given twice.
    #[error("`{0}` cannot name a category here: it is empty, too long, or taken")]
    CategoryName(String),
    /// More different combinations of categories than a table can number.
    #[error("a table has at most {SETS_MAX} combinations of categories")]
    Sets,
    /// Too many names.
    #[error("a table has less than 4 thousand million names, and less than 4 GB of them")]
    Names,
    /// The disk refused.
    #[error("cannot write the table")]
    Write(#[from] io::Error),
}

/// Gathers names and writes them as a table. The same names, categories and seed in the same order give the same bytes.
#[derive(Debug)]
pub struct Builder<W> {
    seed: u64,
    categories: Vec<Arc<str>>,
    aliases: Vec<(Arc<str>, CategoryId)>,
    entries: Vec<Entry>,
    names: NamesWriter<W>,
}

/// What a finished table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Names and addresses, each counted once.
    pub names: usize,
    /// Different combinations of categories.
    pub sets: usize,
}

/// A name in a category; once names are joined, `category` is the number of its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    hash: u64,
    category: u16,
    name_offset: u32,
}

impl<W: Write> Builder<W> {
    /// An empty table whose hashes start from `seed`; names are written to `names` as they come.
    ///
    /// # Errors
    /// When `names` cannot be written.
    pub fn new(seed: u64, names: W) -> Result<Self, BuildError> {
        let names = NamesWriter::new(names)?;
        Ok(Self { seed, categories: Vec::new(), aliases: Vec::new(), entries: Vec::new(), names })
    }

    /// Adds a category.
    ///
    /// # Errors
    /// When there are too many, or the name does not fit.
    pub fn category(&mut self, name: &str) -> Result<CategoryId, BuildError> {
        let id = u8::try_from(self.categories.len()).map(CategoryId).map_err(|_| BuildError::Categories)?;
        self.categories.push(self.free_name(name)?);
        Ok(id)
    }

    /// Lets the category `id` also go by the name `alias`.
    ///
    /// # Errors
    /// When there are too many, or the name does not fit.
    pub fn alias(&mut self, alias: &str, id: CategoryId) -> Result<(), BuildError> {
        if self.aliases.len() >= CategoryId::COUNT_MAX {
            return Err(BuildError::Categories);
        }
        self.aliases.push((self.free_name(alias)?, id));
        Ok(())
    }

    /// Lists `site` in the category `id`.
    ///
    /// # Errors
    /// When there are too many names, or the names cannot be written.
    pub fn add(&mut self, site: &Site, id: CategoryId) -> Result<(), BuildError> {
        match site {
            Site::Name(name) => self.add_name(name, id),
            Site::Address(address) => self.add_address(*address, id),
        }
    }

    /// Writes the table to `out` and ends the names file.
    ///
    /// # Errors
    /// When there are too many combinations of categories, or something cannot be written.
    pub fn finish(mut self, description: &Description, mut out: impl Write) -> Result<Totals, BuildError> {
        self.entries.sort_unstable();
        let (sets, counts) = self.join()?;
        let bucket_bits = bucket_bits(self.entries.len());

        let mut head = description.to_text().into_bytes();
        let description_bytes = head.len();
        self.push_categories(&counts, &mut head)?;
        let categories_bytes = head.len() - description_bytes;
        head.extend(sets.iter().flat_map(|set| set.to_bytes()));
        let number = |count: usize| u32::try_from(count).map_err(|_| BuildError::Names);
        let mut header = Vec::from(MAGIC);
        header.extend(VERSION.to_le_bytes());
        header.extend(bucket_bits.to_le_bytes());
        header.extend(self.seed.to_le_bytes());
        header.extend(u64::from(number(self.entries.len())?).to_le_bytes());
        for count in [description_bytes, categories_bytes, sets.len(), 0] {
            header.extend(number(count)?.to_le_bytes());
        }
        let checksum = head_sum(&header, &head);
        out.write_all(&header)?;
        out.write_all(&checksum.to_le_bytes())?;
        out.write_all(&head)?;

        let checksum = self.write_body(bucket_bits, &mut out)?;
        out.flush()?;
        self.names.finish(self.entries.iter().map(|entry| entry.name_offset), checksum)?;
        Ok(Totals { names: self.entries.len(), sets: sets.len() })
    }

    fn add_name(&mut self, name: &Domain, id: CategoryId) -> Result<(), BuildError> {
        let name_offset = self.names.push(name.as_str())?;
        self.push(hash::name_hash(name, self.seed), id, name_offset)
    }

    fn add_address(&mut self, address: IpAddr, id: CategoryId) -> Result<(), BuildError> {
        let name_offset = self.names.push(&address.to_canonical().to_string())?;
        self.push(hash::address_hash(address, self.seed), id, name_offset)
    }

    fn push(&mut self, hash: u64, id: CategoryId, name_offset: u32) -> Result<(), BuildError> {
        if u32::try_from(self.entries.len()).is_err() {
            return Err(BuildError::Names);
        }
        self.entries.push(Entry { hash, category: u16::from(id.0), name_offset });
        Ok(())
    }

    /// Makes one entry of all that share a hash, in place; gives the sets and each category's count of names.
    fn join(&mut self) -> Result<(Vec<CategorySet>, Vec<u64>), BuildError> {
        let mut sets = Vec::new();
        let mut numbers: HashMap<CategorySet, u16> = HashMap::new();
        let mut counts = vec![0; self.categories.len()];
        let (mut read, mut written) = (0, 0);
        while let Some(&first) = self.entries.get(read) {
            let mut set = CategorySet::EMPTY;
            while let Some(entry) = self.entries.get(read).filter(|entry| entry.hash == first.hash) {
                if let Ok(id) = u8::try_from(entry.category).map(CategoryId) {
                    let is_first = set.insert(id);
                    counts[id.index()] += u64::from(is_first);
                }
                read += 1;
            }
            let number = match numbers.get(&set) {
                Some(number) => *number,
                None => {
                    let number = u16::try_from(sets.len()).map_err(|_| BuildError::Sets)?;
                    sets.push(set);
                    numbers.insert(set, number);
                    number
                }
            };
            self.entries[written] = Entry { category: number, ..first };
            written += 1;
        }
        self.entries.truncate(written);
        Ok((sets, counts))
    }

    fn push_categories(&self, counts: &[u64], head: &mut Vec<u8>) -> Result<(), BuildError> {
        let count = |length: usize| u16::try_from(length).map_err(|_| BuildError::Categories);
        let push_name = |head: &mut Vec<u8>, name: &str| {
            let length = u8::try_from(name.len()).map_err(|_| BuildError::CategoryName(name.to_owned()))?;
            head.push(length);
            head.extend(name.as_bytes());
            Ok::<_, BuildError>(())
        };
        head.extend(count(self.categories.len())?.to_le_bytes());
        for (name, names) in self.categories.iter().zip(counts) {
            head.extend(names.to_le_bytes());
            push_name(head, name)?;
        }
        head.extend(count(self.aliases.len())?.to_le_bytes());
        for (name, id) in &self.aliases {
            head.extend(u16::from(id.0).to_le_bytes());
            push_name(head, name)?;
        }
        Ok(())
    }

    fn write_body(&self, bucket_bits: u32, out: impl Write) -> Result<u64, BuildError> {
        let mut body = Body { out, sum: Xxh3Default::new(), chunk: Vec::with_capacity(CHUNK_BYTES) };
        let mut index = 0u32;
        let mut rest = self.entries.as_slice();
        for bucket in 0..=(1u64 << bucket_bits) {
            let is_before =
                |entry: &Entry| entry.hash.checked_shr(u64::BITS - bucket_bits).unwrap_or(0) < bucket;
            while let Some((_, after)) = rest.split_first().filter(|(entry, _)| is_before(entry)) {
                index += 1;
                rest = after;
            }
            body.push(&index.to_le_bytes())?;
        }
        for entry in &self.entries {
            body.push(&entry.hash.to_le_bytes())?;
        }
        for entry in &self.entries {
            body.push(&entry.category.to_le_bytes())?;
        }
        Ok(body.finish()?)
    }

    fn free_name(&self, name: &str) -> Result<Arc<str>, BuildError> {
        let mut taken = self.categories.iter().chain(self.aliases.iter().map(|(alias, _)| alias));
        let fits = !name.is_empty() && name.len() <= usize::from(u8::MAX);
        if !fits || taken.any(|other| &**other == name) {
            return Err(BuildError::CategoryName(name.chars().take(64).collect()));
        }
        Ok(Arc::from(name))
    }
}

/// The least bits that leave at most [`BUCKET_NAMES`] names a bucket on average.
fn bucket_bits(names: usize) -> u32 {
    names.div_ceil(BUCKET_NAMES).max(1).next_power_of_two().trailing_zeros().min(BUCKET_BITS_MAX)
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
