//! How many schools have a package, as their boxes said it last.

use std::collections::BTreeMap;

use preau::model::Uai;

use crate::{
    console::{road::Console, visit::Visit},
    fleet::{observed, schools},
    words::{GroupName, Right},
};

/// How a package stands in the schools that the visitor may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spread {
    /// Schools that have the version that is offered.
    pub(super) here: u64,
    /// Schools that read a version before it.
    pub(super) older: u64,
    /// Schools that lack some of it.
    pub(super) coming: u64,
}

/// What schools said of every package.
#[derive(Debug, Default)]
pub(super) struct Spreads(BTreeMap<String, Vec<(u64, u64)>>);

impl Spreads {
    /// What the schools said that the visitor may see.
    pub(super) async fn read(console: &Console, visit: &Visit) -> anyhow::Result<Self> {
        let database = &console.parts.database;
        let mut groups: BTreeMap<Uai, Vec<GroupName>> = BTreeMap::new();
        for (group, school) in schools::members(database).await? {
            groups.entry(school).or_default().push(group);
        }
        let schools = schools::all(database).await?.into_iter().map(|school| (school.uai.clone(), school));
        let schools: BTreeMap<Uai, schools::School> = schools.collect();
        let mut told = Self::default();
        for seen in observed::all(database).await? {
            let groups = groups.get(&seen.school).map_or(&[][..], Vec::as_slice);
            let Some(school) = schools.get(&seen.school) else { continue };
            if !visit.covers(Right::See, school, groups) {
                continue;
            }
            for shelved in seen.report.figures.library {
                told.0.entry(shelved.id).or_default().push((shelved.version, shelved.missing_bytes));
            }
        }
        Ok(told)
    }

    /// How the package stands, of which schools are offered this version.
    pub(super) fn of(&self, id: &str, offered: u64) -> Spread {
        let mut spread = Spread::default();
        for (version, missing_bytes) in self.0.get(id).into_iter().flatten() {
            spread.here += u64::from(*version >= offered);
            spread.older += u64::from((1..offered).contains(version));
            spread.coming += u64::from(*version < offered && *missing_bytes > 0);
        }
        spread
    }
}
