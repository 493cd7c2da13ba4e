//! All schools with the places above them, read at once: what waves and compositions go by.

use std::collections::{BTreeMap, BTreeSet};

use preau::model::Uai;

use crate::{database::Database, fleet::schools, words::Place};

/// The register in memory.
#[derive(Clone, Debug, Default)]
pub(super) struct Register {
    above: BTreeMap<Uai, Vec<Place>>,
    below: BTreeMap<Place, BTreeSet<Uai>>,
}

impl Register {
    pub(super) async fn read(database: &Database) -> anyhow::Result<Self> {
        let mut register = Self::default();
        for school in schools::all(database).await? {
            let places =
                [Place::Academie, Place::Departement(school.departement), Place::School(school.uai.clone())];
            register.above.insert(school.uai, Vec::from(places));
        }
        for (group, school) in schools::members(database).await? {
            // Behind the groups before it, before the school itself.
            if let Some(places) = register.above.get_mut(&school) {
                places.insert(places.len().saturating_sub(1), Place::Group(group));
            }
        }
        for (school, places) in &register.above {
            for place in places {
                register.below.entry(place.clone()).or_default().insert(school.clone());
            }
        }
        Ok(register)
    }

    /// Every school, with its places from the académie to itself.
    pub(super) fn schools(&self) -> impl Iterator<Item = (&Uai, &[Place])> {
        self.above.iter().map(|(school, places)| (school, places.as_slice()))
    }

    /// The places of a school; none where it is not in the register.
    pub(super) fn above(&self, school: &Uai) -> &[Place] {
        self.above.get(school).map_or(&[], Vec::as_slice)
    }

    /// The schools at a place and below.
    pub(super) fn below(&self, place: &Place) -> BTreeSet<Uai> {
        self.below.get(place).cloned().unwrap_or_default()
    }
}
