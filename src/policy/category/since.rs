//! Since when a name is listed: each keeps the day it first stood in the same categories.

use super::{
    day::ListDay,
    entries::Entry,
    hash::text_hash,
    line::{Key, Lines},
    names::Names,
    set::CategorySet,
    table::Table,
};

/// The day of a table, and the one before it.
#[derive(Clone, Copy, Debug)]
pub struct Since<'a> {
    /// What is listed for the first time is listed since this day.
    pub today: ListDay,
    /// What stands there in categories of the same names keeps its day. With the table's own seed this costs one walk;
    /// with another one every name is hashed again.
    pub previous: Option<(&'a Table, &'a Names)>,
}

impl Since<'_> {
    /// The first table there is: everything is listed since `today`.
    #[must_use]
    pub fn first(today: ListDay) -> Self {
        Self { today, previous: None }
    }
}

/// An entry of the previous table.
type Known = (Key, u16, ListDay);

/// The day of each of `entries`, which are joined and sorted. `number_of` gives a category's number by its name.
pub(super) fn days(
    entries: &[Entry],
    sets: &[CategorySet],
    (seed, lines): (u64, Lines),
    since: &Since<'_>,
    number_of: impl Fn(&str) -> Option<super::CategoryId>,
) -> Vec<ListDay> {
    let Some((table, names)) = since.previous else {
        return vec![since.today; entries.len()];
    };
    let translate = |set: &CategorySet| {
        let mut translated = CategorySet::EMPTY;
        for id in set.iter() {
            translated.insert(number_of(&table.category_name(id))?);
        }
        Some(translated)
    };
    let known_sets: Vec<_> = table.sets().iter().map(translate).collect();
    let is_same = |known: u16, set: u16| {
        known_sets.get(usize::from(known)) == sets.get(usize::from(set)).copied().map(Some).as_ref()
    };
    if table.seed() == seed {
        let known = table.keys().zip(names.days()).map(|((key, set), day)| (key, set, day));
        merge(entries, known, table.lines(), since.today, is_same)
    } else {
        let rehashed = table
            .keys()
            .zip(names.all())
            .filter_map(|((_, set), (text, day))| Some((lines.key(text_hash(text?, seed)?), set, day)));
        let mut known: Vec<Known> = rehashed.collect();
        known.sort_unstable_by_key(|(key, ..)| *key);
        merge(entries, known.into_iter(), lines, since.today, is_same)
    }
}

/// Walks two sorted rows at once, the known one with the keys of a table of so many lines.
fn merge(
    entries: &[Entry],
    known: impl Iterator<Item = Known>,
    lines: Lines,
    today: ListDay,
    is_same: impl Fn(u16, u16) -> bool,
) -> Vec<ListDay> {
    let mut known = known.peekable();
    let day_of = |entry: &Entry| {
        let sought = lines.key(entry.hash);
        while known.next_if(|(key, ..)| *key < sought).is_some() {}
        let (_, _, day) =
            known.peek().filter(|(key, set, _)| *key == sought && is_same(*set, entry.category))?;
        Some(*day)
    };
    entries.iter().map(day_of).map(|day| day.unwrap_or(today)).collect()
}
