//! Writes a category table from names and URLs that come one by one, in 16 bytes of memory each.

use std::{
    io::{self, Write},
    net::IpAddr,
    sync::Arc,
};

use thiserror::Error;

use super::{
    entries::{self, Entry, Parents},
    expressions::{self, Expression, ExpressionError, Limits},
    hash,
    layout::{self, Category, Description, HEADER_BYTES, MAGIC, VERSION, head_sum},
    line::{Lines, Mark},
    names::NamesWriter,
    set::{CategoryId, CategorySet},
    since::{self, Since},
};
use crate::model::{Domain, Site, UrlPath};

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
    #[error("a table has at most {} combinations of categories", Mark::SETS_MAX)]
    Sets,
    /// Names that were made to fall together.
    #[error("more than 65,535 names have one line of the table: no honest list comes to that")]
    Crowded,
    /// The expressions, each of which was taken, are too large together.
    #[error("the expressions of all categories together are too large when compiled")]
    Expressions,
    /// A URL of more segments than are looked at. The line can be left out.
    #[error("the path has more than {} segments", hash::SEGMENTS_MAX)]
    LongUrl,
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
    categories: Vec<Category>,
    aliases: Vec<(Arc<str>, CategoryId)>,
    expressions: Vec<Expression>,
    entries: Vec<Entry>,
    parents: Parents,
    names: NamesWriter<W>,
}

/// What a finished table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Names, addresses and URLs, each counted once.
    pub names: usize,
    /// Regular expressions.
    pub expressions: usize,
    /// Different combinations of categories.
    pub sets: usize,
}

impl<W: Write> Builder<W> {
    /// An empty table whose hashes start from `seed`; names are written to `names` as they come.
    ///
    /// # Errors
    /// When `names` cannot be written.
    pub fn new(seed: u64, names: W) -> Result<Self, BuildError> {
        let names = NamesWriter::new(names)?;
        Ok(Self {
            seed,
            categories: Vec::new(),
            aliases: Vec::new(),
            expressions: Vec::new(),
            entries: Vec::new(),
            parents: Parents::default(),
            names,
        })
    }

    /// Adds a category.
    ///
    /// # Errors
    /// When there are too many, or the name does not fit.
    pub fn category(&mut self, name: &str) -> Result<CategoryId, BuildError> {
        let id = u8::try_from(self.categories.len()).map(CategoryId).map_err(|_| BuildError::Categories)?;
        self.categories.push(Category { name: self.free_name(name)?, names: 0, urls: 0 });
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

    /// Lists what lies at `path` of `host` and below, in the category `id`: `exemple.fr/jeux` holds `/jeux/x` and
    /// `/jeux?x`, not `/jeuxvideo`. The host is meant with and without `www.`, and without the names below it.
    ///
    /// # Errors
    /// As [`Builder::add`]; or when the path has more than 32 segments, which leaves the table as it was.
    pub fn add_url(&mut self, host: &Site, path: &UrlPath, id: CategoryId) -> Result<(), BuildError> {
        let host_hash = hash::host_hash(host, self.seed);
        let hash = hash::url_hash(path.as_str(), host_hash).ok_or(BuildError::LongUrl)?;
        self.parents.push(host_hash);
        let beginnings = hash::prefix_hashes(path.as_str(), host_hash).map(|(_, hash)| hash);
        beginnings.take_while(|beginning| *beginning != hash).for_each(|hash| self.parents.push(hash));
        let written = match path.as_str().trim_end_matches(['/', '?', '&']) {
            "" => "/",
            written => written,
        };
        let name_offset = match host {
            Site::Name(name) => self.names.push(hash::without_www(name), written)?,
            Site::Address(address) => self.names.push(&address.to_canonical().to_string(), written)?,
        };
        self.push(Entry::url(hash, id, name_offset))
    }

    /// Lists every URL that the regular expression `text` finds something in, in the category `id`. It is matched with
    /// `host/path?query`, whatever the case.
    ///
    /// # Errors
    /// Says why the table does not take it, and leaves the table as it was.
    pub fn add_expression(&mut self, text: &str, id: CategoryId) -> Result<(), ExpressionError> {
        let expression = Expression { category: id, text: Box::from(text) };
        if self.expressions.contains(&expression) {
            return Ok(());
        }
        if self.expressions.len() >= Limits::COUNT_MAX {
            return Err(ExpressionError::TooMany);
        }
        expressions::check(text)?;
        self.expressions.push(expression);
        Ok(())
    }

    /// Writes the table to `out` and ends the names file.
    ///
    /// # Errors
    /// When there are too many combinations of categories, all expressions together are too large, or something cannot
    /// be written.
    pub fn finish(
        mut self,
        description: &Description,
        since: &Since<'_>,
        mut out: impl Write,
    ) -> Result<Totals, BuildError> {
        if expressions::compile(self.expressions.iter().map(|expression| &*expression.text)).is_none() {
            return Err(BuildError::Expressions);
        }
        self.entries.sort_unstable();
        let lines = Lines::for_entries(entries::distinct(&self.entries));
        let sets = entries::join(&mut self.entries, lines, &mut self.categories)?;
        let parents = std::mem::take(&mut self.parents).sorted();
        self.write_head(description, &sets, lines, &mut out)?;
        let checksum = entries::write_body(&self.entries, &parents, lines, &mut out)?;
        out.flush()?;
        let number_of = |name: &str| {
            let index = self.categories.iter().position(|category| &*category.name == name)?;
            u8::try_from(index).ok().map(CategoryId)
        };
        let days = since::days(&self.entries, &sets, (self.seed, lines), since, number_of);
        let offsets = self.entries.iter().map(|entry| entry.name_offset);
        self.names.finish(offsets, &days, checksum)?;
        Ok(Totals { names: self.entries.len(), sets: sets.len(), expressions: self.expressions.len() })
    }

    fn write_head(
        &self,
        description: &Description,
        sets: &[CategorySet],
        lines: Lines,
        out: &mut impl Write,
    ) -> Result<(), BuildError> {
        let mut head = description.to_text().into_bytes();
        let description_bytes = head.len();
        self.push_categories(&mut head)?;
        let categories_bytes = head.len() - description_bytes;
        head.extend(sets.iter().flat_map(|set| set.to_bytes()));
        let before_expressions = head.len();
        self.push_expressions(&mut head)?;
        let expressions_bytes = head.len() - before_expressions;
        head.resize(head.len() + layout::padding(HEADER_BYTES + head.len()), 0);
        let number = |count: usize| u32::try_from(count).map_err(|_| BuildError::Names);
        let mut header = Vec::from(MAGIC);
        header.extend(VERSION.to_le_bytes());
        header.extend(lines.get().to_le_bytes());
        header.extend(self.seed.to_le_bytes());
        let spilled = entries::spilled_count(&self.entries, lines);
        for count in
            [self.entries.len(), spilled, description_bytes, categories_bytes, sets.len(), expressions_bytes]
        {
            header.extend(number(count)?.to_le_bytes());
        }
        let checksum = head_sum(&header, &head);
        out.write_all(&header)?;
        out.write_all(&checksum.to_le_bytes())?;
        out.write_all(&head)?;
        Ok(())
    }

    fn add_name(&mut self, name: &Domain, id: CategoryId) -> Result<(), BuildError> {
        let name_offset = self.names.push(name.as_str(), "")?;
        let mut hash = self.seed;
        for (depth, (_, next)) in hash::suffix_hashes(name, self.seed).enumerate() {
            match depth {
                0 => {}
                1 => self.parents.push_top(hash),
                _ => self.parents.push(hash),
            }
            hash = next;
        }
        self.push(Entry::name(hash, id, name_offset))
    }

    fn add_address(&mut self, address: IpAddr, id: CategoryId) -> Result<(), BuildError> {
        let name_offset = self.names.push(&address.to_canonical().to_string(), "")?;
        self.push(Entry::name(hash::address_hash(address, self.seed), id, name_offset))
    }

    fn push(&mut self, entry: Entry) -> Result<(), BuildError> {
        if u32::try_from(self.entries.len()).is_err() {
            return Err(BuildError::Names);
        }
        self.entries.push(entry);
        Ok(())
    }

    fn push_categories(&self, head: &mut Vec<u8>) -> Result<(), BuildError> {
        let count = |length: usize| u16::try_from(length).map_err(|_| BuildError::Categories);
        let push_name = |head: &mut Vec<u8>, name: &str| {
            let length = u8::try_from(name.len()).map_err(|_| BuildError::CategoryName(name.to_owned()))?;
            head.push(length);
            head.extend(name.as_bytes());
            Ok::<_, BuildError>(())
        };
        head.extend(count(self.categories.len())?.to_le_bytes());
        for Category { name, names, urls } in &self.categories {
            head.extend(names.to_le_bytes());
            head.extend(urls.to_le_bytes());
            push_name(head, name)?;
        }
        head.extend(count(self.aliases.len())?.to_le_bytes());
        for (name, id) in &self.aliases {
            head.extend(u16::from(id.0).to_le_bytes());
            push_name(head, name)?;
        }
        Ok(())
    }

    fn push_expressions(&self, head: &mut Vec<u8>) -> Result<(), BuildError> {
        let number = |length: usize| u16::try_from(length).map_err(|_| BuildError::Expressions);
        head.extend(number(self.expressions.len())?.to_le_bytes());
        for Expression { category, text } in &self.expressions {
            head.extend(u16::from(category.0).to_le_bytes());
            head.extend(number(text.len())?.to_le_bytes());
            head.extend(text.as_bytes());
        }
        Ok(())
    }

    fn free_name(&self, name: &str) -> Result<Arc<str>, BuildError> {
        let mut taken = self
            .categories
            .iter()
            .map(|category| &category.name)
            .chain(self.aliases.iter().map(|(alias, _)| alias));
        let fits = !name.is_empty() && name.len() <= usize::from(u8::MAX);
        if !fits || taken.any(|other| &**other == name) {
            return Err(BuildError::CategoryName(name.chars().take(64).collect()));
        }
        Ok(Arc::from(name))
    }
}
