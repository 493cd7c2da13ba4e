//! Opens a table, and tells what it says of one site.

use std::{fmt, io, path::Path, sync::Arc};

use anyhow::Context as _;

use super::build::names_path;
use crate::{
    model::Site,
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
    /// The date of the list.
    pub list_date: Arc<str>,
    /// The entries that hold the site, the most general first: the entry as listed, and its categories.
    pub entries: Vec<(String, Vec<Arc<str>>)>,
}

/// Looks `site` up in the table at `path`. Where the names file is there, each entry is confirmed by it.
///
/// # Errors
/// When the table or its names file cannot be read, or the names file contradicts the table.
pub fn show(path: &Path, site: &Site) -> anyhow::Result<Shown> {
    let table = open(path)?;
    let names = open_names(path, &table)?;
    let listed: Vec<Listed<'_>> = match site {
        Site::Name(name) => table.listed(name).collect(),
        Site::Address(address) => table.listed_address(*address).into_iter().collect(),
    };
    let mut entries = Vec::with_capacity(listed.len());
    for entry in listed {
        let text = if entry.suffix.is_empty() { site.to_string() } else { entry.suffix.to_owned() };
        if let Some(names) = &names {
            let written = names.name_of(&entry).unwrap_or("nothing readable");
            anyhow::ensure!(written == text, "the table found `{text}`, its names file says `{written}`");
        }
        entries.push((text, entry.categories.iter().map(|id| table.category_name(id)).collect()));
    }
    Ok(Shown { site: site.clone(), list_date: Arc::clone(&table.description().date), entries })
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

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.entries.is_empty() {
            return writeln!(f, "{} is in no category (list of {})", self.site, self.list_date);
        }
        for (entry, categories) in &self.entries {
            writeln!(f, "{} by {entry}: {} (list of {})", self.site, categories.join(", "), self.list_date)?;
        }
        Ok(())
    }
}
