//! Where everything is in a table file, checked once when it is opened.

use std::{collections::HashSet, ops::Range, sync::Arc};

use thiserror::Error;
use xxhash_rust::xxh3::xxh3_64;

use super::{
    expressions::{Expression, Limits},
    line::{Line, Lines, Mark, Spilled},
    set::{CategoryId, CategorySet},
};

pub(super) const MAGIC: &[u8; 8] = b"PREAUCAT";
pub(super) const VERSION: u32 = 3;
/// Bytes before the description.
pub(super) const HEADER_BYTES: usize = 56;
/// Bytes of the header that the head checksum covers.
pub(super) const CHECKED_BYTES: usize = 48;
/// Where the body may begin, so that a line of the table is one of the processor's.
const BODY_ALIGNMENT: usize = size_of::<Line>();

/// Why bytes are not a category table.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TableError {
    /// The first bytes are another file's.
    #[error("this is no category table; make one with `preau lists build`")]
    NotATable,
    /// A version this program does not read.
    #[error("the table has version {0}, this program reads version {VERSION}; build it again")]
    Version(u32),
    /// Shorter or longer than its header says.
    #[error("the table is cut short or longer than it says; build it again")]
    Length,
    /// The header contradicts itself or its checksum.
    #[error("the table's head is damaged ({0}); build it again")]
    Head(&'static str),
    /// The names contradict their checksum.
    #[error("the table's names are damaged; build it again")]
    Body,
    /// The expressions are none for this program.
    #[error("the table's expressions do not compile; build it again")]
    Expressions,
    /// A names file that was made with another table.
    #[error("the names file belongs to another table")]
    OtherTable,
}

/// Where a table comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// The date of the list, such as `2026-08-17`.
    pub date: Arc<str>,
    /// The licence of the list, such as `CC-BY-SA-4.0`.
    pub licence: Arc<str>,
    /// Who publishes it.
    pub sources: Vec<String>,
    /// The date of each category's own list: the category, and the date.
    pub category_dates: Vec<(String, String)>,
}

impl Description {
    /// As the table file writes it; a line break in a value becomes a space.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        let sources = self.sources.iter().map(|source| ("source", source.clone()));
        let dates = self.category_dates.iter().map(|(name, date)| ("category", format!("{name} {date}")));
        let list = [("date", self.date.to_string()), ("licence", self.licence.to_string())];
        for (key, value) in list.into_iter().chain(sources).chain(dates) {
            text.push_str(key);
            text.push_str(": ");
            text.push_str(&value.replace(['\n', '\r'], " "));
            text.push('\n');
        }
        text
    }

    fn from_text(text: &str) -> Result<Self, TableError> {
        let mut description = Self::default();
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("date", value)) => description.date = Arc::from(value),
                Some(("licence", value)) => description.licence = Arc::from(value),
                Some(("source", value)) => description.sources.push(value.to_owned()),
                Some(("category", value)) => {
                    let (name, date) = value.rsplit_once(' ').ok_or(TableError::Head("description"))?;
                    description.category_dates.push((name.to_owned(), date.to_owned()));
                }
                _ => return Err(TableError::Head("description")),
            }
        }
        Ok(description)
    }
}

/// A category of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    /// Its name, such as `gambling`.
    pub name: Arc<str>,
    /// How many names and addresses are listed in it.
    pub names: u64,
    /// How many URLs are.
    pub urls: u64,
}

/// The checked head of a table and the places of its long sections.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) seed: u64,
    pub(super) line_count: Lines,
    pub(super) names: usize,
    pub(super) description: Description,
    pub(super) categories: Vec<Category>,
    pub(super) aliases: Vec<(Arc<str>, CategoryId)>,
    pub(super) sets: Vec<CategorySet>,
    pub(super) expressions: Vec<Expression>,
    pub(super) lines: Range<usize>,
    pub(super) spilled: Range<usize>,
    /// What the body checksum must be.
    pub(super) body_checksum: u64,
}

impl Layout {
    /// Reads and checks everything but the long sections, whose length alone is checked.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, TableError> {
        if bytes.get(..8) != Some(MAGIC) {
            return Err(TableError::NotATable);
        }
        let mut header = Reader(bytes.get(8..HEADER_BYTES).ok_or(TableError::Length)?);
        let version = header.u32()?;
        if version != VERSION {
            return Err(TableError::Version(version));
        }
        let line_count = Lines::new(header.u32()?).ok_or(TableError::Head("count of lines"))?;
        let seed = header.u64()?;
        let names = header.length()?;
        let spilled_count = header.length()?;
        let description_bytes = header.length()?;
        let categories_bytes = header.length()?;
        let sets_count = header.length()?;
        if sets_count > usize::from(Mark::SETS_MAX) {
            return Err(TableError::Head("category sets"));
        }
        let expressions_bytes = header.length()?;
        let head_checksum = header.u64()?;

        let mut end = HEADER_BYTES;
        let mut section = |count: usize, width: usize| {
            let start = end;
            end = count
                .checked_mul(width)
                .and_then(|length| start.checked_add(length))
                .ok_or(TableError::Length)?;
            Ok(start..end)
        };
        let description = section(description_bytes, 1)?;
        let categories = section(categories_bytes, 1)?;
        let sets = section(sets_count, CategorySet::BYTES)?;
        let expressions = section(expressions_bytes, 1)?;
        let padding = section(padding(expressions.end), 1)?;
        let lines =
            section(usize::try_from(line_count.get()).map_err(|_| TableError::Length)?, size_of::<Line>())?;
        let spilled = section(spilled_count, size_of::<Spilled>())?;
        let checksum = section(1, 8)?;
        if bytes.len() != checksum.end {
            return Err(TableError::Length);
        }
        let slice = |range: &Range<usize>| bytes.get(range.clone()).ok_or(TableError::Length);
        let head = slice(&(HEADER_BYTES..padding.end))?;
        if head_sum(slice(&(0..CHECKED_BYTES))?, head) != head_checksum {
            return Err(TableError::Head("checksum"));
        }
        let description =
            std::str::from_utf8(slice(&description)?).map_err(|_| TableError::Head("description"))?;
        let (categories, aliases) = read_categories(slice(&categories)?)?;
        let sets: Vec<_> = slice(&sets)?.as_chunks().0.iter().map(CategorySet::from_bytes).collect();
        if sets.iter().any(|set| set.iter().any(|id| id.index() >= categories.len())) {
            return Err(TableError::Head("category sets"));
        }
        let expressions = read_expressions(slice(&expressions)?, categories.len())?;
        Ok(Self {
            seed,
            line_count,
            names,
            description: Description::from_text(description)?,
            categories,
            aliases,
            sets,
            expressions,
            lines,
            spilled,
            body_checksum: Reader(slice(&checksum)?).u64()?,
        })
    }
}

/// The head checksum of the header's first bytes and the sections after it.
pub(super) fn head_sum(header: &[u8], sections: &[u8]) -> u64 {
    xxh3_64(&[header, sections].concat())
}

type Named = (Vec<Category>, Vec<(Arc<str>, CategoryId)>);

fn read_categories(section: &[u8]) -> Result<Named, TableError> {
    let wrong = TableError::Head("categories");
    let mut reader = Reader(section);
    let mut seen = HashSet::new();
    let mut categories = Vec::new();
    for _ in 0..reader.u16()? {
        let (names, urls) = (reader.u64()?, reader.u64()?);
        categories.push(Category { name: reader.name()?, names, urls });
    }
    if categories.len() > CategoryId::COUNT_MAX {
        return Err(wrong);
    }
    let mut aliases = Vec::new();
    for _ in 0..reader.u16()? {
        let id = u8::try_from(reader.u16()?).map(CategoryId).map_err(|_| wrong)?;
        if id.index() >= categories.len() {
            return Err(wrong);
        }
        aliases.push((reader.name()?, id));
    }
    let names = categories.iter().map(|category| &category.name).chain(aliases.iter().map(|(name, _)| name));
    let is_unique = names.into_iter().all(|name| seen.insert(Arc::clone(name)));
    if is_unique && reader.0.is_empty() { Ok((categories, aliases)) } else { Err(wrong) }
}

fn read_expressions(section: &[u8], categories: usize) -> Result<Vec<Expression>, TableError> {
    let wrong = TableError::Head("expressions");
    let mut reader = Reader(section);
    let count = usize::from(reader.u16()?);
    if count > Limits::COUNT_MAX {
        return Err(wrong);
    }
    let mut expressions = Vec::with_capacity(count);
    for _ in 0..count {
        let category = u8::try_from(reader.u16()?).map(CategoryId).map_err(|_| wrong)?;
        let length = reader.u16()?;
        let text = reader.text(usize::from(length)).ok_or(wrong)?;
        if category.index() >= categories || text.len() > Limits::LENGTH_MAX {
            return Err(wrong);
        }
        expressions.push(Expression { category, text: Box::from(text) });
    }
    if reader.0.is_empty() { Ok(expressions) } else { Err(wrong) }
}

/// Zero bytes that bring the body, after a head that ends at `end`, to its alignment.
pub(super) fn padding(end: usize) -> usize {
    end.next_multiple_of(BODY_ALIGNMENT) - end
}

/// Takes numbers from the front of bytes.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], TableError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(TableError::Length)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u16(&mut self) -> Result<u16, TableError> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, TableError> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, TableError> {
        self.take().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Result<usize, TableError> {
        usize::try_from(self.u32()?).map_err(|_| TableError::Length)
    }

    fn name(&mut self) -> Result<Arc<str>, TableError> {
        let [length] = self.take()?;
        self.text(usize::from(length)).map(Arc::from).ok_or(TableError::Head("categories"))
    }

    /// So many bytes of UTF-8.
    fn text(&mut self, length: usize) -> Option<&'a str> {
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}
