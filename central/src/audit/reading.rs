//! The trail as people read it: a page at a time, newest first, or as a table for elsewhere.

use std::io;

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use preau::model::Moment;

use super::{
    Who,
    line::{COLUMNS, Line},
};
use crate::{
    database::{Database, Value},
    words::{PersonId, Place},
};

/// Lines on one page at most.
pub const LINES_MAX: i64 = 200;

/// Places a filter names at most: each is a value of the statement.
const PLACES_MAX: usize = 2000;

/// Which lines; everything where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// By this person.
    pub person: Option<PersonId>,
    /// At one of these places, each by itself; everywhere where there is none.
    pub places: Vec<Place>,
    /// This act.
    pub act: Option<String>,
    /// From then on.
    pub from: Option<Moment>,
    /// Before then.
    pub to: Option<Moment>,
}

/// The lines before number `before` (the last ones where it is none), newest first, at most [`LINES_MAX`]. The next page is
/// before the last line of this one.
///
/// # Errors
/// When the filter names thousands of places, or the database refuses.
pub async fn read(database: &Database, filter: &Filter, before: Option<i64>) -> anyhow::Result<Vec<Line>> {
    page(database, filter, ("number < ", before.unwrap_or(i64::MAX)), "DESC").await
}

/// Writes the lines as CSV with a header, oldest first; times are UTC (RFC 3339). A text that a spreadsheet would take for a
/// formula gets an apostrophe before it.
///
/// # Errors
/// When the filter names thousands of places, the database refuses, or `out` does.
pub async fn write_csv(database: &Database, filter: &Filter, out: impl io::Write) -> anyhow::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(["number", "at", "who", "who_id", "name", "act", "place", "text"])?;
    let mut last = 0;
    loop {
        let lines = page(database, filter, ("number > ", last), "ASC").await?;
        let Some(newest) = lines.last() else { break };
        last = newest.number;
        for Line { number, at, who, act, place, text } in &lines {
            let (kind, id, name) = who.kept();
            let at =
                Timestamp::from_millisecond(at.unix_milliseconds()).context("a time is out of bounds")?;
            let place = place.as_ref().map(ToString::to_string).unwrap_or_default();
            csv.write_record([
                &number.to_string(),
                &at.to_string(),
                kind,
                &id,
                &no_formula(name),
                &no_formula(act),
                &place,
                &no_formula(text),
            ])?;
        }
    }
    csv.flush().context("cannot write the table")
}

async fn page(
    database: &Database,
    filter: &Filter,
    (side, number): (&str, i64),
    order: &str,
) -> anyhow::Result<Vec<Line>> {
    let Filter { person, places, act, from, to } = filter;
    ensure!(places.len() <= PLACES_MAX, "a filter of the audit trail names {} places", places.len());
    let mut values = Vec::new();
    let mut place_of = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let mut conditions = vec![format!("{side}{}", place_of(number.into()))];
    if let Some(id) = person {
        let person = Who::Person(*id, String::new());
        let (kind, id, _) = person.kept();
        conditions.push(format!("who = {} AND who_id = {}", place_of(kind.into()), place_of(id.into())));
    }
    if !places.is_empty() {
        let named: Vec<_> = places.iter().map(|place| place_of(place.to_string().into())).collect();
        conditions.push(format!("place IN ({})", named.join(", ")));
    }
    if let Some(act) = act {
        conditions.push(format!("act = {}", place_of(act.as_str().into())));
    }
    if let Some(from) = from {
        conditions.push(format!("at >= {}", place_of(from.unix_milliseconds().into())));
    }
    if let Some(to) = to {
        conditions.push(format!("at < {}", place_of(to.unix_milliseconds().into())));
    }
    let limit = place_of(LINES_MAX.into());
    let conditions = conditions.join(" AND ");
    let sql =
        format!("SELECT {COLUMNS} FROM audit_line WHERE {conditions} ORDER BY number {order} LIMIT {limit}");
    database.read(&sql, &values).await?.iter().map(Line::from_row).collect()
}

fn no_formula(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{text}") } else { text.to_owned() }
}
