//! A category table, read where it lies.

use std::{
    fmt,
    net::IpAddr,
    ops::Range,
    sync::{Arc, OnceLock},
};

use regex::bytes::RegexSet;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    entries::{PARENT, bucket_of, hash_from, rest_of, signature_of},
    expressions::{self, Expression},
    hash,
    layout::{CELL_BYTES, Category, Description, Layout, TableError},
    set::{CategoryId, CategorySet},
};
use crate::model::{Domain, Site, UrlPath};

/// Entries that are compared one after the other at the end of a search: they lie in one or two cache lines.
const SCAN_MAX: usize = 8;

/// A category table. Cloning is cheap; all clones share the bytes.
///
/// Opening checks the head; every access to the long sections stays inside the bytes whatever they say, so a damaged
/// table can give a wrong answer but never fail. [`Table::verify`] tells.
#[derive(Clone)]
pub struct Table {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    layout: Arc<Layout>,
    /// Compiled by the first question about a URL.
    expressions: Arc<OnceLock<Option<RegexSet>>>,
}

/// What is in the table: the site asked for, a parent of it, or a URL that holds the one asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The part of the name that is listed, or of the path; empty for an address.
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
        Ok(Self { bytes: Arc::new(bytes), layout: Arc::new(layout), expressions: Arc::default() })
    }

    /// Reads the whole table against its checksum: some ten milliseconds for five million names already in memory.
    ///
    /// # Errors
    /// When the table was damaged after it was built, or its expressions mean nothing to this program.
    pub fn verify(&self) -> Result<(), TableError> {
        let body = self.layout.buckets.start..self.layout.entries.end;
        if xxh3_64(self.section(&body)) != self.layout.body_checksum {
            return Err(TableError::Body);
        }
        // Compiled here and thrown away: most boxes ask about a URL late or never.
        self.compile().map(drop).ok_or(TableError::Expressions)
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

    /// How many names, addresses and URLs it lists.
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
        let body = self.body();
        let hashes = hash::suffix_hashes(name, self.layout.seed);
        body.walk(hashes, true)
    }

    /// `address`, if it is listed.
    #[must_use]
    pub fn listed_address(&self, address: IpAddr) -> Option<Listed<'static>> {
        self.body().find(hash::address_hash(address, self.layout.seed), "").listed
    }

    /// The listed URLs that hold `path` at `host`, the most general first. They hold what lies below them: `/jeux`
    /// lists `/jeux/x` and `/jeux?x`. Names are not looked at: see [`Table::categories_of_site`].
    pub fn listed_urls<'a>(&'a self, host: &Site, path: &'a UrlPath) -> impl Iterator<Item = Listed<'a>> {
        let body = self.body();
        let host = hash::host_hash(host, self.layout.seed);
        let goes_on = body.find(host, "").goes_on;
        let (root, root_hash) = hash::root_hash(host);
        let whole_host = goes_on.then(|| body.find(root_hash, root).listed).flatten();
        whole_host.into_iter().chain(body.walk(hash::prefix_hashes(path.as_str(), host), goes_on))
    }

    /// The expressions that find something in `path` at `host`, each with its category.
    #[must_use]
    pub fn matching_expressions(&self, host: &Site, path: &UrlPath) -> Vec<(CategoryId, &str)> {
        let Some(compiled) =
            self.expressions.get_or_init(|| self.compile()).as_ref().filter(|set| !set.is_empty())
        else {
            return Vec::new();
        };
        let matches = compiled.matches(expressions::subject(host, path).as_bytes());
        let matching = matches.iter().filter_map(|index| self.layout.expressions.get(index));
        matching.map(|Expression { category, text }| (*category, &**text)).collect()
    }

    /// All categories that hold `path` at `host` by a URL or an expression.
    #[must_use]
    pub fn url_categories(&self, host: &Site, path: &UrlPath) -> CategorySet {
        let mut all =
            self.listed_urls(host, path).fold(CategorySet::EMPTY, |all, listed| all | listed.categories);
        for (category, _) in self.matching_expressions(host, path) {
            all.insert(category);
        }
        all
    }

    /// The seed of its hashes: a table built anew with the same one keeps its days cheaply.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.layout.seed
    }

    /// The checksum that tells tables apart.
    pub(super) fn body_checksum(&self) -> u64 {
        self.layout.body_checksum
    }

    pub(super) fn bucket_bits(&self) -> u32 {
        self.layout.bucket_bits
    }

    pub(super) fn sets(&self) -> &[CategorySet] {
        &self.layout.sets
    }

    /// The hash of every entry, as far as it is kept, in ascending order, and the number of its set.
    pub(super) fn hashes(&self) -> impl Iterator<Item = (u64, u16)> {
        let Body { buckets, entries, bucket_bits, .. } = self.body();
        let mut later =
            buckets.iter().map(|cell| usize::try_from(bucket_parts(*cell).0).unwrap_or(usize::MAX));
        let mut end = later.by_ref().nth(1).unwrap_or(usize::MAX);
        let mut bucket = 0u64;
        entries.iter().enumerate().map(move |(place, cell)| {
            while end <= place
                && let Some(next) = later.next()
            {
                end = next;
                bucket += 1;
            }
            let cell = u64::from_le_bytes(*cell);
            (hash_from(bucket, cell >> 16, bucket_bits), entry_parts(cell).0)
        })
    }

    fn compile(&self) -> Option<RegexSet> {
        expressions::compile(self.layout.expressions.iter().map(|expression| &*expression.text))
    }

    fn body(&self) -> Body<'_> {
        Body {
            buckets: self.section(&self.layout.buckets).as_chunks().0,
            entries: self.section(&self.layout.entries).as_chunks().0,
            bucket_bits: self.layout.bucket_bits,
            sets: &self.layout.sets,
        }
    }

    /// A section, which [`Layout::read`] found inside the bytes; nothing if the owner gives fewer bytes than then.
    fn section(&self, range: &Range<usize>) -> &[u8] {
        (*self.bytes).as_ref().get(range.clone()).unwrap_or(&[])
    }
}

/// The long sections, at hand for one question.
#[derive(Clone, Copy)]
struct Body<'a> {
    buckets: &'a [[u8; CELL_BYTES]],
    entries: &'a [[u8; CELL_BYTES]],
    bucket_bits: u32,
    sets: &'a [CategorySet],
}

/// What a hash leads to.
#[derive(Clone, Copy)]
struct Found<'a> {
    listed: Option<Listed<'a>>,
    /// Whether anything below can be listed.
    goes_on: bool,
}

impl<'a> Body<'a> {
    /// Looks hashes up, each below the one before, until nothing can be listed any more.
    fn walk<'b: 'a>(
        self,
        hashes: impl Iterator<Item = (&'b str, u64)>,
        mut goes_on: bool,
    ) -> impl Iterator<Item = Listed<'b>> {
        let steps = hashes.map_while(move |(suffix, hash)| {
            let found = goes_on.then(|| self.find(hash, suffix))?;
            goes_on = found.goes_on;
            Some(found.listed)
        });
        steps.flatten()
    }

    /// Looks a hash up. What is not listed costs one cache line: the signature of its bucket says so, nearly always.
    fn find<'b>(&self, hash: u64, suffix: &'b str) -> Found<'b> {
        let end = Found { listed: None, goes_on: false };
        self.search(hash, suffix).unwrap_or(end)
    }

    fn search<'b>(&self, hash: u64, suffix: &'b str) -> Option<Found<'b>> {
        let bucket = usize::try_from(bucket_of(hash, self.bucket_bits)).ok()?;
        let (start, signature) = bucket_parts(*self.buckets.get(bucket)?);
        let wanted = signature_of(hash);
        if signature & wanted != wanted {
            return None;
        }
        let (end, _) = bucket_parts(*self.buckets.get(bucket + 1)?);
        let (mut place, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
        let mut candidates = self.entries.get(place..end)?;
        let sought = rest_of(hash, self.bucket_bits);
        while candidates.len() > SCAN_MAX {
            let (low, high) = candidates.split_at(candidates.len() / 2);
            if high.first().is_some_and(|first| u64::from_le_bytes(*first) >> 16 <= sought) {
                place += low.len();
                candidates = high;
            } else {
                candidates = low;
            }
        }
        let is_sought = |cell: &[u8; CELL_BYTES]| u64::from_le_bytes(*cell) >> 16 == sought;
        let Some(index) = candidates.iter().position(is_sought) else {
            return Some(Found { listed: None, goes_on: true });
        };
        let (set_number, goes_on) = entry_parts(u64::from_le_bytes(*candidates.get(index)?));
        let categories = *self.sets.get(usize::from(set_number))?;
        Some(Found { listed: Some(Listed { suffix, categories, place: place + index }), goes_on })
    }
}

/// The index of a bucket's first entry, and the bucket's signature.
fn bucket_parts([a, b, c, d, e, f, g, h]: [u8; CELL_BYTES]) -> (u32, u32) {
    (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]))
}

/// The number of an entry's set, and whether more is listed below it.
fn entry_parts(cell: u64) -> (u16, bool) {
    let [a, b, ..] = cell.to_le_bytes();
    let low = u16::from_le_bytes([a, b]);
    (low & !PARENT, low & PARENT != 0)
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("names", &self.layout.names)
            .field("categories", &self.layout.categories.len())
            .finish_non_exhaustive()
    }
}
