//! What may be shown of what was counted.
//!
//! **No fewer than ten persons by themselves.** A day, week or month in which fewer asked is left out of everything. A group
//! of fewer is shown together with others only, and with so many of them that their sum is of ten persons as well: else what
//! is missing from the whole would say it. A ground with fewer than ten questions is shown together with the other ones.

use std::collections::BTreeMap;

use preau::protocol::counts::Who;

use super::read::Counted;

/// The fewest persons of whom something is shown.
pub const PERSONS_MIN: u64 = 10;

/// The fewest questions that are shown of a ground.
const QUESTIONS_MIN: u64 = 10;

/// The word for registered machines of every kind.
const MACHINES: &str = "machines";

/// What may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// By day, week or month; all of them, the earliest first.
    pub periods: Vec<Period>,
    /// By who asked; nobody who could be told apart.
    pub groups: Vec<Group>,
    /// By what the answers rest on, the most refused first.
    pub grounds: Vec<GroundCount>,
}

/// A day, a week or a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first day.
    pub start: i64,
    /// What was answered in it.
    pub answered: Answered,
}

/// What was answered in a day, a week or a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// Nothing was counted.
    Nothing,
    /// Too few persons asked to be shown.
    TooFew,
    /// Questions allowed and refused.
    Questions {
        /// Allowed.
        allowed: u64,
        /// Refused.
        refused: u64,
    },
}

/// Askers of one kind, or of several that are too few by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Who: the words of roles, `machines`, `nobody`.
    pub who: Vec<String>,
    /// How many there were at least on the fullest day.
    pub persons: u64,
    /// Questions allowed.
    pub allowed: u64,
    /// Questions refused.
    pub refused: u64,
}

/// What answers rest on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroundCount {
    /// Its word; none for those of a few questions together.
    pub ground: Option<String>,
    /// Questions allowed.
    pub allowed: u64,
    /// Questions refused.
    pub refused: u64,
}

impl Shown {
    /// What may be shown of `counted`.
    #[must_use]
    pub fn of(counted: &Counted) -> Self {
        let is_shown = |start: i64| persons(counted, |at| at == start) >= PERSONS_MIN;
        let starts: Vec<i64> = counted.starts.iter().copied().filter(|start| is_shown(*start)).collect();
        let mut by_start: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        let mut by_ground: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for ((start, _, ground, allowed), count) in &counted.questions {
            if starts.contains(start) {
                add(by_start.entry(*start).or_default(), *allowed, *count);
                add(by_ground.entry(ground).or_default(), *allowed, *count);
            }
        }
        let is_counted = |start: i64| counted.questions.keys().any(|(of, ..)| *of == start);
        let period = |start: &i64| {
            let answered = match by_start.get(start) {
                Some((allowed, refused)) => Answered::Questions { allowed: *allowed, refused: *refused },
                None if is_counted(*start) => Answered::TooFew,
                None => Answered::Nothing,
            };
            Period { start: *start, answered }
        };
        Self {
            periods: counted.starts.iter().map(period).collect(),
            groups: groups(counted, &starts),
            grounds: grounds(by_ground),
        }
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }
}

fn add((allowed, refused): &mut (u64, u64), is_allowed: bool, count: u64) {
    let of = if is_allowed { allowed } else { refused };
    *of = of.saturating_add(count);
}

/// The kind of asker as it is shown.
fn shown(who: &str) -> &str {
    match who.parse() {
        Ok(Who::Machine(_)) => MACHINES,
        Ok(Who::Person(_) | Who::Nobody) | Err(_) => who,
    }
}

/// How many persons there were at least: whoever signed in was somebody's machine before that, so these do not add up.
fn persons(counted: &Counted, at: impl Fn(i64) -> bool) -> u64 {
    let mut by_who: BTreeMap<&str, u64> = BTreeMap::new();
    for ((_, who), persons) in counted.persons.iter().filter(|((start, _), _)| at(*start)) {
        let of_who = by_who.entry(who).or_default();
        *of_who = (*of_who).max(*persons);
    }
    together(by_who.into_iter())
}

/// How many persons groups are together, at least.
fn together<'a>(groups: impl Iterator<Item = (&'a str, u64)>) -> u64 {
    let (mut signed_in, mut others) = (0_u64, 0_u64);
    for (who, persons) in groups {
        match who.parse() {
            Ok(Who::Person(_)) => signed_in = signed_in.saturating_add(persons),
            Ok(Who::Machine(_) | Who::Nobody) | Err(_) => others = others.max(persons),
        }
    }
    signed_in.max(others)
}

fn groups(counted: &Counted, starts: &[i64]) -> Vec<Group> {
    let mut all: BTreeMap<&str, Group> = BTreeMap::new();
    for who in counted.askers() {
        let of_who =
            counted.questions.iter().filter(|((start, of, ..), _)| of == who && starts.contains(start));
        let mut answered = (0, 0);
        of_who.for_each(|((.., allowed), count)| add(&mut answered, *allowed, *count));
        let days = counted.persons.iter().filter(|((start, of), _)| of == who && starts.contains(start));
        let persons = days.map(|(_, persons)| *persons).max().unwrap_or(0);
        let group = all.entry(shown(who)).or_insert_with(|| Group {
            who: vec![shown(who).to_owned()],
            persons: 0,
            allowed: 0,
            refused: 0,
        });
        group.persons = group.persons.saturating_add(persons);
        group.allowed = group.allowed.saturating_add(answered.0);
        group.refused = group.refused.saturating_add(answered.1);
    }
    let mut all: Vec<Group> = all.into_values().filter(|group| group.allowed + group.refused > 0).collect();
    all.sort_by_key(|group| std::cmp::Reverse(group.persons));
    let mut few = all.split_off(all.partition_point(|group| group.persons >= PERSONS_MIN));
    let of_few = |few: &[Group]| together(few.iter().map(|group| (group.who[0].as_str(), group.persons)));
    while !few.is_empty() && of_few(&few) < PERSONS_MIN {
        // The smallest of the others keeps them company.
        let Some(next) = all.pop() else { return Vec::new() };
        few.insert(0, next);
    }
    if !few.is_empty() {
        all.push(Group {
            persons: of_few(&few),
            allowed: few.iter().map(|group| group.allowed).sum(),
            refused: few.iter().map(|group| group.refused).sum(),
            who: few.into_iter().flat_map(|group| group.who).collect(),
        });
    }
    all
}

fn grounds(by_ground: BTreeMap<&str, (u64, u64)>) -> Vec<GroundCount> {
    let (mut shown, mut few) = (Vec::new(), (0_u64, 0_u64));
    for (ground, (allowed, refused)) in by_ground {
        if allowed.saturating_add(refused) >= QUESTIONS_MIN {
            shown.push(GroundCount { ground: Some(ground.to_owned()), allowed, refused });
        } else {
            few = (few.0 + allowed, few.1 + refused);
        }
    }
    shown.sort_by_key(|count| std::cmp::Reverse((count.refused, count.allowed)));
    if few != (0, 0) {
        shown.push(GroundCount { ground: None, allowed: few.0, refused: few.1 });
    }
    shown
}
