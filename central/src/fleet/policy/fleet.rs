//! Everything that waves and compositions go by, read from the database at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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

    /// The schools that are to be given something else than they were, with what.
    pub(super) fn due(&self) -> impl Iterator<Item = (&Uai, Content)> {
        self.register.schools().filter_map(|(school, above)| {
            let content = self.content_of(school, above);
            let has = self.given.get(school).map(|given| &given.content);
            // A school that never had anything needs no index that says nothing.
            let is_due = has.map_or(content != Content::default(), |has| *has != content);
            is_due.then_some((school, content))
        })
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
