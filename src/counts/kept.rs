//! Counts on disk: the day so far, and the days that wait to be told.

use std::{
    collections::HashMap,
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::{ToSpan as _, civil::Date};
use serde::{Deserialize, Serialize};

use super::day::NAMES_COUNTED_MAX;
use crate::{
    protocol::counts::{DayCounts, MACHINES_MIN, NAMES_MAX, Names, Persons, QUESTIONS_MAX, Questions},
    system::files,
};

/// A day that central did not take is kept for so many days.
const DAYS_KEPT: i64 = 21;

/// The longest file that is read back, in bytes.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// A day as it is kept while it lasts. Who has asked is not in it, only how many had: after a restart they are told apart
/// anew, and the greater of the two numbers stands, which is never too high.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// Whole days since 1970-01-01 UTC.
    pub(super) day: i64,
    pub(super) questions: Vec<Questions>,
    pub(super) persons: Vec<Persons>,
    pub(super) names: Vec<KeptName>,
}

/// A name with how often it was asked for and by how many machines, at most [`MACHINES_MIN`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptName {
    pub(super) who: String,
    pub(super) name: String,
    pub(super) asked: u64,
    pub(super) machines: usize,
}

impl Kept {
    pub(super) fn add_questions(&mut self, more: Questions) {
        let same = |one: &&mut Questions| {
            (&one.zone, &one.who, &one.ground, one.allowed)
                == (&more.zone, &more.who, &more.ground, more.allowed)
        };
        if let Some(one) = self.questions.iter_mut().find(same) {
            one.count = one.count.saturating_add(more.count);
        } else if self.questions.len() < QUESTIONS_MAX {
            self.questions.push(more);
        }
    }

    pub(super) fn add_persons(&mut self, more: Persons) {
        match self.persons.iter_mut().find(|one| (&one.zone, &one.who) == (&more.zone, &more.who)) {
            Some(one) => one.persons = one.persons.max(more.persons),
            None => self.persons.push(more),
        }
    }

    pub(super) fn add_names(&mut self, more: impl Iterator<Item = KeptName>) {
        let known = std::mem::take(&mut self.names);
        let mut names: HashMap<(String, String), (u64, usize)> = HashMap::with_capacity(known.len());
        for KeptName { who, name, asked, machines } in known.into_iter().chain(more) {
            let (all, most) = names.entry((who, name)).or_default();
            *all = all.saturating_add(asked);
            *most = machines.max(*most);
        }
        let kept = |((who, name), (asked, machines))| KeptName { who, name, asked, machines };
        self.names = names.into_iter().map(kept).collect();
        self.names.sort_by(|one, other| other.asked.cmp(&one.asked).then_with(|| one.name.cmp(&other.name)));
        self.names.truncate(NAMES_COUNTED_MAX);
    }

    /// What of it may leave the box.
    pub(super) fn told(&self, whole: bool) -> DayCounts {
        let mut names: Vec<Names> = Vec::new();
        let asked_by_many = self.names.iter().filter(|name| name.machines >= MACHINES_MIN);
        // The most asked for come first.
        for KeptName { who, name, asked, machines: _ } in asked_by_many.take(NAMES_MAX) {
            let pair = (name.clone(), *asked);
            match names.iter_mut().find(|of| of.who == *who) {
                Some(of) => of.names.push(pair),
                None => names.push(Names { who: who.clone(), names: vec![pair] }),
            }
        }
        let (questions, persons) = (self.questions.clone(), self.persons.clone());
        DayCounts { day: written(self.day), whole, questions, persons, names }
    }
}

/// The days that wait below one directory to be told.
#[derive(Clone, Debug)]
pub struct Waiting {
    dir: PathBuf,
}

impl Waiting {
    /// The days below `dir`, which is made where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn open(dir: PathBuf) -> anyhow::Result<Self> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .with_context(|| format!("cannot make `{}`", dir.display()))?;
        Ok(Self { dir })
    }

    /// The days that are over and wait to be told, the oldest first.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn days(&self) -> io::Result<Vec<String>> {
        let mut days = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let day = name.to_str().and_then(|name| name.strip_suffix(".json"));
            days.extend(day.filter(|day| day.parse::<Date>().is_ok()).map(str::to_owned));
        }
        days.sort();
        Ok(days)
    }

    /// What is to be told of `day`; none where it cannot be read, and the day is then gone.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn read(&self, day: &str) -> io::Result<Option<DayCounts>> {
        let bytes = read_bounded(&self.path(day))?;
        let counts = DayCounts::read(&bytes).ok();
        if counts.is_none() {
            self.forget(day)?;
        }
        Ok(counts)
    }

    /// Forgets a day that was told.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn forget(&self, day: &str) -> io::Result<()> {
        fs::remove_file(self.path(day))
    }

    /// Keeps a day that is over, and forgets those that waited for three weeks.
    pub(super) fn keep(&self, kept: &Kept) -> anyhow::Result<()> {
        let counts = kept.told(true);
        files::replace(&self.path(&counts.day), &serde_json::to_vec(&counts)?)?;
        let oldest = written(kept.day.saturating_sub(DAYS_KEPT));
        for day in self.days()?.into_iter().filter(|day| *day < oldest) {
            self.forget(&day)?;
        }
        Ok(())
    }

    /// Keeps the day so far.
    pub(super) fn keep_today(&self, kept: &Kept) -> anyhow::Result<()> {
        Ok(files::replace(&self.today_path(), &serde_json::to_vec(kept)?)?)
    }

    /// The day that was kept so far; none where there is none, or it cannot be read.
    pub(super) fn today(&self) -> Option<Kept> {
        serde_json::from_slice(&read_bounded(&self.today_path()).ok()?).ok()
    }

    fn today_path(&self) -> PathBuf {
        self.dir.join("today.json")
    }

    fn path(&self, day: &str) -> PathBuf {
        self.dir.join(format!("{day}.json"))
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let length = fs::metadata(path)?.len();
    if length > FILE_BYTES_MAX { Ok(Vec::new()) } else { fs::read(path) }
}

/// The day as it is told, such as `2026-11-22`.
fn written(day: i64) -> String {
    let epoch = Date::constant(1970, 1, 1);
    epoch.checked_add(day.days()).map_or_else(|_| "1970-01-01".to_owned(), |date| date.to_string())
}
