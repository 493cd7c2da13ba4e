//! What came of reading a folder of lists, for the one who has to trust it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::{Limits, Reason, Refusal};

/// What a folder held, what was left out, and why no table was made of it, if none was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a report with refusals means that no table was built"]
pub struct Report {
    /// The date of the lists: the day (UTC) the newest of them was last changed.
    pub list_date: String,
    /// The categories, in the order of their names.
    pub categories: Vec<CategoryReport>,
    /// Other names of categories: the name, and the category it means.
    pub aliases: Vec<(String, String)>,
    /// Names, addresses and URLs in the table, each counted once.
    pub names: usize,
    /// Where the lists come from, as far as they say it.
    pub sources: Vec<String>,
    /// Their licences, as far as they say it.
    pub licence: String,
    /// What the table is compared with: the date of the one before it, or why there is none.
    pub before: Before,
    /// What was left out, counted by cause, in the order the causes were first met.
    pub left_out: Vec<(Reason, u64)>,
    /// The first faults found, at most [`Limits::FAULTS_MAX`], and of each cause in one file
    /// [`Limits::FAULTS_ALIKE_MAX`].
    pub faults: Vec<Fault>,
    /// Why the table is not built, at most [`Limits::REFUSALS_MAX`] causes; the one that stood then stands.
    pub refusals: Vec<Refusal>,
    /// How many causes there are in all.
    pub refusals_count: u64,
    /// Which causes the file being read has, and how often.
    alike: (PathBuf, Vec<(Reason, usize)>),
}

/// The table a build is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Before {
    /// There is none.
    #[default]
    None,
    /// The table of this date.
    Table(String),
    /// One that cannot be read, for this cause: another version, or damage.
    Unreadable(String),
}

/// One category of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryReport {
    /// Its name.
    pub name: String,
    /// The day (UTC) the newest of its lists was last changed.
    pub date: String,
    /// Names and addresses it lists, each counted once.
    pub names: u64,
    /// URLs it lists, each counted once.
    pub urls: u64,
    /// Expressions it has.
    pub expressions: u64,
    /// Lines that could not be taken, but for what sound lists hold too.
    pub left_out: u64,
    /// What its publisher means it for.
    pub usage: Usage,
}

/// What the publisher of a category means it for. The rules decide; this is advice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// To block.
    pub black: bool,
    /// To allow.
    pub white: bool,
}

/// Something in a folder that was left out. Everything else was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, below the folder.
    pub file: PathBuf,
    /// The line, counted from 1; none where the file itself is at fault.
    pub line: Option<u64>,
    /// Why.
    pub reason: Reason,
    /// What the line says, cut short, and what is wrong with it where the reason alone does not tell.
    pub said: String,
}

impl Report {
    /// How many things were left out, but for what sound lists hold too.
    #[must_use]
    pub fn faults_count(&self) -> u64 {
        self.left_out.iter().filter(|(reason, _)| !reason.is_usual()).map(|(_, count)| count).sum()
    }

    /// Notes a cause not to build the table.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refusals_count += 1;
        if self.refusals.len() < Limits::REFUSALS_MAX {
            self.refusals.push(refusal);
        }
    }

    /// Notes a file that was left out whole.
    pub(super) fn note_file(&mut self, file: PathBuf, reason: Reason) {
        self.note(&file, None, reason, String::new);
    }

    /// Notes something that was left out.
    pub(super) fn note(
        &mut self,
        file: &Path,
        line: Option<u64>,
        reason: Reason,
        said: impl FnOnce() -> String,
    ) {
        *count_of(&mut self.left_out, reason) += 1;
        if reason.is_usual() || self.faults.len() >= Limits::FAULTS_MAX {
            return;
        }
        if self.alike.0 != file {
            self.alike = (file.to_owned(), Vec::new());
        }
        let alike = count_of(&mut self.alike.1, reason);
        *alike += 1;
        if *alike <= Limits::FAULTS_ALIKE_MAX {
            self.faults.push(Fault { file: file.to_owned(), line, reason, said: said() });
        }
    }
}

/// The count of a reason, to be raised.
fn count_of<N: Default>(counts: &mut Vec<(Reason, N)>, reason: Reason) -> &mut N {
    let place = counts.iter().position(|(other, _)| *other == reason).unwrap_or(counts.len());
    if place == counts.len() {
        counts.push((reason, N::default()));
    }
    &mut counts[place].1
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        if self.said.is_empty() { Ok(()) } else { write!(f, ": {}", self.said) }
    }
}

impl fmt::Display for CategoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, date, names, urls, expressions, left_out: _, usage } = self;
        write!(f, "{name}: {}", counted(*names, "name"))?;
        for (count, what) in [(*urls, "URL"), (*expressions, "expression")] {
            if count > 0 {
                write!(f, ", {}", counted(count, what))?;
            }
        }
        let usage = match (usage.black, usage.white) {
            (true, true) => "black or white",
            (true, false) => "black",
            (false, true) => "white",
            (false, false) => "no usage given",
        };
        write!(f, " ({usage}, of {date})")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = counted(u64::try_from(self.names).unwrap_or(u64::MAX), "name");
        let categories = match self.categories.len() {
            1 => "1 category".to_owned(),
            count => format!("{count} categories"),
        };
        writeln!(f, "list of {}: {entries} in {categories}", self.list_date)?;
        for category in &self.categories {
            writeln!(f, "  {category}")?;
        }
        for (alias, name) in &self.aliases {
            writeln!(f, "  {alias} means {name}")?;
        }
        let sources = if self.sources.is_empty() { "not given".to_owned() } else { self.sources.join(", ") };
        writeln!(f, "source: {sources}")?;
        writeln!(f, "licence: {}", if self.licence.is_empty() { "not given" } else { &self.licence })?;
        match &self.before {
            Before::None => writeln!(f, "compared with: nothing, it is the first table here")?,
            Before::Table(date) => writeln!(f, "compared with: the table of {date}")?,
            Before::Unreadable(cause) => {
                writeln!(f, "compared with: nothing, the table here cannot be read ({cause})")?
            }
        }
        for (reason, count) in &self.left_out {
            writeln!(f, "left out {count}: {reason}")?;
            let alike: Vec<_> = self.faults.iter().filter(|fault| fault.reason == *reason).collect();
            for fault in &alike {
                writeln!(f, "  {fault}")?;
            }
            let shown = u64::try_from(alike.len()).unwrap_or(u64::MAX);
            if shown > 0 && shown < *count {
                writeln!(f, "  and {} more", count - shown)?;
            }
        }
        for refusal in &self.refusals {
            writeln!(f, "refused: {refusal}")?;
        }
        let shown = u64::try_from(self.refusals.len()).unwrap_or(u64::MAX);
        if shown < self.refusals_count {
            writeln!(f, "refused: and {} more", self.refusals_count - shown)
        } else {
            Ok(())
        }
    }
}

/// A count with its word, in one or many.
pub(super) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
