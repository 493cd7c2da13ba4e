//! From a folder of lists to a category table.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use anyhow::{Context as _, bail};

use super::{
    Before, Report,
    edition::Manifest,
    folder::{self, Folder},
    gather::Gather,
    guard, list_file,
    protected::Protected,
    show,
};
use crate::{
    model::Site,
    policy::category::{Builder, CategoryId, Description, ListDay, Names, Since, Table, TableError},
    system::{files::Draft, mapped::Mapped},
};

/// Bytes gathered before they are written to the disk.
const WRITE_BYTES: usize = 1 << 18;

/// How a table is to be built. The default is what a timer uses: every guard on.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Categories to take as they are, however much they changed and however little of them can be read.
    pub accept: BTreeSet<String>,
    /// A file of names that no black list may hold, beside the built-in ones or in place of them.
    pub protected: Option<PathBuf>,
    /// What to do about lines that would block a protected name.
    pub on_protected: OnProtected,
}

/// What to do about lines that would block a protected name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnProtected {
    /// Build no table.
    #[default]
    Refuse,
    /// Leave them out, and say so in the report.
    LeaveOut,
}

/// Builds the table at `out`, and its names file beside it, from the lists in `folder`.
///
/// Lines that cannot be used are left out and reported. Both files are read back and checked before they replace older
/// ones. Where the report has refusals, nothing was replaced. The same folder, options and older files give the same
/// bytes.
///
/// # Errors
/// When the folder holds no category or cannot be read, when something that is no table lies at `out`, or the table
/// cannot be written; older files then stand.
pub fn build(folder: &Path, out: &Path, options: &Options) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let found = Folder::survey(folder, &mut report)?;
    let protected = Protected::load(options.protected.as_deref())?;
    let day = found.categories.iter().map(folder::Category::changed).max().unwrap_or(SystemTime::UNIX_EPOCH);
    report.list_date = day_of(day)?;
    let today: ListDay = report.list_date.parse().context("the newest list has an impossible date")?;
    let before = table_before(out, &mut report)?;
    let seed = match &before {
        Some(before) => before.seed(),
        None => seed_of(folder, &found)?,
    };

    let failed = || format!("cannot write `{}`", out.display());
    let mut names = Draft::create(&names_path(out)).with_context(failed)?;
    let mut table = Draft::create(out).with_context(failed)?;
    let mut builder =
        Builder::new(seed, BufWriter::with_capacity(WRITE_BYTES, &mut names)).with_context(failed)?;
    let mut gather = Gather {
        folder,
        protected: &protected,
        on_protected: options.on_protected,
        builder: &mut builder,
        report: &mut report,
        sources: sources(folder)?,
        licences: licences(folder)?,
        lines: 0,
        samples: Vec::new(),
    };
    gather.all(&found)?;
    let Gather { sources, licences, samples, .. } = gather;
    report.sources = sources.into_iter().collect();
    report.licence = Vec::from_iter(licences).join(", ");
    let description = Description {
        date: Arc::from(report.list_date.as_str()),
        licence: Arc::from(report.licence.as_str()),
        sources: report.sources.clone(),
        category_dates: report.categories.iter().map(|list| (list.name.clone(), list.date.clone())).collect(),
    };
    let names_before = before.as_ref().and_then(|table| names_of(out, table));
    let since = Since { today, previous: before.as_ref().zip(names_before.as_ref()) };
    let mut table_writer = BufWriter::with_capacity(WRITE_BYTES, &mut table);
    builder.finish(&description, &since, &mut table_writer).with_context(failed)?;
    table_writer.flush().with_context(failed)?;
    drop(table_writer);

    check(&table, &names, &samples, &mut report).context("the table that was written does not read back")?;
    report.aliases = found.aliases.into_iter().collect();
    for refusal in guard::compare(&report.categories, before.as_ref(), &options.accept) {
        report.refuse(refusal);
    }
    if report.refusals.is_empty() {
        // A crash between the two leaves names of another table, which `Names::open` refuses.
        names.publish().with_context(failed)?;
        table.publish().with_context(failed)?;
    }
    Ok(report)
}

/// The names file that belongs to the table at `table_path`.
pub(super) fn names_path(table_path: &Path) -> PathBuf {
    let mut name = table_path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(".names");
    table_path.with_file_name(name)
}

/// The table that the new one is compared with and will replace.
fn table_before(out: &Path, report: &mut Report) -> anyhow::Result<Option<Table>> {
    let failed = || format!("cannot read the table at `{}`, which this one would replace", out.display());
    let mapped = match Mapped::open(out) {
        Ok(mapped) if mapped.is_empty() => return Ok(None),
        Ok(mapped) => mapped,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(failed),
    };
    let read = Table::open(mapped).and_then(|table| table.verify().map(|()| table));
    match read {
        Ok(table) => {
            report.before = Before::Table(table.description().date.to_string());
            Ok(Some(table))
        }
        Err(TableError::NotATable) => {
            bail!(
                "`{}` is another file, no category table; it is not overwritten: give another --out",
                out.display()
            )
        }
        Err(error) => {
            report.before = Before::Unreadable(error.to_string());
            Ok(None)
        }
    }
}

/// The names of the table before, which know since when each is listed; none where they are missing or of another table.
fn names_of(out: &Path, table: &Table) -> Option<Names> {
    Names::open(Mapped::open(&names_path(out)).ok()?, table).ok()
}

/// Where the hashes of a first table start: from what the lists say, so that the same lists give the same table.
fn seed_of(folder: &Path, found: &Folder) -> anyhow::Result<u64> {
    let mut hasher = blake3::Hasher::new();
    for file in found.categories.iter().flat_map(|category| &category.files) {
        let path = folder.join(&file.below);
        let failed = || format!("cannot read `{}`", path.display());
        hasher.update(file.below.as_os_str().as_encoded_bytes());
        hasher.update(&[0]);
        hasher.update_reader(list_file::open(&path).with_context(failed)?).with_context(failed)?;
    }
    let digest = hasher.finalize();
    digest.as_bytes().first_chunk().map(|first| u64::from_le_bytes(*first)).context("a digest is too short")
}

/// Opens the drafts as the box will, finds some names of every list in them, and completes the report by their counts.
fn check(
    table: &Draft,
    names: &Draft,
    samples: &[(Site, CategoryId)],
    report: &mut Report,
) -> anyhow::Result<()> {
    let table: Table = show::open(table.draft_path())?;
    let names = Names::open(Mapped::open(names.draft_path())?, &table)?;
    anyhow::ensure!(table.categories().len() == report.categories.len(), "categories are missing");
    for (site, category) in samples {
        let (listed, text) = match site {
            Site::Name(name) => (table.listed(name).last(), name.to_string()),
            Site::Address(address) => (table.listed_address(*address), address.to_canonical().to_string()),
        };
        let listed = listed.filter(|listed| listed.categories.contains(*category));
        let written = listed.and_then(|listed| names.name_of(&listed));
        anyhow::ensure!(written == Some(&*text), "a name that was listed is not found");
    }
    report.names = table.names_count();
    for (written, category) in report.categories.iter_mut().zip(table.categories()) {
        written.names = category.names;
        written.urls = category.urls;
    }
    Ok(())
}

/// The day (UTC) of a file's last change.
pub(super) fn day_of(changed: SystemTime) -> anyhow::Result<String> {
    let changed = jiff::Timestamp::try_from(changed).context("a list has an impossible date")?;
    Ok(changed.strftime("%Y-%m-%d").to_string())
}

/// Who published the lists, as far as the folder itself says so: an edition's manifest, or the Toulouse catalogue.
pub(super) fn sources(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    Ok(match Manifest::of(folder)? {
        Some(manifest) => manifest.sources.into_iter().collect(),
        None => list_file::catalogue_sources(folder).into_iter().collect(),
    })
}

/// Under what licences: an edition's manifest says it; that of the Toulouse lists is told by the text of it that lies in
/// their folder.
pub(super) fn licences(folder: &Path) -> anyhow::Result<BTreeSet<String>> {
    let of_toulouse =
        || list_file::open(&folder.join("cc-by-sa-4-0.pdf")).is_ok().then(|| "CC-BY-SA-4.0".to_owned());
    Ok(match Manifest::of(folder)? {
        Some(manifest) => Some(manifest.licence).filter(|licence| !licence.is_empty()).into_iter().collect(),
        None => of_toulouse().into_iter().collect(),
    })
}
