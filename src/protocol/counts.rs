//! What a school asked for on one day, counted: `POST /v1/counts`, once a day and when central orders it.
//!
//! No person and no machine is in it. A *question* is counted once in a quarter of an hour for a machine, a site and an answer,
//! however many of them a browser makes of one page. A name leaves the box only where at least [`MACHINES_MIN`] machines asked
//! for it that day. What is told of a day replaces what was told of it before, so that telling it twice is telling it once.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{DeviceKind, Domain, Role, ZoneKind};

/// Where it goes.
pub const COUNTS_PATH: &str = "/v1/counts";

/// The longest body, in bytes: [`NAMES_MAX`] names of a hundred bytes.
pub const BYTES_MAX: usize = 2 << 20;

/// Counts of questions in one day: more are no counts but a list.
pub const QUESTIONS_MAX: usize = 1000;

/// Names in one day, the most asked for.
pub const NAMES_MAX: usize = 20_000;

/// A name that fewer machines asked for is not told.
pub const MACHINES_MIN: usize = 5;

/// The longest word for what a decision rests on, in bytes.
pub const GROUND_BYTES_MAX: usize = 100;

/// More of anything is no count of one day in one school.
const COUNT_MAX: u64 = 1_000_000_000;

/// One day of a school.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayCounts {
    /// The day in UTC, such as `2026-11-22`: no French school day crosses its border.
    pub day: String,
    /// Whether the day is over.
    pub whole: bool,
    /// Questions by zone, asker, ground and answer.
    pub questions: Vec<Questions>,
    /// How many asked at all, by zone and asker.
    pub persons: Vec<Persons>,
    /// The names most asked for, by asker.
    pub names: Vec<Names>,
}

/// Questions that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Questions {
    /// The kind of zone: `pedagogique`, `administration`, `invites`, `equipements`.
    pub zone: String,
    /// Who asked, see [`Who`].
    pub who: String,
    /// What the answer rests on: `category:games`, `rule:academie/jeux`, `rule:etablissement`, `default`, ….
    pub ground: String,
    /// Whether they were allowed.
    pub allowed: bool,
    /// How many.
    pub count: u64,
}

/// How many different persons, or machines where nobody signs in, asked for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Persons {
    /// The kind of zone.
    pub zone: String,
    /// Who, see [`Who`].
    pub who: String,
    /// How many; at least so many where the box was started anew within the day.
    pub persons: u64,
}

/// Names that those of one kind asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Who, see [`Who`].
    pub who: String,
    /// Each name with how often.
    pub names: Vec<(String, u64)>,
}

/// Who asks, as far as counts tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Somebody signed in, by what they are to the school.
    Person(Role),
    /// A registered machine, by its kind.
    Machine(DeviceKind),
    /// Nobody had signed in.
    Nobody,
}

/// Why what came is no day of a school.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CountsFault {
    /// It is not of that form.
    #[error("it is not of the form of counts: {0}")]
    Form(String),
    /// There is more of it than a school can have.
    #[error("there are more {0} than a day can have")]
    TooMany(&'static str),
    /// A word that none of the lists of words has.
    #[error("`{0}` is no {1}")]
    Word(String, &'static str),
}

impl Who {
    const NOBODY: &'static str = "nobody";

    /// Every kind of asker.
    pub fn all() -> impl Iterator<Item = Self> {
        let persons = Role::ALL.into_iter().map(Self::Person);
        persons.chain(DeviceKind::ALL.into_iter().map(Self::Machine)).chain([Self::Nobody])
    }

    /// Its word: that of the role (`eleve`), that of the kind of machine (`tableau`), or `nobody`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Person(role) => role.word(),
            Self::Machine(kind) => kind.word(),
            Self::Nobody => Self::NOBODY,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Who {
    type Err = CountsFault;

    fn from_str(text: &str) -> Result<Self, CountsFault> {
        Self::all().find(|who| who.word() == text).ok_or_else(|| word(text, "kind of asker"))
    }
}

impl DayCounts {
    /// Reads what a box sends, and holds it to the bounds and the lists of words.
    ///
    /// # Errors
    /// See [`CountsFault`].
    pub fn read(bytes: &[u8]) -> Result<Self, CountsFault> {
        let counts: Self =
            serde_json::from_slice(bytes).map_err(|error| CountsFault::Form(error.to_string()))?;
        counts.check()?;
        Ok(counts)
    }

    fn check(&self) -> Result<(), CountsFault> {
        let Self { day, whole: _, questions, persons, names } = self;
        is_day(day)?;
        at_most(questions.len(), QUESTIONS_MAX, "counts")?;
        at_most(persons.len(), QUESTIONS_MAX, "kinds of askers")?;
        at_most(names.len(), Who::all().count(), "kinds of askers with names")?;
        at_most(names.iter().map(|of| of.names.len()).sum(), NAMES_MAX, "names")?;
        for Questions { zone, who, ground, allowed: _, count } in questions {
            is_zone(zone)?;
            who.parse::<Who>()?;
            is_ground(ground)?;
            is_count(*count)?;
        }
        for Persons { zone, who, persons } in persons {
            is_zone(zone)?;
            who.parse::<Who>()?;
            is_count(*persons)?;
        }
        for Names { who, names } in names {
            who.parse::<Who>()?;
            for (name, count) in names {
                name.parse::<Domain>().map_err(|_| word(name, "name of a site"))?;
                is_count(*count)?;
            }
        }
        Ok(())
    }
}

/// Four digits, two, two: what calendars make of it is for whoever keeps it.
fn is_day(day: &str) -> Result<(), CountsFault> {
    let fits = day.len() == 10
        && day.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if fits { Ok(()) } else { Err(word(day, "day")) }
}

fn is_zone(zone: &str) -> Result<(), CountsFault> {
    zone.parse::<ZoneKind>().map(drop).map_err(|_| word(zone, "kind of zone"))
}

fn is_ground(ground: &str) -> Result<(), CountsFault> {
    let fits = (1..=GROUND_BYTES_MAX).contains(&ground.len()) && !ground.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(word(ground, "ground of a decision")) }
}

fn is_count(count: u64) -> Result<(), CountsFault> {
    if count <= COUNT_MAX { Ok(()) } else { Err(CountsFault::TooMany("questions")) }
}

fn at_most(length: usize, most: usize, what: &'static str) -> Result<(), CountsFault> {
    if length <= most { Ok(()) } else { Err(CountsFault::TooMany(what)) }
}

/// A word of somebody else's, as far as it fits a message.
fn word(text: &str, of: &'static str) -> CountsFault {
    CountsFault::Word(text.chars().filter(|one| !one.is_control()).take(40).collect(), of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day() -> DayCounts {
        let (zone, who) = (String::from("pedagogique"), String::from("eleve"));
        let questions = Questions {
            zone: zone.clone(),
            who: who.clone(),
            ground: "category:games".into(),
            allowed: false,
            count: 12,
        };
        DayCounts {
            day: "2026-11-22".into(),
            whole: true,
            questions: vec![questions],
            persons: vec![Persons { zone, who: who.clone(), persons: 400 }],
            names: vec![Names { who, names: vec![("fr.exemple".into(), 31)] }],
        }
    }

    #[test]
    fn a_day_is_read_as_it_was_written() {
        let bytes = serde_json::to_vec(&day()).unwrap();
        assert_eq!(DayCounts::read(&bytes), Ok(day()));
        for end in 0..bytes.len() {
            assert!(DayCounts::read(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn what_is_no_word_of_the_lists_is_refused_with_the_word() {
        let check = |change: fn(&mut DayCounts), expected: &str| {
            let mut day = day();
            change(&mut day);
            let refused = DayCounts::read(&serde_json::to_vec(&day).unwrap()).unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused}");
        };
        check(|day| day.day = "22/11/2026".into(), "22/11/2026");
        check(|day| day.questions[0].zone = "cour".into(), "`cour` is no kind of zone");
        check(|day| day.questions[0].who = "alix".into(), "`alix` is no kind of asker");
        check(|day| day.questions[0].ground = String::new(), "ground");
        check(|day| day.questions[0].count = u64::MAX, "questions");
        check(|day| day.persons[0].who = "alix".into(), "alix");
        check(|day| day.names[0].names[0].0 = "192.0.2.1".into(), "192.0.2.1");
        check(|day| day.names[0].names = vec![("x.example".into(), 1); NAMES_MAX + 1], "names");
    }

    #[test]
    fn every_asker_has_a_word_of_its_own() {
        for who in Who::all() {
            assert_eq!(who.word().parse(), Ok(who));
        }
    }
}
