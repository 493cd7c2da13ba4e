//! Everything that waves and compositions go by, read from the database at once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use preau::model::{Moment, Uai};

use super::{
    calendar::calendar,
    given::{self, Content, Given},
    register::Register,
    releases::{self, Release},
    stride,
    wanted::Wanted,
    waves::{Known, Reached, Scene},
};
use crate::{database::Database, fleet::observed, words::Place};

/// How many numbers a box may be ahead: one that says more says nothing that ever was, and counts for nothing.
const AHEAD_MAX: u64 = 1_000_000;

/// How long after a school was given something it is given the same again because its box says a later number: whatever a
/// box says, it costs no more than that.
const GIVEN_AGAIN_AFTER: Duration = Duration::from_secs(600);

/// The fleet as it stands.
#[derive(Debug)]
pub(super) struct Fleet {
    pub(super) register: Register,
    pub(super) wanted: Wanted,
    pub(super) calendar: u64,
    pub(super) given: HashMap<Uai, Given>,
    pub(super) troubles: HashMap<Uai, (Content, String, Moment)>,
    pub(super) known: HashMap<Uai, Known>,
}

/// A release with the schools it is about.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) release: Release,
    /// All schools it is for.
    pub(super) scope: BTreeSet<Uai>,
    /// Those it has reached.
    pub(super) reached: BTreeMap<Uai, Reached>,
    named: BTreeMap<Place, BTreeSet<Uai>>,
}

impl Course {
    /// All that decides what it does next.
    pub(super) fn scene<'a>(&'a self, known: &'a HashMap<Uai, Known>, now: Moment) -> Scene<'a> {
        let Release { id, undoes, plan, state, stage, since, forgiven, .. } = &self.release;
        Scene {
            release: *id,
            undoes: undoes.is_some(),
            plan,
            state: *state,
            stage: *stage,
            since: *since,
            forgiven: *forgiven,
            scope: &self.scope,
            named: &self.named,
            reached: &self.reached,
            known,
            now,
        }
    }
}

impl Fleet {
    /// Reads it.
    pub(super) async fn read(database: &Database) -> anyhow::Result<Self> {
        let register = Register::read(database).await?;
        let calendar = calendar(database).await?.map_or(0, |calendar| calendar.number);
        let mut fleet = Self {
            register,
            wanted: Wanted::read(database).await?,
            calendar,
            given: given::all(database).await?,
            troubles: given::troubles(database).await?,
            known: HashMap::new(),
        };
        let mut seen: HashMap<_, _> = observed::all(database)
            .await?
            .into_iter()
            .map(|seen| (seen.school.clone(), (seen.at, seen.silent, seen.report)))
            .collect();
        fleet.known = fleet
            .register
            .schools()
            .map(|(school, above)| {
                let content = fleet.content_of(school, above);
                let given = fleet.given.get(school);
                let known = Known {
                    given: given.map_or(0, |given| given.number),
                    is_given: given.is_some_and(|given| given.content == content),
                    is_unfit: fleet.troubles.get(school).is_some_and(|(of, ..)| *of == content),
                    report: seen.remove(school),
                };
                (school.clone(), known)
            })
            .collect();
        Ok(fleet)
    }

    /// What a school is to be given.
    pub(super) fn content_of(&self, school: &Uai, above: &[Place]) -> Content {
        Content { stack: self.wanted.of(school, above), calendar: self.calendar }
    }

    /// The schools that are to be given something else than they were, with what; and those whose boxes have a later number
    /// than was ever given, which go back to none that is lower.
    pub(super) fn due(&self, now: Moment) -> impl Iterator<Item = (&Uai, Content)> {
        self.register.schools().filter_map(move |(school, above)| {
            let content = self.content_of(school, above);
            let given = self.given.get(school);
            // A school that never had anything needs no index that says nothing.
            let is_other = given.map_or(content != Content::default(), |given| given.content != content);
            let is_settled = given.is_none_or(|given| now.since(given.at) >= GIVEN_AGAIN_AFTER);
            let is_due = is_other || (is_settled && self.number_ahead(school).is_some());
            is_due.then_some((school, content))
        })
    }

    /// The number that the school's next index gets.
    pub(super) fn next_number(&self, school: &Uai) -> u64 {
        let given = self.given.get(school).map_or(0, |given| given.number);
        self.number_ahead(school).unwrap_or(given) + 1
    }

    /// The number that the school's box has in force, where it is higher than all that were given: the database was restored
    /// from a backup.
    fn number_ahead(&self, school: &Uai) -> Option<u64> {
        let given = self.given.get(school).map_or(0, |given| given.number);
        let (_, _, report) = self.known.get(school)?.report.as_ref()?;
        let ahead = report.in_force.policy.checked_sub(given)?;
        (1..=AHEAD_MAX).contains(&ahead).then_some(report.in_force.policy)
    }

    /// The version of its view that each school's box says it has.
    pub(super) fn views_in_force(&self) -> Vec<(Uai, u64)> {
        let said = |(school, known): (&Uai, &Known)| {
            let (_, _, report) = known.report.as_ref()?;
            Some((school.clone(), report.in_force.view))
        };
        self.known.iter().filter_map(said).collect()
    }

    /// A release with the schools it is about.
    pub(super) async fn course(&self, database: &Database, release: Release) -> anyhow::Result<Course> {
        let scope = match release.undoes {
            Some(undone) => stride::reached_by(database, undone).await?,
            None => release.places.iter().flat_map(|moved| self.register.below(&moved.place)).collect(),
        };
        let named = release.plan.places().map(|place| (place.clone(), self.register.below(place))).collect();
        let reached = releases::reached(database, release.id).await?;
        Ok(Course { release, scope, reached, named })
    }
}
