//! From a folder of lists to a category table.

use std::{
    ffi::OsString,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use anyhow::Context as _;

use super::{
    folder::{self, Folder},
    report::{CategoryReport, Report},
    show,
};
use crate::{
    policy::category::{Builder, CategoryId, Description, ListDay, Names, Since, Table},
    system::{files::Draft, mapped::Mapped},
};

/// Builds the table at `out`, and its names file beside it, from the lists in `folder`.
///
/// Lines and links that cannot be used are left out and reported. Both files are read back and checked before they
/// replace older ones.
///
/// # Errors
/// When the folder holds no category or cannot be read, or the table cannot be written; older files then stand.
pub fn build(folder: &Path, out: &Path) -> anyhow::Result<Report> {
    let seed = getrandom::u64().context("cannot get random bytes from the kernel")?;
    build_with_seed(folder, out, seed)
}

/// Does what [`build`] does, with a given seed: the same folder and seed give the same bytes.
///
/// # Errors
/// As [`build`].
pub fn build_with_seed(folder: &Path, out: &Path, seed: u64) -> anyhow::Result<Report> {
    let mut report = Report {
        list_date: String::new(),
        categories: Vec::new(),
        aliases: Vec::new(),
        names: 0,
        faults: Vec::new(),
        faults_count: 0,
    };
    let found = Folder::survey(folder, &mut report)?;
    report.list_date = list_date(folder, &found)?;

    let failed = || format!("cannot write `{}`", out.display());
    let mut names = Draft::create(&names_path(out)).with_context(failed)?;
    let mut table = Draft::create(out).with_context(failed)?;
    let mut builder =
        Builder::new(seed, BufWriter::with_capacity(1 << 18, &mut names)).with_context(failed)?;
    gather(folder, &found, &mut builder, &mut report)?;
    let description = Description {
        date: Arc::from(report.list_date.as_str()),
        licence: Arc::from(licence(folder)),
        sources: folder::read_sources(folder),
    };
    let today: ListDay = report.list_date.parse().context("the list's date is out of range")?;
    let since = Since::first(today);
    let mut table_writer = BufWriter::with_capacity(1 << 18, &mut table);
    builder.finish(&description, &since, &mut table_writer).with_context(failed)?;
    table_writer.flush().with_context(failed)?;
    drop(table_writer);

    check(&table, &names, &found, &mut report).context("the table that was written does not read back")?;
    // A crash between the two leaves names of another table, which `Names::open` refuses.
    names.publish().with_context(failed)?;
    table.publish().with_context(failed)?;
    report.aliases = found.aliases.into_iter().collect();
    Ok(report)
}

/// The names file that belongs to the table at `table_path`.
pub(super) fn names_path(table_path: &Path) -> PathBuf {
    let mut name = table_path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".names");
    table_path.with_file_name(name)
}

/// Puts every line of every category into the builder.
fn gather(
    folder: &Path,
    found: &Folder,
    builder: &mut Builder<impl std::io::Write>,
    report: &mut Report,
) -> anyhow::Result<()> {
    for name in &found.categories {
        let id: CategoryId =
            builder.category(name).with_context(|| format!("cannot add category `{name}`"))?;
        folder::read_domains(folder, name, report, |site| {
            builder.add(site, id).with_context(|| format!("cannot add a name to category `{name}`"))
        })?;
        let usage = folder::read_usage(folder, name);
        report.categories.push(CategoryReport { name: name.clone(), names: 0, usage });
        for (alias, _) in found.aliases.iter().filter(|(_, meant)| *meant == name) {
            builder.alias(alias, id).with_context(|| format!("cannot add the name `{alias}`"))?;
        }
    }
    Ok(())
}

/// Reads the drafts back, and completes the report by their counts.
fn check(table: &Draft, names: &Draft, found: &Folder, report: &mut Report) -> anyhow::Result<()> {
    let table: Table = show::open(table.draft_path())?;
    table.verify()?;
    let names = Names::open(Mapped::open(names.draft_path())?, &table)?;
    let count = names.iter().count();
    anyhow::ensure!(count == table.names_count(), "{count} of {} names", table.names_count());
    anyhow::ensure!(table.categories().len() == found.categories.len(), "categories are missing");
    report.names = table.names_count();
    for (written, category) in report.categories.iter_mut().zip(table.categories()) {
        written.names = category.names;
    }
    Ok(())
}

/// The day the newest list was last changed.
fn list_date(folder: &Path, found: &Folder) -> anyhow::Result<String> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for category in &found.categories {
        let path = folder::domains_path(folder, category);
        let changed = path.metadata().and_then(|metadata| metadata.modified());
        newest = newest.max(changed.with_context(|| format!("cannot read `{}`", path.display()))?);
    }
    let newest = jiff::Timestamp::try_from(newest).context("a list has an impossible date")?;
    Ok(newest.strftime("%Y-%m-%d").to_string())
}

/// The licence, told by the text of it that UT1 puts into the folder.
fn licence(folder: &Path) -> &'static str {
    if folder::is_plain_file(&folder.join("cc-by-sa-4-0.pdf")) { "CC-BY-SA-4.0" } else { "not given" }
}
