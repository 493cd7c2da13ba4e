//! What a draft silences: which of its rules can never speak where, and which rules below it no longer can.

use std::collections::{BTreeMap, BTreeSet};

use preau::model::Uai;

use super::{
    composed::{Layer, with_draft},
    document::Document,
    silent::{Silent, silent},
    wanted::{Stack, Wanted, layers},
};
use crate::{database::Database, fleet::schools, words::Place};

/// Different stacks of documents that are looked at; a fleet has some for its groups, and one for each school with a document
/// of its own.
const STACKS_MAX: usize = 200;

/// A rule that cannot speak, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The rule.
    pub silent: Silent,
    /// Whether the draft does this to a rule of another document.
    pub of_another: bool,
    /// The schools where it is so; empty where no school is below the place yet.
    pub schools: Vec<Uai>,
}

/// What is to be told before a draft is published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Warnings {
    /// The rules, by place and id.
    pub warnings: Vec<Warning>,
    /// Schools whose documents do not go together with the draft, with the reason; nothing would reach them.
    pub unfit: Vec<(Uai, String)>,
    /// Whether there were too many different schools to look at all.
    pub is_partial: bool,
}

/// Looks at every school below `place` with the draft in the place of its version. Rules of other documents are told only
/// where the draft is what silences them.
///
/// # Errors
/// When the database refuses.
pub async fn warnings(database: &Database, place: &Place, draft: &Document) -> anyhow::Result<Warnings> {
    let wanted = Wanted::read(database).await?;
    let mut stacks: BTreeMap<Stack, Vec<Uai>> = BTreeMap::new();
    for school in schools::below(database, place).await? {
        let above = schools::above(database, &school).await?;
        stacks.entry(wanted.of(&school, &above)).or_default().push(school);
    }
    if stacks.is_empty() {
        stacks.insert(wanted.settled_at(place), Vec::new());
    }
    let mut told = Warnings { is_partial: stacks.len() > STACKS_MAX, ..Warnings::default() };
    let mut by_rule: BTreeMap<Silent, BTreeSet<Uai>> = BTreeMap::new();
    for (stack, schools) in stacks.into_iter().take(STACKS_MAX) {
        let before = layers(database, &stack).await?;
        let after = with_draft(before.clone(), Layer::draft(place, draft)?);
        // The judge's questions keep one core busy for a moment; other requests are answered meanwhile.
        let looked = tokio::task::spawn_blocking(move || (silent(&before), silent(&after))).await?;
        match looked {
            (_, Err(error)) => told.unfit.extend(schools.into_iter().map(|uai| (uai, format!("{error:#}")))),
            (before, Ok(after)) => {
                let before = before.unwrap_or_default();
                for silent in after {
                    if silent.place == *place || !before.contains(&silent) {
                        by_rule.entry(silent).or_default().extend(schools.iter().cloned());
                    }
                }
            }
        }
    }
    told.warnings = by_rule
        .into_iter()
        .map(|(silent, schools)| Warning {
            of_another: silent.place != *place,
            silent,
            schools: schools.into_iter().collect(),
        })
        .collect();
    Ok(told)
}
