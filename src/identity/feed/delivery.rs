//! A delivery as a whole: opened, then read once from beginning to end.

use std::{
    collections::{BTreeMap, HashSet},
    io::Read,
    path::PathBuf,
};

use anyhow::Context as _;
use jiff::civil::Date;

use super::{
    CsvDescription, Extent, FeedError, Format, Head, Item, Note, Reason, Refused, Totals,
    note::Notes,
    onde,
    records::{Break, Operation, Records},
    requests::Requests,
    schools::Schools,
    seen::Seen,
    source::{Contents, DeliveredFile, PassedOver, Sorted, file_name, open_file},
    table,
};
use crate::model::{AccountId, Uai};

/// The most file names that a head lists.
const NAMES_LISTED_MAX: usize = 20;

/// A delivery that is ready to be read.
#[derive(Debug)]
pub struct Feed {
    head: Head,
    files: Vec<DeliveredFile>,
    passed_over: Vec<PassedOver>,
    schools: Schools,
    description: Option<CsvDescription>,
    here: Option<Uai>,
}

/// Opens the delivery that `paths` hold: its files, or the folders they are in. They are told apart by name and content,
/// and read schools first whatever order they are given in. CSV files other than ONDE's need a description.
///
/// One feed is one delivery: a complete one and the deltas after it are opened one by one, see [`deliveries`].
///
/// # Errors
/// When a path cannot be read or is an archive, when nothing in it is a delivery, or when it is several of them.
pub fn open(
    paths: &[PathBuf],
    wanted: Option<Format>,
    csv: Option<&CsvDescription>,
) -> Result<Feed, FeedError> {
    let Sorted { mut files, passed_over } = Sorted::of(paths, csv.is_some())?;
    let days = days(&files);
    let (Some(((extent, date), _)), Some(first)) = (days.first_key_value(), files.first()) else {
        let named: Vec<_> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
        return Err(FeedError::Nothing(named.join(", ")));
    };
    if days.len() > 1 {
        let named: Vec<_> = days.keys().map(|day| delivery_name(*day)).collect();
        return Err(FeedError::SeveralDeliveries(named.join(", ")));
    }
    // The first degree shows only in some files: schools and staff of one delivery can look like the second's.
    let format =
        files.iter().map(|file| file.format).find(|format| *format != Format::Aaf).unwrap_or(first.format);
    if let Some(other) = files.iter().find(|file| file.format != format && file.format != Format::Aaf) {
        return Err(FeedError::SeveralFormats(format!("{format}, {}", other.format)));
    }
    let is_xml = |format| matches!(format, Format::Aaf | Format::Aaf1d | Format::Gpei);
    if let Some(other) = files.iter().find(|file| is_xml(file.format) != is_xml(format)) {
        return Err(FeedError::SeveralFormats(format!("{format}, {}", other.format)));
    }
    if let Some(wanted) = wanted
        && wanted != format
        && !(is_xml(wanted) && is_xml(format))
    {
        return Err(FeedError::OtherFormat { wanted, found: format });
    }
    if format == Format::Csv && csv.is_none() {
        return Err(FeedError::NotDescribed);
    }
    let (extent, date) = (*extent, *date);
    files.sort_by(|a, b| (a.contents, &a.path).cmp(&(b.contents, &b.path)));
    let head = Head { format: wanted.unwrap_or(format), extent, date, source: source(&files) };
    let description = csv.cloned();
    Ok(Feed { head, files, passed_over, schools: Schools::default(), description, here: None })
}

/// Parts the files of `paths` into deliveries, each to be [`open`]ed by itself: by day, the complete one of a day before
/// its delta.
///
/// # Errors
/// When a path cannot be read or is an archive.
pub fn deliveries(paths: &[PathBuf], csv: Option<&CsvDescription>) -> Result<Vec<Vec<PathBuf>>, FeedError> {
    let Sorted { files, passed_over: _ } = Sorted::of(paths, csv.is_some())?;
    let mut groups: Vec<_> = days(&files).into_iter().collect();
    groups.sort_by_key(|((extent, date), _)| (*date, *extent == Extent::Delta));
    Ok(groups.into_iter().map(|(_, paths)| paths).collect())
}

/// The files by extent and day. A file that says neither is of the delivery it lies beside.
fn days(files: &[DeliveredFile]) -> BTreeMap<(Extent, Option<Date>), Vec<PathBuf>> {
    let said = |file: &DeliveredFile| file.extent.zip(file.date);
    let only = files.iter().find_map(said);
    let mut days: BTreeMap<_, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let extent = file.extent.or(only.map(|(extent, _)| extent)).unwrap_or(Extent::Complete);
        let date = file.date.or(only.map(|(_, date)| date));
        days.entry((extent, date)).or_default().push(file.path.clone());
    }
    days
}

fn delivery_name((extent, date): (Extent, Option<Date>)) -> String {
    match date {
        Some(date) => format!("{} of {date}", extent.word()),
        None => format!("{} without a date", extent.word()),
    }
}

fn source(files: &[DeliveredFile]) -> String {
    let mut names: Vec<_> = files.iter().take(NAMES_LISTED_MAX).map(|file| file_name(&file.path)).collect();
    if files.len() > NAMES_LISTED_MAX {
        names.push("…".to_owned());
    }
    names.join(", ")
}

impl Feed {
    /// What the delivery says of itself.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Makes schools known that the delivery may name and does not explain: a delta seldom repeats them.
    #[must_use]
    pub fn knowing(mut self, schools: impl IntoIterator<Item = (String, Uai)>) -> Self {
        for (key, uai) in schools {
            let school = super::SchoolRecord { key, uai, name: String::new() };
            // A key of two schools stays with the first; the delivery's own word for it is then refused there.
            let _ = self.schools.add(&school);
        }
        self
    }

    /// The school of those whose delivery names none: of an ONDE export, and of a CSV without such a column.
    #[must_use]
    pub fn at(mut self, school: Uai) -> Self {
        self.here = Some(school);
        self
    }

    /// Reads the delivery and gives `take` each of its items. One record is held at a time.
    ///
    /// What is wrong with a record or a file is an item, never an error.
    ///
    /// # Errors
    /// When a file cannot be opened, when `take` fails, or when the delivery is larger than any real one.
    pub fn read(self, take: &mut dyn FnMut(Item) -> anyhow::Result<()>) -> anyhow::Result<Totals> {
        let Self { head, files, passed_over, mut schools, description, here } = self;
        let mut out = Out { take, totals: Totals::default() };
        for PassedOver { path, kind } in passed_over {
            out.give(Item::Note(Note { file: file_name(&path), line: 1, kind, count: 1 }))?;
        }
        let mut seen = Seen::default();
        if matches!(head.format, Format::Aaf | Format::Aaf1d | Format::Gpei) {
            let has_school_files = files.iter().any(|file| file.contents == Contents::Schools);
            if !has_school_files {
                for file in &files {
                    read_schools(
                        open_file(&file.path)?,
                        &file_name(&file.path),
                        &head,
                        &mut schools,
                        &mut out,
                    )?;
                }
            }
            for file in &files {
                let name = file_name(&file.path);
                read_xml(open_file(&file.path)?, &name, &head, &mut schools, &mut seen, &mut out)?;
            }
            return Ok(out.totals);
        }
        if let Some(description) = &description {
            for file in &files {
                let name = file_name(&file.path);
                table::read(open_file(&file.path)?, &name, description, here.as_ref(), &mut seen, &mut out)?;
            }
            return Ok(out.totals);
        }
        let here = here.as_ref().context("an ONDE export does not say of which school it is")?;
        let (mut first_seen, mut shared) = (Seen::default(), HashSet::new());
        for file in &files {
            onde::shared(open_file(&file.path)?, here, &mut first_seen, &mut shared)?;
        }
        for file in &files {
            let name = file_name(&file.path);
            onde::read(open_file(&file.path)?, &name, here, &shared, &mut seen, &mut out)?;
        }
        Ok(out.totals)
    }
}

/// Where items go, counted.
pub(super) struct Out<'a> {
    pub(super) take: &'a mut dyn FnMut(Item) -> anyhow::Result<()>,
    pub(super) totals: Totals,
}

impl Out<'_> {
    pub(super) fn give(&mut self, item: Item) -> anyhow::Result<()> {
        let totals = &mut self.totals;
        match &item {
            Item::School(_) => totals.schools += 1,
            Item::Person(_) => totals.persons += 1,
            Item::Change(_) => totals.changes += 1,
            Item::Leaves(_) => totals.leaving += 1,
            Item::Refused(refused) => {
                totals.refused += 1;
                totals.cut |= refused.reason.ends_the_file();
            }
            Item::Note(_) => totals.notes += 1,
        }
        (self.take)(item)
    }

    pub(super) fn refuse(
        &mut self,
        file: &str,
        line: u64,
        id: Option<AccountId>,
        reason: Reason,
    ) -> anyhow::Result<()> {
        self.give(Item::Refused(Refused { file: file.to_owned(), line, id, reason }))
    }

    pub(super) fn note(&mut self, file: &str, notes: Notes) -> anyhow::Result<()> {
        notes.of(file).try_for_each(|note| self.give(Item::Note(note)))
    }
}

/// Reads only the schools of a file that mixes them with persons, so that those before them find them.
fn read_schools(
    input: impl Read,
    file: &str,
    head: &Head,
    schools: &mut Schools,
    out: &mut Out<'_>,
) -> anyhow::Result<()> {
    let mut records = Records::new(input).with_context(|| format!("cannot read `{file}`"))?;
    let (mut seen, mut notes) = (Seen::default(), Notes::default());
    // What is wrong with the file or a record is said when the persons are read.
    while let Ok(Some(record)) = records.read() {
        if record.category != "EtabEducNat" || record.operation != Operation::Add {
            continue;
        }
        let mut requests = Requests {
            format: head.format,
            extent: head.extent,
            schools,
            seen: &mut seen,
            notes: &mut notes,
        };
        if let Ok(Some(item)) = requests.item(&record)? {
            out.give(item)?;
        }
    }
    Ok(())
}

/// Reads one XML file.
///
/// # Errors
/// When `out` fails, or the delivery is larger than any real one.
pub(super) fn read_xml(
    input: impl Read,
    file: &str,
    head: &Head,
    schools: &mut Schools,
    seen: &mut Seen,
    out: &mut Out<'_>,
) -> anyhow::Result<()> {
    let mut records = Records::new(input).with_context(|| format!("cannot read `{file}`"))?;
    let mut notes = Notes::default();
    loop {
        let record = match records.read() {
            Ok(Some(record)) => record,
            Ok(None) => break,
            Err(Break { line, reason }) => {
                out.refuse(file, line, None, reason)?;
                break;
            }
        };
        let mut requests =
            Requests { format: head.format, extent: head.extent, schools, seen, notes: &mut notes };
        match requests.item(&record)? {
            Ok(Some(item)) => out.give(item)?,
            Ok(None) => {}
            Err(reason) => {
                let id = (!record.id.is_empty()).then(|| AccountId::new(&shown(&record.id)));
                out.refuse(file, record.line, id, reason)?;
            }
        }
    }
    out.note(file, records.notes())?;
    out.note(file, notes)
}

/// An identifier as far as it is shown beside a refusal.
pub(super) fn shown(id: &str) -> String {
    id.chars().filter(|letter| !letter.is_control()).take(100).collect()
}
