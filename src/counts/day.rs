//! One day, counted in memory, within bounds whatever is asked.

use std::{
    collections::{HashMap, HashSet},
    mem,
    sync::Arc,
};

use super::{
    counting::Asked,
    ground::Ground,
    kept::{Kept, KeptName},
};
use crate::{
    model::{Domain, Moment, Site, ZoneKind},
    protocol::counts::{MACHINES_MIN, Persons, QUESTIONS_MAX, Questions, Who},
};

/// Names that are counted in one day: beyond it those that were asked for once are forgotten, and if that does not help, names
/// that were not asked for before are left out. Some five megabytes.
pub(super) const NAMES_COUNTED_MAX: usize = 50_000;

/// Questions remembered within a quarter of an hour: beyond it some are counted twice.
const RECENT_MAX: usize = 100_000;

/// Askers told apart in one zone: beyond it they are not counted. No school has as many.
const ASKERS_MAX: usize = 20_000;

/// How long one machine's questions of one site are one.
const SLOT_SECONDS: i64 = 900;

pub(super) const DAY_SECONDS: i64 = 86_400;

/// A day.
#[derive(Debug, Default)]
pub(super) struct Day {
    /// Whole days since 1970-01-01 UTC.
    pub(super) number: i64,
    /// What was counted of it before the process started.
    before: Arc<Kept>,
    questions: HashMap<Key, u64>,
    askers: HashMap<(ZoneKind, Who), HashSet<u64>>,
    names: HashMap<(Who, Domain), Name>,
    are_names_full: bool,
    slot: i64,
    recent: HashSet<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    zone: ZoneKind,
    who: Who,
    ground: Ground,
    allowed: bool,
}

/// How often a name was asked for, and by which machines, as far as that matters.
#[derive(Debug, Default)]
struct Name {
    asked: u64,
    machines: Vec<u32>,
}

/// What there was of a day at one moment.
#[derive(Debug)]
pub(super) struct Copied {
    number: i64,
    before: Arc<Kept>,
    questions: Vec<(Key, u64)>,
    askers: Vec<((ZoneKind, Who), usize)>,
    names: Vec<(Who, Domain, u64, usize)>,
}

/// The day of a moment.
pub(super) fn day_of(at: Moment) -> i64 {
    at.unix_seconds().div_euclid(DAY_SECONDS)
}

impl Day {
    /// The day `number`, of which `before` was counted already.
    pub(super) fn new(number: i64, before: Kept) -> Self {
        Self { number, before: Arc::new(before), ..Self::default() }
    }

    /// Whether nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.questions.is_empty() && self.before.questions.is_empty()
    }

    /// Counts a question for `site` with its answer; `mark` is the same for the same machine, site and answer.
    pub(super) fn count(
        &mut self,
        at: Moment,
        asked: &Asked,
        site: &Site,
        (ground, allowed): (Ground, bool),
        mark: u64,
    ) {
        let slot = at.unix_seconds().div_euclid(SLOT_SECONDS);
        if self.slot != slot || self.recent.len() >= RECENT_MAX {
            self.slot = slot;
            self.recent.clear();
        }
        if !self.recent.insert(mark) {
            return;
        }
        let Asked { zone, who, asker, machine } = *asked;
        let askers = self.askers.entry((zone, who)).or_default();
        if askers.len() < ASKERS_MAX {
            askers.insert(asker);
        }
        let key = Key { zone, who, ground, allowed };
        if self.questions.len() < QUESTIONS_MAX || self.questions.contains_key(&key) {
            *self.questions.entry(key).or_default() += 1;
        }
        if let Site::Name(name) = site {
            self.count_name((who, name.clone()), machine);
        }
    }

    fn count_name(&mut self, key: (Who, Domain), machine: Option<u32>) {
        if self.names.len() >= NAMES_COUNTED_MAX && !self.names.contains_key(&key) {
            if !mem::replace(&mut self.are_names_full, true) {
                self.names.retain(|_, name| name.asked > 1);
                // Room that is soon full again is not made twice.
                self.are_names_full = self.names.len() > NAMES_COUNTED_MAX / 2;
            }
            if self.names.len() >= NAMES_COUNTED_MAX {
                return;
            }
        }
        let name = self.names.entry(key).or_default();
        name.asked += 1;
        if let Some(machine) = machine.filter(|machine| !name.machines.contains(machine))
            && name.machines.len() < MACHINES_MIN
        {
            name.machines.push(machine);
        }
    }

    /// What there is of it: copied at once, so that nobody waits for what is then made of it.
    pub(super) fn copied(&self) -> Copied {
        let questions = self.questions.iter().map(|(key, count)| (key.clone(), *count)).collect();
        let askers = self.askers.iter().map(|(who, askers)| (*who, askers.len())).collect();
        let name = |((who, name), Name { asked, machines }): (&(Who, Domain), &Name)| {
            (*who, name.clone(), *asked, machines.len())
        };
        let names = self.names.iter().map(name).collect();
        Copied { number: self.number, before: Arc::clone(&self.before), questions, askers, names }
    }
}

impl Copied {
    /// All of the day, with what was counted before the process started.
    pub(super) fn kept(&self) -> Kept {
        let mut kept = Kept { day: self.number, ..Kept::clone(&self.before) };
        for (Key { zone, who, ground, allowed }, count) in &self.questions {
            let (zone, who) = (zone.word().to_owned(), who.word().to_owned());
            kept.add_questions(Questions {
                zone,
                who,
                ground: ground.word(),
                allowed: *allowed,
                count: *count,
            });
        }
        for ((zone, who), askers) in &self.askers {
            let persons = u64::try_from(*askers).unwrap_or(u64::MAX);
            let (zone, who) = (zone.word().to_owned(), who.word().to_owned());
            kept.add_persons(Persons { zone, who, persons });
        }
        let names = self.names.iter().map(|(who, name, asked, machines)| KeptName {
            who: who.word().to_owned(),
            name: name.as_str().to_owned(),
            asked: *asked,
            machines: *machines,
        });
        kept.add_names(names);
        kept
    }
}
