//! What came of reading a folder of lists, for the one who has to trust it.

use std::{fmt, path::PathBuf};

/// What a folder held and what was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The date of the list: the day (UTC) its newest `domains` file was last changed.
    pub list_date: String,
    /// The categories, in the order of their names.
    pub categories: Vec<CategoryReport>,
    /// Other names of categories: the name, and the category it means.
    pub aliases: Vec<(String, String)>,
    /// Names and addresses in the table, each counted once.
    pub names: usize,
    /// The first faults found, at most [`Report::FAULTS_MAX`].
    pub faults: Vec<Fault>,
    /// How many faults there were in all.
    pub faults_count: u64,
}

impl Report {
    /// How many faults are kept: enough to see what is wrong with a list, whatever its size.
    pub const FAULTS_MAX: usize = 100;

    /// Notes something that was left out.
    pub(super) fn note(&mut self, file: PathBuf, line: Option<u64>, message: impl Into<String>) {
        self.faults_count += 1;
        if self.faults.len() < Self::FAULTS_MAX {
            self.faults.push(Fault { file, line, message: message.into() });
        }
    }
}

/// One category of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryReport {
    /// Its name.
    pub name: String,
    /// Names and addresses it lists.
    pub names: u64,
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
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "list of {}: {} names in {} categories",
            self.list_date,
            self.names,
            self.categories.len()
        )?;
        for CategoryReport { name, names, usage } in &self.categories {
            let usage = match (usage.black, usage.white) {
                (true, true) => "black or white",
                (true, false) => "black",
                (false, true) => "white",
                (false, false) => "no usage given",
            };
            writeln!(f, "  {name}: {names} ({usage})")?;
        }
        for (alias, name) in &self.aliases {
            writeln!(f, "  {alias} means {name}")?;
        }
        if self.faults_count > 0 {
            writeln!(f, "left out: {}", self.faults_count)?;
        }
        for fault in &self.faults {
            writeln!(f, "  {fault}")?;
        }
        Ok(())
    }
}
