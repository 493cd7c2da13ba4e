//! What the académie's channel brought stands instead of what the configuration file names: rules, categories, calendar.
//!
//! The file's own stay what a box begins with, and what it falls back to: where what was taken cannot be read any more, the
//! one taken before counts, then the file's. Whoever asks for the state is told.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow};

use super::{Config, named_files::Categories};
use crate::{
    lists,
    policy::{Policy, RuleFile, SchoolCalendar, category::Table},
    sync::in_force,
};

/// Rules files that make one policy, with where they lie.
type RuleFiles = Vec<(PathBuf, RuleFile)>;

/// What of the channel a configuration was made with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FromChannel {
    /// The number of the policy; none where the file's own rules are in force.
    pub policy: Option<u64>,
    /// Why something that was taken is not in force, if so.
    pub fault: Option<String>,
}

/// Reads a policy that was taken, and has the judge accept it with the categories of `table`.
///
/// # Errors
/// What is wrong, with the document and its line.
pub fn read_policy(taken: &in_force::Policy, table: Option<Table>) -> anyhow::Result<(Policy, RuleFiles)> {
    let mut files = RuleFiles::new();
    for (document, path) in taken.index.documents.iter().zip(&taken.documents) {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let file = RuleFile::parse(&text)
            .map_err(|fault| anyhow!("{} version {}: {fault}", document.place, document.version))?;
        files.push((path.clone(), file));
    }
    let policy = Policy::new(files.iter().map(|(_, file)| file.clone()).collect(), table)?;
    if let Some(path) = &taken.calendar {
        read_calendar(path)?;
    }
    Ok((policy, files))
}

fn read_calendar(path: &Path) -> anyhow::Result<SchoolCalendar> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    SchoolCalendar::parse(&text).map_err(|fault| anyhow!("the calendar, line {}: {}", fault.line, fault.what))
}

/// The table of the channel's lists, or else the one at `own`.
///
/// # Errors
/// When there is one and it cannot be read.
pub fn category_table(state_dir: &Path, own: Option<&Path>) -> anyhow::Result<Option<Table>> {
    let taken = in_force::categories_path(state_dir);
    let path = if taken.is_file() { Some(taken.as_path()) } else { own };
    path.map(lists::open).transpose()
}

impl Config {
    /// With what the channel brought in place of what the file names, and the ENT open to those who sign in.
    pub(super) fn with_channel(mut self) -> Self {
        let mut faults = Vec::new();
        if in_force::central_dir(&self.state_dir).is_dir() {
            let unfit = self.take_lists();
            self.take_policy(&mut faults);
            // Rules of the file that do not go with the channel's lists say nothing once rules of the channel are in force.
            faults.extend(unfit.filter(|_| self.from_channel.policy.is_none()));
        }
        if let Some(ent) = &self.ent {
            self.policy = self.policy.with_welcome(ent.sites.clone());
        }
        self.from_channel.fault = (!faults.is_empty()).then(|| faults.join("; "));
        self
    }

    /// The channel's categories, and the file's own rules judged by them; or why these do not go together.
    fn take_lists(&mut self) -> Option<String> {
        let path = in_force::categories_path(&self.state_dir);
        if !path.is_file() {
            return None;
        }
        let own = self.rule_files.iter().map(|(_, file)| file.clone()).collect();
        let taken = lists::open(&path).and_then(|table| Ok((Policy::new(own, Some(table.clone()))?, table)));
        match taken {
            Ok((policy, table)) => {
                self.policy = policy;
                self.categories = Some(Categories::of(&table, path));
                None
            }
            // Rules that name a category which the channel's lists lack keep the lists they were written for.
            Err(fault) => Some(format!("the lists of the channel: {fault:#}")),
        }
    }

    /// The newest policy of the channel that can be read and judged by.
    fn take_policy(&mut self, faults: &mut Vec<String>) {
        let numbers = in_force::numbers(&self.state_dir).unwrap_or_else(|fault| {
            faults.push(format!("{fault:#}"));
            Vec::new()
        });
        let table = category_table(&self.state_dir, self.categories.as_ref().map(|own| own.path.as_path()));
        let table = table.ok().flatten();
        let taken_path = in_force::categories_path(&self.state_dir);
        for number in numbers {
            let read = in_force::read_policy(&self.state_dir, number)
                .and_then(|taken| Ok((read_policy(&taken, table.clone())?, taken.calendar)));
            match read {
                Ok(((policy, files), calendar)) => {
                    self.policy = policy;
                    self.rule_files = files;
                    self.from_channel.policy = Some(number);
                    if let Some(table) = table.as_ref().filter(|_| taken_path.is_file()) {
                        self.categories = Some(Categories::of(table, taken_path));
                    }
                    if let Some(calendar) = calendar.and_then(|path| read_calendar(&path).ok()) {
                        self.terms.calendar = calendar;
                    }
                    return;
                }
                Err(fault) => faults.push(format!("policy {number} of the channel: {fault:#}")),
            }
        }
    }
}

impl Categories {
    /// Those of `table`, which lies at `path`.
    pub(super) fn of(table: &Table, path: PathBuf) -> Self {
        Self {
            path,
            list_date: Arc::clone(&table.description().date),
            categories: table.categories().len(),
            names: table.names_count(),
        }
    }
}
