//! A school's day is taken: into the school's counts, and the difference to what was told before into those of the places
//! above it.

use std::collections::BTreeMap;

use preau::{
    model::Moment,
    protocol::counts::{DayCounts, Persons, Questions},
};

use super::{
    names,
    span::{Span, day_of, day_read},
};
use crate::{
    database::{Row, Value, Write},
    fleet::schools::School,
    words::Place,
};

/// How old a day may be: boxes keep them for three weeks.
const DAYS_BACK_MAX: i64 = 35;

/// Rows in one statement.
const CHUNK: usize = 200;

/// What became of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is kept.
    Kept,
    /// It is no day of these weeks: the box's clock is wrong.
    NotOfNow,
}

/// Zone, asker, ground, and whether it was allowed.
type Key = (String, String, String, bool);

/// Zone and asker.
type Askers = (String, String);

/// Takes what the box of `school` says of a day.
///
/// # Errors
/// When the database refuses.
pub async fn keep(
    write: &mut Write,
    school: &School,
    counts: &DayCounts,
    now: Moment,
) -> anyhow::Result<Taken> {
    let today = day_of(now);
    let Some(day) = day_read(&counts.day).filter(|day| (today - DAYS_BACK_MAX..=today + 1).contains(day))
    else {
        return Ok(Taken::NotOfNow);
    };
    let places =
        [Place::School(school.uai.clone()), Place::Departement(school.departement.clone()), Place::Academie]
            .map(|place| place.to_string());
    let month = Span::Month.start_of(day);
    let changes = changed(write, &places[0], day, &counts.questions).await?;
    for place in &places {
        add_counts(write, (place, "day", day), &changes).await?;
        add_counts(write, (place, "month", month), &changes).await?;
    }
    let told = persons_told(&counts.persons);
    let by_day = persons_changed(write, (&places[0], "day", day), &told, |_, told| told).await?;
    // A month has had as many as its fullest day, at least.
    let by_month = persons_changed(write, (&places[0], "month", month), &told, i64::max).await?;
    for place in &places {
        add_persons(write, (place, "day", day), &by_day).await?;
        add_persons(write, (place, "month", month), &by_month).await?;
    }
    names::keep(write, &school.uai, day, &counts.names).await?;
    Ok(Taken::Kept)
}

/// By how much the counts of a school's day become others.
async fn changed(
    write: &mut Write,
    place: &str,
    day: i64,
    told: &[Questions],
) -> anyhow::Result<BTreeMap<Key, i64>> {
    let mut changes: BTreeMap<Key, i64> = BTreeMap::new();
    for Questions { zone, who, ground, allowed, count } in told {
        let key = (zone.clone(), who.clone(), ground.clone(), *allowed);
        *changes.entry(key).or_default() += i64::try_from(*count).unwrap_or(i64::MAX);
    }
    let sql = "SELECT zone, who, ground, allowed, number FROM statistics_count
        WHERE place = $1 AND span = 'day' AND start = $2";
    for row in write.read(sql, &[place.into(), day.into()]).await? {
        let text = |column| row.text(column).map(str::to_owned);
        let key = (text(0)?, text(1)?, text(2)?, row.integer(3)? != 0);
        *changes.entry(key).or_default() -= row.integer(4)?;
    }
    changes.retain(|_, by| *by != 0);
    Ok(changes)
}

async fn add_counts(
    write: &mut Write,
    (place, span, start): (&str, &str, i64),
    changes: &BTreeMap<Key, i64>,
) -> anyhow::Result<()> {
    let changes: Vec<_> = changes.iter().collect();
    for chunk in changes.chunks(CHUNK) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 8);
        for ((zone, who, ground, allowed), by) in chunk {
            values.extend([place.into(), span.into(), start.into()]);
            values.extend([zone.as_str().into(), who.as_str().into(), ground.as_str().into()]);
            values.extend([i64::from(*allowed).into(), (**by).into()]);
        }
        let sql = format!(
            "INSERT INTO statistics_count (place, span, start, zone, who, ground, allowed, number)
            VALUES {} ON CONFLICT (place, span, start, zone, who, ground, allowed)
            DO UPDATE SET number = statistics_count.number + excluded.number",
            placeholders(chunk.len(), 8)
        );
        write.execute(&sql, &values).await?;
    }
    Ok(())
}

fn persons_told(told: &[Persons]) -> BTreeMap<Askers, i64> {
    let persons = told.iter().map(|Persons { zone, who, persons }| {
        ((zone.clone(), who.clone()), i64::try_from(*persons).unwrap_or(i64::MAX))
    });
    persons.collect()
}

/// By how much the persons of a school become others, where `join` makes the number to be of the one there and the one told.
async fn persons_changed(
    write: &mut Write,
    (place, span, start): (&str, &str, i64),
    told: &BTreeMap<Askers, i64>,
    join: impl Fn(i64, i64) -> i64,
) -> anyhow::Result<BTreeMap<Askers, i64>> {
    let sql = "SELECT zone, who, number FROM statistics_persons
        WHERE place = $1 AND span = $2 AND start = $3";
    let rows = write.read(sql, &[place.into(), span.into(), start.into()]).await?;
    let known = |row: &Row| -> anyhow::Result<(Askers, i64)> {
        Ok(((row.text(0)?.to_owned(), row.text(1)?.to_owned()), row.integer(2)?))
    };
    let mut known: BTreeMap<Askers, i64> = rows.iter().map(known).collect::<anyhow::Result<_>>()?;
    let mut changes = BTreeMap::new();
    for (askers, told) in told {
        let before = known.remove(askers).unwrap_or(0);
        changes.insert(askers.clone(), join(before, *told) - before);
    }
    for (askers, before) in known {
        changes.insert(askers, join(before, 0) - before);
    }
    changes.retain(|_, by| *by != 0);
    Ok(changes)
}

async fn add_persons(
    write: &mut Write,
    (place, span, start): (&str, &str, i64),
    changes: &BTreeMap<Askers, i64>,
) -> anyhow::Result<()> {
    let changes: Vec<_> = changes.iter().collect();
    for chunk in changes.chunks(CHUNK) {
        let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 6);
        for ((zone, who), by) in chunk {
            values.extend([place.into(), span.into(), start.into()]);
            values.extend([zone.as_str().into(), who.as_str().into(), (**by).into()]);
        }
        let sql = format!(
            "INSERT INTO statistics_persons (place, span, start, zone, who, number) VALUES {}
            ON CONFLICT (place, span, start, zone, who)
            DO UPDATE SET number = statistics_persons.number + excluded.number",
            placeholders(chunk.len(), 6)
        );
        write.execute(&sql, &values).await?;
    }
    Ok(())
}

/// `($1, $2), ($3, $4)`: `rows` of them with `columns` each.
fn placeholders(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let places: Vec<_> = (1..=columns).map(|column| format!("${}", row * columns + column)).collect();
        format!("({})", places.join(", "))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(", ")
}
