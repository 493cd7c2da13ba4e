//! Surveys a folder of lists: which categories it has, under which names, and in which files.
//!
//! A folder comes from outside. Nothing is followed out of it, nothing but plain files is opened, and what a directory
//! holds is looked at one level deep only. A file with several names (hard links) is read like any other: mirrors keep
//! unchanged lists that way, and a list can say nothing but names.

use std::{
    collections::BTreeMap,
    fs::{self, DirEntry},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context as _;

use super::{Limits, Reason, Report, Usage, formats::Format, list_file};
use crate::policy::category::CategoryId;

/// Ends of the names of compressed files and archives.
const PACKED_ENDS: [&str; 9] = ["gz", "tgz", "bz2", "xz", "zst", "zip", "tar", "7z", "rar"];

/// Beginnings of the names of files for people, which lists come with; in lower case.
const PAPERS: [&str; 6] = ["readme", "license", "licence", "copying", "changelog", "cc-by"];

/// The categories of a folder, before their lines are read.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// The categories, by name.
    pub(super) categories: Vec<Category>,
    /// Other names, each with the category it means, by name.
    pub(super) aliases: BTreeMap<String, String>,
}

/// A directory with lists.
#[derive(Debug)]
pub(super) struct Category {
    /// Its name.
    pub(super) name: String,
    /// Its lists, by name.
    pub(super) files: Vec<ListFile>,
    /// What its publisher means it for.
    pub(super) usage: Usage,
}

/// A list.
#[derive(Debug)]
pub(super) struct ListFile {
    /// Where it lies, below the folder.
    pub(super) below: PathBuf,
    /// What its lines are.
    pub(super) format: Format,
    /// When it was last changed.
    pub(super) changed: SystemTime,
}

impl Category {
    /// When the newest of its lists was last changed.
    pub(super) fn changed(&self) -> SystemTime {
        self.files.iter().map(|file| file.changed).max().unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl Folder {
    /// Finds the categories of `folder`. What is no category is left out; what looks like one but cannot be is noted.
    ///
    /// # Errors
    /// When the folder cannot be read, has no category at all, or too many.
    pub(super) fn survey(folder: &Path, report: &mut Report) -> anyhow::Result<Self> {
        let failed = || format!("cannot read `{}`", folder.display());
        let root = folder.canonicalize().with_context(|| format!("cannot find `{}`", folder.display()))?;
        anyhow::ensure!(
            root.is_dir(),
            "`{}` is a file; unpack the lists first (`tar xzf blacklists.tar.gz`), then give the folder that holds \
             the categories",
            folder.display()
        );
        let mut found = Self::default();
        for entry in sorted_entries(&root).with_context(failed)? {
            let kind = entry.file_type().with_context(failed)?;
            let name = entry.file_name().to_str().filter(|name| is_category_name(name)).map(str::to_owned);
            match name {
                _ if kind.is_file() => note_loose_file(&entry, report),
                None if kind.is_dir() => report.note_file(entry.file_name().into(), Reason::CategoryName),
                None => {}
                Some(name) if kind.is_symlink() => match linked_category(&root, &entry.path()) {
                    Some(category) => drop(found.aliases.insert(name, category)),
                    None => report.note_file(name.into(), Reason::Link),
                },
                Some(name) if kind.is_dir() => found.categories.extend(category(&root, name, report)?),
                Some(name) => report.note_file(name.into(), Reason::NotAFile),
            }
        }
        found.keep_known_aliases(report);
        anyhow::ensure!(!found.categories.is_empty(), "{}", no_category(folder, &root));
        anyhow::ensure!(
            found.categories.len() <= CategoryId::COUNT_MAX && found.aliases.len() <= CategoryId::COUNT_MAX,
            "`{}` holds {} categories and {} links to categories; a table has at most {} of each: remove some, or \
             join their lists in one directory",
            folder.display(),
            found.categories.len(),
            found.aliases.len(),
            CategoryId::COUNT_MAX
        );
        Ok(found)
    }

    fn keep_known_aliases(&mut self, report: &mut Report) {
        let categories = &self.categories;
        self.aliases.retain(|alias, category| {
            let is_known = categories.binary_search_by(|other| other.name.cmp(category)).is_ok();
            if !is_known {
                report.note_file(alias.into(), Reason::Link);
            }
            is_known
        });
    }
}

/// The lists of the directory `name`; none where it has no list.
fn category(root: &Path, name: String, report: &mut Report) -> anyhow::Result<Option<Category>> {
    let dir = root.join(&name);
    let failed = || format!("cannot read `{}`", dir.display());
    let mut files = Vec::new();
    for entry in sorted_entries(&dir).with_context(failed)? {
        let below = Path::new(&name).join(entry.file_name());
        let metadata = entry.metadata().with_context(failed)?;
        match kind_of_file(&entry.file_name().to_string_lossy()) {
            FileKind::List(format) if metadata.is_file() => {
                anyhow::ensure!(
                    metadata.len() <= Limits::FILE_BYTES_MAX,
                    "`{}` has {} bytes, which no list has; remove it from the folder",
                    entry.path().display(),
                    metadata.len()
                );
                let changed = metadata.modified().with_context(failed)?;
                files.push(ListFile { below, format, changed });
            }
            FileKind::List(_) if metadata.is_symlink() => report.note_file(below, Reason::LinkedFile),
            _ if metadata.is_dir() => report.note_file(below, Reason::Nested),
            FileKind::List(_) => report.note_file(below, Reason::NotAFile),
            FileKind::LeftOut(reason) => report.note_file(below, reason),
            FileKind::Paper => {}
        }
    }
    anyhow::ensure!(
        files.len() <= Limits::CATEGORY_FILES_MAX,
        "`{}` holds {} lists; a category has at most {}: join them",
        dir.display(),
        files.len(),
        Limits::CATEGORY_FILES_MAX
    );
    if files.is_empty() {
        report.note_file(name.into(), Reason::NoList);
        return Ok(None);
    }
    let usage = list_file::usage(&dir.join("usage"));
    Ok(Some(Category { name, files, usage }))
}

/// The entries of a directory in the order of their names, so that the same folder is always read the same way.
fn sorted_entries(dir: &Path) -> anyhow::Result<Vec<DirEntry>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir)? {
        anyhow::ensure!(
            entries.len() < Limits::ENTRIES_MAX,
            "it has more than {} entries, which no folder of lists has",
            Limits::ENTRIES_MAX
        );
        entries.push(entry?);
    }
    entries.sort_unstable_by_key(DirEntry::file_name);
    Ok(entries)
}

/// What the name of a file in a category says of it.
enum FileKind {
    List(Format),
    /// A file for people or for other programs, of which nothing need be said.
    Paper,
    LeftOut(Reason),
}

fn kind_of_file(name: &str) -> FileKind {
    let lower = name.to_ascii_lowercase();
    let end = lower.rsplit_once('.').map_or("", |(_, end)| end);
    if PAPERS.iter().any(|paper| lower.starts_with(paper)) || matches!(end, "md" | "pdf") {
        FileKind::Paper
    } else if PACKED_ENDS.contains(&end) {
        FileKind::LeftOut(Reason::Packed)
    } else if let Some(format) = Format::of_file(name) {
        FileKind::List(format)
    } else {
        match name {
            "usage" => FileKind::Paper,
            "very_restrictive_expression" => FileKind::LeftOut(Reason::VeryRestrictive),
            _ => FileKind::LeftOut(Reason::UnknownFile),
        }
    }
}

/// Notes a file beside the categories that somebody may think is read.
fn note_loose_file(entry: &DirEntry, report: &mut Report) {
    match kind_of_file(&entry.file_name().to_string_lossy()) {
        FileKind::List(_) => report.note_file(entry.file_name().into(), Reason::OutsideCategory),
        FileKind::LeftOut(Reason::Packed) => report.note_file(entry.file_name().into(), Reason::Packed),
        FileKind::LeftOut(_) | FileKind::Paper => {}
    }
}

/// Says that there is no category, and where there might be some.
fn no_category(folder: &Path, root: &Path) -> String {
    let mut text = format!(
        "`{}` holds no category (a directory with a file `domains`, `urls` or `expressions`); give the folder that \
         holds the categories",
        folder.display()
    );
    let has_lists = |dir: &Path| dir.join("domains").is_file();
    let inner = fs::read_dir(root).into_iter().flatten().flatten().take(Limits::ENTRIES_MAX);
    let is_meant = |dir: &PathBuf| {
        let below = fs::read_dir(dir).into_iter().flatten().flatten().take(Limits::ENTRIES_MAX);
        below.into_iter().any(|entry| has_lists(&entry.path()))
    };
    if has_lists(root) {
        text.push_str(", not a category itself");
    } else if let Some(meant) = inner.map(|entry| entry.path()).find(is_meant) {
        text.push_str(&format!(", such as `{}`", meant.display()));
    }
    text
}

/// The category a link means; none where it leads to nothing or out of the folder's categories.
fn linked_category(root: &Path, link: &Path) -> Option<String> {
    let target = link.canonicalize().ok()?;
    let name = target.file_name()?.to_str()?;
    (target.parent() == Some(root)).then(|| name.to_owned())
}

pub(super) fn is_category_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}
