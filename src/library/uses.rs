//! How often each package is used: a number a day. Who used it is not known here, and no hour is kept.
//!
//! ```text
//! 2026-11-22 vikidia 123      the day in Europe/Paris, the package, pages and files that were opened
//! ```

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{model::Moment, protocol::content::is_id, system::files};

/// Days that are kept: a school year, and the same month of the year before.
const DAYS_MAX: usize = 400;

/// The longest file that is read, in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// The uses of one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The package.
    pub id: String,
    /// In the last seven days, today among them.
    pub week: u64,
    /// In all days that are kept.
    pub all: u64,
}

/// Counts uses.
#[derive(Debug)]
pub(super) struct Uses {
    path: PathBuf,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    days: BTreeMap<Date, BTreeMap<String, u64>>,
    unwritten: bool,
}

impl Uses {
    /// What was counted before; a file that cannot be read is as none, for nothing hangs on it.
    pub(super) fn open(dir: &Path) -> Self {
        let path = dir.join("uses");
        let fits = fs::metadata(&path).is_ok_and(|found| found.len() <= BYTES_MAX);
        let text = if fits { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        let mut days = BTreeMap::<_, BTreeMap<_, _>>::new();
        for line in text.lines() {
            let mut words = line.split(' ');
            let (Some(day), Some(id), Some(count)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            if let (Ok(day), Ok(count), true) = (day.parse(), count.parse(), is_id(id)) {
                days.entry(day).or_default().insert(id.to_owned(), count);
            }
        }
        Self { path, counted: Mutex::new(Counted { days, unwritten: false }) }
    }

    /// Counts one use of the package, which is on the shelf.
    pub(super) fn count(&self, id: &str, now: Moment) {
        let Some(day) = day_of(now) else { return };
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let of_day = counted.days.entry(day).or_default();
        *of_day.entry(id.to_owned()).or_default() += 1;
        counted.unwritten = true;
        while counted.days.len() > DAYS_MAX {
            counted.days.pop_first();
        }
    }

    /// The uses of every package that was used, the most used of the week first.
    pub(super) fn all(&self, now: Moment) -> Vec<Use> {
        let week = day_of(now).and_then(|day| day.checked_sub(jiff::Span::new().days(6)).ok());
        let counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut uses = BTreeMap::<&str, (u64, u64)>::new();
        for (day, packages) in &counted.days {
            for (id, count) in packages {
                let (of_week, all) = uses.entry(id).or_default();
                *all += count;
                if week.is_some_and(|first| *day >= first) {
                    *of_week += count;
                }
            }
        }
        let mut uses: Vec<_> =
            uses.into_iter().map(|(id, (week, all))| Use { id: id.to_owned(), week, all }).collect();
        uses.sort_by_key(|uses| Reverse((uses.week, uses.all)));
        uses
    }

    /// Writes down what was counted since the last time.
    pub(super) fn note(&self) -> std::io::Result<()> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if !counted.unwritten {
            return Ok(());
        }
        let lines = counted.days.iter().flat_map(|(day, packages)| {
            packages.iter().map(move |(id, count)| format!("{day} {id} {count}\n"))
        });
        files::replace(&self.path, lines.collect::<String>().as_bytes())?;
        counted.unwritten = false;
        Ok(())
    }
}

/// The day in Europe/Paris.
fn day_of(now: Moment) -> Option<Date> {
    let paris = TimeZone::get("Europe/Paris").ok()?;
    Some(Timestamp::from_millisecond(now.unix_milliseconds()).ok()?.to_zoned(paris).date())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_kept_are_days_and_numbers_and_they_outlive_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let now: Moment = Moment::from_unix_milliseconds(1_795_351_564_000);
        let uses = Uses::open(dir.path());
        let long_ago = now - Duration::from_secs(20 * 86_400);
        for (id, at) in
            [("vikidia", now), ("vikidia", now), ("atlas", now), ("atlas", long_ago), ("atlas", long_ago)]
        {
            uses.count(id, at);
        }
        uses.note().unwrap();
        let text = fs::read_to_string(dir.path().join("uses")).unwrap();
        assert_eq!(text, "2026-11-02 atlas 2\n2026-11-22 atlas 1\n2026-11-22 vikidia 2\n");
        let told = Uses::open(dir.path()).all(now);
        let expected = [("vikidia", 2, 2), ("atlas", 1, 3)];
        assert_eq!(told, expected.map(|(id, week, all)| Use { id: id.to_owned(), week, all }));
    }

    #[test]
    fn more_days_than_are_kept_push_out_the_oldest() {
        let dir = tempfile::tempdir().unwrap();
        let uses = Uses::open(dir.path());
        for day in 0..500 {
            uses.count("atlas", Moment::from_unix_milliseconds(1_700_000_000_000 + day * 86_400_000));
        }
        assert_eq!(uses.counted.lock().unwrap().days.len(), DAYS_MAX);
    }
}
