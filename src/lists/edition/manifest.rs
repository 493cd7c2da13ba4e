//! What an edition holds, as text that is signed by its digest.
//!
//! ```text
//! preau-lists 1
//! date 2026-11-20
//! licence CC-BY-SA-4.0
//! source https://…
//! category adult black
//! alias porn adult
//! file adult/domains 2026-11-18 71234567 <BLAKE3 in hexadecimal>
//! ```

use std::{collections::BTreeMap, fmt, fs, path::Path};

use anyhow::Context as _;
use jiff::civil::Date;
use thiserror::Error;

use super::super::{Limits, Usage, folder};
use crate::policy::category::CategoryId;

/// The longest manifest, in bytes: 256 categories of three files each fit ten times.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// Its name in the folder of an edition.
const FILE_NAME: &str = "edition";

/// The files a category may have, in the order of the manifest.
pub(super) const KINDS: [&str; 3] = ["domains", "expressions", "urls"];

/// What an edition holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The day the newest of its lists was last changed.
    pub date: Date,
    /// Under what licence the lists are; empty where nobody said.
    pub licence: String,
    /// Where they come from.
    pub sources: Vec<String>,
    /// The categories by name, with what their publisher means them for.
    pub categories: BTreeMap<String, Usage>,
    /// Other names of categories.
    pub aliases: BTreeMap<String, String>,
    /// The files, by path.
    pub(super) files: BTreeMap<String, ListedFile>,
}

/// One file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ListedFile {
    /// The day it was last changed.
    pub(super) date: Date,
    /// Its length.
    pub(super) bytes: u64,
    /// BLAKE3 of its content.
    pub(super) digest: blake3::Hash,
}

/// Why a text is no manifest.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the manifest of the lists, line {line}: {what}")]
pub struct ManifestError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: &'static str,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// When it is too long, or a line is not what it should be: unknown words are errors.
    pub fn read(text: &str) -> Result<Self, ManifestError> {
        let wrong = |line, what| ManifestError { line, what };
        if text.len() > BYTES_MAX {
            return Err(wrong(1, "it is too long"));
        }
        let mut lines = text.lines().zip(1..);
        if lines.next().map(|(line, _)| line) != Some("preau-lists 1") {
            return Err(wrong(1, "this version reads `preau-lists 1`"));
        }
        let mut date = None;
        let mut read = Self {
            date: Date::MIN,
            licence: String::new(),
            sources: Vec::new(),
            categories: BTreeMap::new(),
            aliases: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        for (line, number) in lines {
            let (word, rest) = line.split_once(' ').ok_or(wrong(number, "a word is missing"))?;
            let taken = match word {
                "date" => rest.parse().ok().map(|day| date = Some(day)),
                "licence" => {
                    rest.clone_into(&mut read.licence);
                    Some(())
                }
                "source" if read.sources.len() < Limits::SOURCES_MAX => {
                    read.sources.push(rest.to_owned());
                    Some(())
                }
                "category" => read.take_category(rest),
                "alias" => read.take_alias(rest),
                "file" => read.take_file(rest),
                _ => None,
            };
            taken.ok_or(wrong(number, "it cannot be taken"))?;
        }
        read.date = date.ok_or(wrong(1, "the date is missing"))?;
        Ok(read)
    }

    /// BLAKE3 of its text, in hexadecimal: what stands for the whole edition.
    #[must_use]
    pub fn digest(&self) -> String {
        blake3::hash(self.to_string().as_bytes()).to_hex().to_string()
    }

    /// The manifest of the edition in `dir`; none where the folder is no edition.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn of(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = dir.join(FILE_NAME);
        if !path.is_file() {
            return Ok(None);
        }
        let failed = || format!("cannot read `{}`", path.display());
        let length = fs::metadata(&path).with_context(failed)?.len();
        anyhow::ensure!(length <= u64::try_from(BYTES_MAX)?, "`{}` is too long", path.display());
        let text = fs::read_to_string(&path).with_context(failed)?;
        Self::read(&text).map(Some).with_context(failed)
    }

    /// Writes it into `dir`, which makes the folder an edition.
    pub(super) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        let path = dir.join(FILE_NAME);
        fs::write(&path, self.to_string()).with_context(|| format!("cannot write `{}`", path.display()))
    }

    fn take_category(&mut self, rest: &str) -> Option<()> {
        let (name, usage) = rest.split_once(' ')?;
        let usage = match usage {
            "black" => Usage { black: true, white: false },
            "white" => Usage { black: false, white: true },
            "both" => Usage { black: true, white: true },
            "none" => Usage::default(),
            _ => return None,
        };
        let fits = folder::is_category_name(name) && self.categories.len() < CategoryId::COUNT_MAX;
        (fits && self.categories.insert(name.to_owned(), usage).is_none()).then_some(())
    }

    fn take_alias(&mut self, rest: &str) -> Option<()> {
        let (alias, category) = rest.split_once(' ')?;
        let fits = folder::is_category_name(alias)
            && self.categories.contains_key(category)
            && self.aliases.len() < CategoryId::COUNT_MAX;
        (fits && self.aliases.insert(alias.to_owned(), category.to_owned()).is_none()).then_some(())
    }

    fn take_file(&mut self, rest: &str) -> Option<()> {
        let mut words = rest.split(' ');
        let (path, date) = (words.next()?, words.next()?.parse().ok()?);
        let (bytes, digest) = (words.next()?.parse().ok()?, blake3::Hash::from_hex(words.next()?).ok()?);
        let (category, kind) = path.split_once('/')?;
        let fits = words.next().is_none()
            && self.categories.contains_key(category)
            && KINDS.contains(&kind)
            && bytes <= Limits::FILE_BYTES_MAX;
        let file = ListedFile { date, bytes, digest };
        (fits && self.files.insert(path.to_owned(), file).is_none()).then_some(())
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "preau-lists 1\ndate {}", self.date)?;
        if !self.licence.is_empty() {
            writeln!(f, "licence {}", self.licence)?;
        }
        self.sources.iter().try_for_each(|source| writeln!(f, "source {source}"))?;
        for (name, usage) in &self.categories {
            writeln!(f, "category {name} {}", word(*usage))?;
        }
        for (alias, category) in &self.aliases {
            writeln!(f, "alias {alias} {category}")?;
        }
        for (path, ListedFile { date, bytes, digest }) in &self.files {
            writeln!(f, "file {path} {date} {bytes} {}", digest.to_hex())?;
        }
        Ok(())
    }
}

fn word(usage: Usage) -> &'static str {
    match (usage.black, usage.white) {
        (true, true) => "both",
        (true, false) => "black",
        (false, true) => "white",
        (false, false) => "none",
    }
}
