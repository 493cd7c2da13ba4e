//! Opens a table, and tells what it says of one site or URL.

use std::{fmt, io, path::Path, sync::Arc};

use anyhow::Context as _;
use serde_json::json;

use super::build::names_path;
use crate::{
    model::{Site, UrlPath},
    policy::category::{Listed, Names, Table},
    system::mapped::Mapped,
};

/// Maps the table at `path` for the judge, and reads it once against its checksum: ten milliseconds for five million
/// names. A damaged table would let sites through that nobody misses.
///
/// # Errors
/// When there is no such file, or it is no whole table.
pub fn open(path: &Path) -> anyhow::Result<Table> {
    let failed = || format!("cannot open the category table `{}`", path.display());
    let mapped = Mapped::open(path).with_context(failed)?;
    let table = Table::open(mapped).with_context(failed)?;
    table.verify().with_context(failed)?;
    Ok(table)
}

/// What a table says of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The site asked for.
    pub site: Site,
    /// What was asked behind it.
    pub path: Option<UrlPath>,
    /// The date of the list.
    pub list_date: Arc<str>,
    /// The entries that hold it, the most general first.
    pub entries: Vec<Entry>,
}

/// An entry of a list that holds what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, address, URL or expression as listed.
    pub listed: String,
    /// The categories that list it.
    pub categories: Vec<Arc<str>>,
    /// The date of the first table here that listed it; none where the names file is not at hand.
    pub since: Option<String>,
}

/// Looks `site`, and `path` behind it, up in the table at `table_path`. Where the names file is there, each entry is
/// confirmed by it.
///
/// # Errors
/// When the table or its names file cannot be read, or the names file contradicts the table.
pub fn show(table_path: &Path, site: &Site, path: Option<&UrlPath>) -> anyhow::Result<Shown> {
    let table = open(table_path)?;
    let names = open_names(table_path, &table)?;
    let mut entries = Vec::new();
    let listed: Vec<Listed<'_>> = match site {
        Site::Name(name) => table.listed(name).collect(),
        Site::Address(address) => table.listed_address(*address).into_iter().collect(),
    };
    for found in listed {
        let text = if found.suffix.is_empty() { site.to_string() } else { found.suffix.to_owned() };
        entries.push(entry(&table, names.as_ref(), &found, text)?);
    }
    for found in path.into_iter().flat_map(|path| table.listed_urls(site, path)) {
        let host = match site {
            Site::Name(name) => name.as_str().strip_prefix("www.").unwrap_or(name.as_str()).to_owned(),
            Site::Address(address) => address.to_canonical().to_string(),
        };
        entries.push(entry(&table, names.as_ref(), &found, format!("{host}{}", found.suffix))?);
    }
    for (id, expression) in path.into_iter().flat_map(|path| table.matching_expressions(site, path)) {
        let categories = vec![table.category_name(id)];
        entries.push(Entry { listed: expression.to_owned(), categories, since: None });
    }
    let list_date = Arc::clone(&table.description().date);
    Ok(Shown { site: site.clone(), path: path.cloned(), list_date, entries })
}

/// What the table found, confirmed by its names file: two names may hash alike.
fn entry(table: &Table, names: Option<&Names>, found: &Listed<'_>, listed: String) -> anyhow::Result<Entry> {
    if let Some(names) = names {
        let written = names.name_of(found).unwrap_or("nothing readable");
        anyhow::ensure!(
            is_same(written, &listed),
            "the table found `{listed}`, its names file says `{written}`"
        );
    }
    let categories = found.categories.iter().map(|id| table.category_name(id)).collect();
    let since = names.and_then(|names| names.since(found)).map(|day| day.to_string());
    Ok(Entry { listed, categories, since })
}

/// Whether two texts of an entry mean the same: empty parts of a path say nothing.
fn is_same(written: &str, found: &str) -> bool {
    let parts = |text: &str| -> Vec<String> {
        text.split(['/', '?', '&']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    written == found || parts(written) == parts(found)
}

/// The names of a table; none where the box was given the table alone.
fn open_names(path: &Path, table: &Table) -> anyhow::Result<Option<Names>> {
    let path = names_path(path);
    let failed = || format!("cannot open the names file `{}`", path.display());
    match Mapped::open(&path) {
        Ok(mapped) => Names::open(mapped, table).map(Some).with_context(failed),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(failed),
    }
}

impl Shown {
    /// The same as JSON, one line.
    #[must_use]
    pub fn to_json(&self) -> String {
        let entry = |Entry { listed, categories, since }: &Entry| {
            let categories: Vec<&str> = categories.iter().map(|name| &**name).collect();
            json!({ "listed": listed, "categories": categories, "since": since })
        };
        let entries: Vec<_> = self.entries.iter().map(entry).collect();
        json!({
            "site": self.site.to_string(),
            "path": self.path.as_ref().map(UrlPath::as_str),
            "list_date": &*self.list_date,
            "entries": entries,
        })
        .to_string()
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_ref().map_or("", UrlPath::as_str);
        if self.entries.is_empty() {
            return writeln!(f, "{}{path} is in no category (list of {})", self.site, self.list_date);
        }
        for Entry { listed, categories, since } in &self.entries {
            let since = since.as_ref().map_or_else(String::new, |day| format!(" since {day}"));
            let categories = categories.join(", ");
            writeln!(f, "{}{path} by {listed}: {categories}{since} (list of {})", self.site, self.list_date)?;
        }
        Ok(())
    }
}
