//! What was counted at a place.

use std::collections::{BTreeMap, BTreeSet};

use super::span::Span;
use crate::{
    database::{Database, Row, Value},
    words::Place,
};

/// What was counted at a place, in spans that are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// The first days of the spans, the earliest first.
    pub starts: Vec<i64>,
    /// Start, asker, ground, allowed; how many questions.
    pub(super) questions: BTreeMap<(i64, String, String, bool), u64>,
    /// Start and asker; how many persons at least.
    pub(super) persons: BTreeMap<(i64, String), u64>,
}

/// Reads what was counted at `place` by `span` until the day `today`.
///
/// # Errors
/// When the database refuses.
pub async fn read(database: &Database, place: &Place, span: Span, today: i64) -> anyhow::Result<Counted> {
    let starts = span.starts(today);
    let first = starts.first().copied().unwrap_or(today);
    let (at, value): (&str, Value) = match place {
        Place::Group(name) => (
            "place IN (SELECT 'etablissement/' || uai FROM school_group WHERE name = $1)",
            name.as_str().into(),
        ),
        place => ("place = $1", place.to_string().into()),
    };
    let values = [value, span.rows().into(), first.into()];
    let mut counted = Counted { starts, ..Counted::default() };
    let sql = format!(
        "SELECT start, who, ground, allowed, CAST(SUM(number) AS BIGINT) FROM statistics_count
        WHERE {at} AND span = $2 AND start >= $3 GROUP BY start, who, ground, allowed"
    );
    for row in database.read(&sql, &values).await? {
        let (who, ground) = (row.text(1)?.to_owned(), row.text(2)?.to_owned());
        let key = (span.start_of(row.integer(0)?), who, ground, row.integer(3)? != 0);
        *counted.questions.entry(key).or_default() += number(&row, 4)?;
    }
    // One person may be in two zones: the fuller one is counted.
    let sql = format!(
        "SELECT start, zone, who, CAST(SUM(number) AS BIGINT) FROM statistics_persons
        WHERE {at} AND span = $2 AND start >= $3 GROUP BY start, zone, who"
    );
    for row in database.read(&sql, &values).await? {
        let key = (span.start_of(row.integer(0)?), row.text(2)?.to_owned());
        let known = counted.persons.entry(key).or_default();
        *known = number(&row, 3)?.max(*known);
    }
    counted.questions.retain(|_, count| *count > 0);
    Ok(counted)
}

impl Counted {
    /// Who asked at all.
    pub(super) fn askers(&self) -> BTreeSet<&str> {
        self.questions.keys().map(|(_, who, ..)| who.as_str()).collect()
    }
}

fn number(row: &Row, column: usize) -> anyhow::Result<u64> {
    Ok(u64::try_from(row.integer(column)?).unwrap_or(0))
}
