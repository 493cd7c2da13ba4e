//! What a share says otherwise than its school has, and whether that is likely to be meant.

use std::collections::{BTreeMap, BTreeSet};

use preau::{identity::register, protocol::delivery::Line};

use super::book::{Lines, Told};

/// What a delivery does, in persons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New ones.
    pub added: u64,
    /// Others than before.
    pub changed: u64,
    /// Not there any more.
    pub leaving: u64,
    /// As before.
    pub unchanged: u64,
}

impl Counts {
    /// Whether it does anything.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self.added + self.changed + self.leaving == 0
    }

    /// Who is there afterwards.
    #[must_use]
    pub fn persons(self) -> u64 {
        self.added + self.changed + self.unchanged
    }
}

/// Why a share waits for somebody's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Whoever brought the feed wants to see first.
    Asked,
    /// More persons leave than is usual outside summer.
    Leaving,
    /// More than half of the persons of this role leave: a file is probably missing. The word of the role.
    Role(String),
}

impl Why {
    /// As it is kept.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Asked => "asked".to_owned(),
            Self::Leaving => "leaving".to_owned(),
            Self::Role(role) => format!("role:{role}"),
        }
    }

    /// The one of that word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        match word {
            "asked" => Some(Self::Asked),
            "leaving" => Some(Self::Leaving),
            _ => word.strip_prefix("role:").map(|role| Self::Role(role.to_owned())),
        }
    }

    /// Whether the guard holds it, and not whoever brought it.
    #[must_use]
    pub fn is_guard(&self) -> bool {
        *self != Self::Asked
    }
}

/// The share, and those of `before` whose record could not be read this time: they are not gone for that.
pub(super) fn with_unclear(mut share: Lines, before: &Lines, unclear: &BTreeSet<String>) -> Lines {
    for (id, told) in before.iter().filter(|(id, _)| unclear.contains(*id)) {
        share.entry(id.clone()).or_insert_with(|| told.clone());
    }
    share
}

/// What `after` says otherwise than `before`.
pub(super) fn counts(before: &Lines, after: &Lines) -> Counts {
    let mut counts = Counts::default();
    for (id, told) in after {
        match before.get(id) {
            None => counts.added += 1,
            Some(known) if known == told => counts.unchanged += 1,
            Some(_) => counts.changed += 1,
        }
    }
    counts.leaving = leaving(before, after).map(|_| 1).sum();
    counts
}

/// The lines that make `after` of `before`.
pub(super) fn changes(before: &Lines, after: &Lines) -> anyhow::Result<Vec<String>> {
    let changed = after.iter().filter(|(id, told)| before.get(*id) != Some(told));
    let mut lines: Vec<String> = changed.map(|(_, told)| told.line.clone()).collect();
    for (id, _) in leaving(before, after) {
        lines.push(Line::Leaves(id.clone()).text()?);
    }
    Ok(lines)
}

/// Whether more would leave than is usual: by the rule that boxes hold deliveries by.
pub(super) fn guard(before: &Lines, after: &Lines, is_summer: bool) -> Option<Why> {
    let mut roles: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for (id, told) in before {
        let (gone, all) = roles.entry(told.role.as_str()).or_default();
        *gone += u64::from(!after.contains_key(id));
        *all += 1;
    }
    let roles = roles.into_iter().map(|(role, (gone, all))| (role, gone, all));
    register::too_many_leave(roles, is_summer).map(|why| match why {
        register::Why::Role(role, ..) => Why::Role(role.word().to_owned()),
        _ => Why::Leaving,
    })
}

fn leaving<'a>(before: &'a Lines, after: &'a Lines) -> impl Iterator<Item = (&'a String, &'a Told)> {
    before.iter().filter(|(id, _)| !after.contains_key(*id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pupils: std::ops::Range<u32>, teachers: std::ops::Range<u32>) -> Lines {
        let told = |role: &str| Told { role: role.to_owned(), line: role.to_owned() };
        let pupils = pupils.map(|number| (format!("P{number}"), told("eleve")));
        pupils.chain(teachers.map(|number| (format!("T{number}"), told("enseignant")))).collect()
    }

    #[test]
    fn a_missing_file_of_teachers_is_held_although_they_are_few() {
        let before = lines(0..600, 0..40);
        assert_eq!(guard(&before, &lines(0..600, 0..0), false), Some(Why::Role("enseignant".to_owned())));
        assert_eq!(guard(&before, &lines(0..600, 0..0), true), Some(Why::Role("enseignant".to_owned())));
        assert_eq!(guard(&before, &lines(0..500, 0..40), false), Some(Why::Leaving));
        assert_eq!(guard(&before, &lines(0..500, 0..40), true), None, "a class leaves each summer");
        assert_eq!(guard(&before, &lines(5..605, 0..40), false), None);
    }

    #[test]
    fn what_changes_makes_the_one_of_the_other() {
        let (before, mut after) = (lines(0..3, 0..0), lines(1..4, 0..0));
        after.get_mut("P2").unwrap().line = "other".to_owned();
        assert_eq!(counts(&before, &after), Counts { added: 1, changed: 1, leaving: 1, unchanged: 1 });
        assert_eq!(changes(&before, &after).unwrap(), ["other", "eleve", r#"{"leaves":"P0"}"#]);
        let unclear = BTreeSet::from(["P0".to_owned(), "P9".to_owned()]);
        assert_eq!(counts(&before, &with_unclear(after, &before, &unclear)).leaving, 0);
    }

    #[test]
    fn why_is_read_as_it_was_written() {
        for why in [Why::Asked, Why::Leaving, Why::Role("eleve".to_owned())] {
            assert_eq!(Why::read(&why.word()), Some(why));
        }
    }
}
