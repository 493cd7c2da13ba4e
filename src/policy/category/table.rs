//! A category table, read where it lies.

use std::{
    fmt,
    net::IpAddr,
    ops::Range,
    sync::{Arc, OnceLock},
};

use regex::bytes::RegexSet;
use xxhash_rust::xxh3::xxh3_64;
use zerocopy::FromBytes as _;

use super::{
    expressions::{self, Expression},
    hash,
    layout::{Category, Description, Layout, TableError},
    line::{Key, Line, Lines, Spilled},
    set::{CategoryId, CategorySet},
};
use crate::model::{Domain, Site, UrlPath};

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
        let body = self.layout.lines.start..self.layout.spilled.end;
        if xxh3_64(self.section(&body)) != self.layout.body_checksum {
            return Err(TableError::Body);
        }
        if self.body().lines.last().map(Line::end) != Some(self.layout.names) {
            return Err(TableError::Head("count of names"));
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

    /// Whether it lists URLs or has expressions in the category `id`, which only a path can be compared with.
    #[must_use]
    pub fn lists_pages(&self, id: CategoryId) -> bool {
        let has_urls = self.layout.categories.get(id.index()).is_some_and(|category| category.urls > 0);
        has_urls || self.layout.expressions.iter().any(|expression| expression.category == id)
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

    /// How many lines it has, which its keys depend on.
    pub(super) fn lines(&self) -> Lines {
        self.layout.line_count
    }

    pub(super) fn sets(&self) -> &[CategorySet] {
        &self.layout.sets
    }

    /// The key of every entry in ascending order, and the number of its set.
    pub(super) fn keys(&self) -> impl Iterator<Item = (Key, u16)> {
        let Body { lines, spilled, .. } = self.body();
        lines.iter().enumerate().flat_map(move |(number, line)| {
            let entries = line.entries(spilled);
            entries.map(move |(rest, mark)| (Key::new(number, rest), mark.set_number()))
        })
    }

    fn compile(&self) -> Option<RegexSet> {
        expressions::compile(self.layout.expressions.iter().map(|expression| &*expression.text))
    }

    fn body(&self) -> Body<'_> {
        Body {
            lines: <[Line]>::ref_from_bytes(self.section(&self.layout.lines)).unwrap_or_default(),
            spilled: <[Spilled]>::ref_from_bytes(self.section(&self.layout.spilled)).unwrap_or_default(),
            line_count: self.layout.line_count,
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
    lines: &'a [Line],
    spilled: &'a [Spilled],
    line_count: Lines,
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

    /// Looks a hash up, nearly always in one line.
    fn find<'b>(&self, hash: u64, suffix: &'b str) -> Found<'b> {
        let end = Found { listed: None, goes_on: false };
        self.search(hash, suffix).unwrap_or(end)
    }

    fn search<'b>(&self, hash: u64, suffix: &'b str) -> Option<Found<'b>> {
        let key = self.line_count.key(hash);
        let line = self.lines.get(key.line())?;
        let Some((index, mark)) = line.find(key.rest(), self.spilled) else {
            return Some(Found { listed: None, goes_on: line.is_above(hash) });
        };
        let categories = *self.sets.get(usize::from(mark.set_number()))?;
        let listed = Listed { suffix, categories, place: line.first().saturating_add(index) };
        Some(Found { listed: Some(listed), goes_on: mark.is_parent() })
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
