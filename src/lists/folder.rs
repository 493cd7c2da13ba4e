//! Reads a folder of lists: which categories it has, under which names, and what each line says.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufRead, BufReader, Read as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::report::{Report, Usage};
use crate::model::Site;

/// Bytes of a line. A name has at most 253; the rest is room for comments.
const LINE_BYTES_MAX: u64 = 1024;

/// Bytes of a `usage` file that are read: it holds a few words.
const USAGE_BYTES_MAX: u64 = 4096;

/// Bytes of `global_usage` that are read to find where the lists come from.
const CATALOGUE_BYTES_MAX: u64 = 1 << 20;

/// The categories of a folder, before their lines are read.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// Names of the categories, sorted.
    pub(super) categories: Vec<String>,
    /// Other names, sorted, each with the category it means.
    pub(super) aliases: BTreeMap<String, String>,
}

impl Folder {
    /// Finds the categories of `folder`. What is no category is left out; what looks like one but cannot be is noted.
    ///
    /// # Errors
    /// When the folder cannot be read or has no category at all.
    pub(super) fn survey(folder: &Path, report: &mut Report) -> anyhow::Result<Self> {
        let root = folder.canonicalize().with_context(|| format!("cannot find `{}`", folder.display()))?;
        let mut found = Self::default();
        for entry in fs::read_dir(&root).with_context(|| format!("cannot read `{}`", folder.display()))? {
            let entry = entry.with_context(|| format!("cannot read `{}`", folder.display()))?;
            let kind =
                entry.file_type().with_context(|| format!("cannot read `{}`", entry.path().display()))?;
            let Some(name) =
                entry.file_name().to_str().filter(|name| is_category_name(name)).map(str::to_owned)
            else {
                if kind.is_dir() {
                    report.note(entry.file_name().into(), None, "not a category's name (a-z, 0-9, _ and -)");
                }
                continue;
            };
            if kind.is_symlink() {
                match linked_category(&root, &entry.path()) {
                    Ok(category) => {
                        found.aliases.insert(name, category);
                    }
                    Err(message) => report.note(name.into(), None, message),
                }
            } else if kind.is_dir() && is_plain_file(&entry.path().join("domains")) {
                found.categories.push(name);
            } else if kind.is_dir() {
                report.note(name.into(), None, "no plain file `domains`");
            }
        }
        found.categories.sort();
        found.aliases.retain(|alias, category| {
            let is_known = found.categories.binary_search(category).is_ok();
            if !is_known {
                report.note(alias.into(), None, format!("a link to `{category}`, which is no category"));
            }
            is_known
        });
        anyhow::ensure!(
            !found.categories.is_empty(),
            "`{}` holds no category (a directory with a file `domains`); give the folder that holds the categories",
            folder.display()
        );
        Ok(found)
    }
}

/// Gives `take` every site that `folder/category/domains` lists; lines that are none are noted.
///
/// # Errors
/// When the file cannot be read, or `take` fails.
pub(super) fn read_domains(
    folder: &Path,
    category: &str,
    report: &mut Report,
    mut take: impl FnMut(&Site) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let file = Path::new(category).join("domains");
    let path = folder.join(&file);
    let failed = || format!("cannot read `{}`", path.display());
    let mut reader = BufReader::with_capacity(1 << 16, File::open(&path).with_context(failed)?);
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).with_context(failed)? == 0 {
            break;
        }
        if !line.ends_with(b"\n") && u64::try_from(line.len()) == Ok(LINE_BYTES_MAX) {
            reader.skip_until(b'\n').with_context(failed)?;
            report.note(file.clone(), Some(number), format!("longer than {LINE_BYTES_MAX} bytes"));
            continue;
        }
        match site(&line) {
            Ok(Some(site)) => take(&site)?,
            Ok(None) => {}
            Err(message) => report.note(file.clone(), Some(number), message),
        }
    }
    Ok(())
}

/// What the publisher means the category for; nothing where there is no `usage`.
pub(super) fn read_usage(folder: &Path, category: &str) -> Usage {
    let mut usage = Usage::default();
    for line in beginning(&folder.join(category).join("usage"), USAGE_BYTES_MAX).lines() {
        for word in line.split('#').next().unwrap_or("").split_whitespace() {
            usage.black |= word == "black";
            usage.white |= word == "white";
        }
    }
    usage
}

/// The publishers that the catalogue `global_usage` names, each once, sorted.
pub(super) fn read_sources(folder: &Path) -> Vec<String> {
    let catalogue = beginning(&folder.join("global_usage"), CATALOGUE_BYTES_MAX);
    let sources = catalogue.lines().filter_map(|line| line.strip_prefix("SOURCE:"));
    let mut sources: Vec<_> = sources.map(|source| source.trim().to_owned()).collect();
    sources.sort();
    sources.dedup();
    sources
}

/// The first bytes of a plain file as text; nothing where there is none.
fn beginning(path: &Path, bytes_max: u64) -> String {
    let mut bytes = Vec::new();
    if is_plain_file(path)
        && let Ok(file) = File::open(path)
        && file.take(bytes_max).read_to_end(&mut bytes).is_ok()
    {
        return String::from_utf8_lossy(&bytes).into_owned();
    }
    String::new()
}

/// What a line lists: a site, nothing (empty or a comment), or why not.
fn site(line: &[u8]) -> Result<Option<Site>, String> {
    let line = std::str::from_utf8(line).map_err(|_| "not UTF-8 text".to_owned())?;
    let text = line.split('#').next().unwrap_or("").trim();
    let text = text.strip_prefix("*.").or_else(|| text.strip_prefix('.')).unwrap_or(text);
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| {
        let shown: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
        format!("`{shown}`: {error}")
    })
}

/// The category a link means.
fn linked_category(root: &Path, link: &Path) -> Result<String, String> {
    let target = link.canonicalize().map_err(|_| "a link to nothing".to_owned())?;
    let is_beside = target.parent() == Some(root);
    let name = target.file_name().and_then(|name| name.to_str()).filter(|_| is_beside);
    name.map(str::to_owned).ok_or_else(|| "refused: a link out of the folder's categories".to_owned())
}

fn is_category_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// Whether a file is there and no link: what a list says must come from inside its folder.
pub(super) fn is_plain_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

/// The `domains` file of a category.
pub(super) fn domains_path(folder: &Path, category: &str) -> PathBuf {
    folder.join(category).join("domains")
}
