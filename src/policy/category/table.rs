//! A category table, read where it lies.

use std::{fmt, net::IpAddr, ops::Range, sync::Arc};

use xxhash_rust::xxh3::xxh3_64;

use super::{
    hash,
    layout::{Category, Description, Layout, TableError},
    set::{CategoryId, CategorySet},
};
use crate::model::{Domain, Site};

/// Hashes that are compared one after the other at the end of a search: they lie in one or two cache lines.
const SCAN_MAX: usize = 8;

/// A category table. Cloning is cheap; all clones share the bytes.
///
/// Opening checks the head; every access to the long sections stays inside the bytes whatever they say, so a damaged
/// table can give a wrong answer but never fail. [`Table::verify`] tells.
#[derive(Clone)]
pub struct Table {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    layout: Arc<Layout>,
}

/// A name or address that is in the table: the site asked for, or a parent of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The part of the name that is listed; empty for an address.
    pub suffix: &'a str,
    /// The categories it is listed in.
    pub categories: CategorySet,
    /// Its place among the table's hashes, by which [`super::Names`] knows it.
    pub(super) place: usize,
}

impl Table {
    /// Opens the table in `bytes`, which stay untouched but for the head.
    ///
    /// # Errors
    /// When the bytes are no table of this version, have another length than the head says, or the head is damaged.
    pub fn open(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self, TableError> {
        let layout = Layout::read(bytes.as_ref())?;
        Ok(Self { bytes: Arc::new(bytes), layout: Arc::new(layout) })
    }

    /// Reads the whole table against its checksum: some ten milliseconds for five million names already in memory.
    ///
    /// # Errors
    /// When the table was damaged after it was built.
    pub fn verify(&self) -> Result<(), TableError> {
        let body = self.layout.buckets.start..self.layout.set_numbers.end;
        let sum = xxh3_64(self.section(&body));
        if sum == self.layout.body_checksum { Ok(()) } else { Err(TableError::Body) }
    }

    /// Where the table comes from.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.layout.description
    }

    /// Its categories, in the order of their numbers.
    #[must_use]
    pub fn categories(&self) -> &[Category] {
        &self.layout.categories
    }

    /// How many names and addresses it lists.
    #[must_use]
    pub fn names_count(&self) -> usize {
        self.layout.names
    }

    /// The category called `name`, by its own name or another one it goes by.
    #[must_use]
    pub fn category(&self, name: &str) -> Option<CategoryId> {
        let own = self.layout.categories.iter().position(|category| &*category.name == name);
        match own {
            Some(index) => u8::try_from(index).ok().map(CategoryId),
            None => self.layout.aliases.iter().find(|(alias, _)| &**alias == name).map(|(_, id)| *id),
        }
    }

    /// The own name of a category of this table; empty for a number of another table.
    #[must_use]
    pub fn category_name(&self, id: CategoryId) -> Arc<str> {
        let category = self.layout.categories.get(id.index());
        category.map_or_else(|| Arc::from(""), |category| Arc::clone(&category.name))
    }

    /// All categories that `name` or a parent of it is listed in.
    #[must_use]
    pub fn categories_of(&self, name: &Domain) -> CategorySet {
        self.listed(name).fold(CategorySet::EMPTY, |all, listed| all | listed.categories)
    }

    /// All categories that `address` itself is listed in.
    #[must_use]
    pub fn categories_of_address(&self, address: IpAddr) -> CategorySet {
        self.listed_address(address).map_or(CategorySet::EMPTY, |listed| listed.categories)
    }

    /// All categories of `site`.
    #[must_use]
    pub fn categories_of_site(&self, site: &Site) -> CategorySet {
        match site {
            Site::Name(name) => self.categories_of(name),
            Site::Address(address) => self.categories_of_address(*address),
        }
    }

    /// What of `name` is listed, from its top-level label down to itself.
    pub fn listed<'a>(&'a self, name: &'a Domain) -> impl Iterator<Item = Listed<'a>> {
        let hashes = hash::suffix_hashes(name, self.layout.seed);
        hashes.filter_map(|(suffix, hash)| self.find(hash).map(|found| Listed { suffix, ..found }))
    }

    /// `address`, if it is listed.
    #[must_use]
    pub fn listed_address(&self, address: IpAddr) -> Option<Listed<'static>> {
        self.find(hash::address_hash(address, self.layout.seed))
    }

    /// The checksum that tells tables apart.
    pub(super) fn body_checksum(&self) -> u64 {
        self.layout.body_checksum
    }

    fn find(&self, hash: u64) -> Option<Listed<'static>> {
        let buckets = self.section(&self.layout.buckets).as_chunks::<4>().0;
        let hashes = self.section(&self.layout.hashes).as_chunks::<8>().0;
        let bucket = hash.checked_shr(u64::BITS - self.layout.bucket_bits).unwrap_or(0);
        let bucket = usize::try_from(bucket).ok()?;
        let start = usize::try_from(u32::from_le_bytes(*buckets.get(bucket)?)).ok()?;
        let end = usize::try_from(u32::from_le_bytes(*buckets.get(bucket + 1)?)).ok()?;
        let mut candidates = hashes.get(start..end)?;
        let mut place = start;
        while candidates.len() > SCAN_MAX {
            let (low, high) = candidates.split_at(candidates.len() / 2);
            if high.first().is_some_and(|first| u64::from_le_bytes(*first) <= hash) {
                place += low.len();
                candidates = high;
            } else {
                candidates = low;
            }
        }
        place += candidates.iter().position(|candidate| u64::from_le_bytes(*candidate) == hash)?;
        let set_numbers = self.section(&self.layout.set_numbers).as_chunks::<2>().0;
        let set_number = usize::from(u16::from_le_bytes(*set_numbers.get(place)?));
        let categories = *self.layout.sets.get(set_number)?;
        Some(Listed { suffix: "", categories, place })
    }

    /// A section, which [`Layout::read`] found inside the bytes; nothing if the owner gives fewer bytes than then.
    fn section(&self, range: &Range<usize>) -> &[u8] {
        (*self.bytes).as_ref().get(range.clone()).unwrap_or(&[])
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("names", &self.layout.names)
            .field("categories", &self.layout.categories.len())
            .finish_non_exhaustive()
    }
}
