//! The versions of documents: numbered from 1 for each place, each with its author and reason, and never changed.
//!
//! The text of a version is what boxes get. Its head says which place and version it is, so that whoever reads it on a box
//! finds it in the console; it names no person.

use preau::model::Moment;

use super::{difference::Difference, document::Document, tables};
use crate::{
    database::{Database, Row, Value, Write},
    words::Place,
};

/// A version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The place.
    pub place: Place,
    /// Its number there.
    pub number: u64,
    /// The rules file.
    pub text: String,
    /// Who published it.
    pub author: String,
    /// Who approved it, where two were needed.
    pub second: Option<String>,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Moment,
}

const COLUMNS: &str = "place, number, text, author_name, second_name, reason, at";

/// The largest page of versions.
const PAGE_MAX: i64 = 200;

impl Version {
    /// Its fields.
    ///
    /// # Errors
    /// When it was kept by a later version of this program.
    pub fn document(&self) -> anyhow::Result<Document> {
        Ok(Document::read(&self.text, &self.place)?)
    }
}

/// The name of the target that a version is in the channel: the same for every school.
#[must_use]
pub fn target(place: &Place, number: u64) -> String {
    format!("policy/{}-v{number}.toml", place.to_string().replace('/', "-"))
}

/// The version of that number.
///
/// # Errors
/// When the database refuses.
pub async fn find(database: &Database, place: &Place, number: u64) -> anyhow::Result<Option<Version>> {
    let sql = format!("SELECT {COLUMNS} FROM policy_version WHERE place = $1 AND number = $2");
    let rows = database.read(&sql, &[place.to_string().into(), integer(number)]).await?;
    rows.first().map(version).transpose()
}

/// The latest version, whether any school has it or not.
///
/// # Errors
/// When the database refuses.
pub async fn latest(database: &Database, place: &Place) -> anyhow::Result<Option<Version>> {
    let rows = database.read(&latest_sql(), &[place.to_string().into()]).await?;
    rows.first().map(version).transpose()
}

/// The versions of a place below number `before`, the latest first.
///
/// # Errors
/// When the database refuses.
pub async fn history(
    database: &Database,
    place: &Place,
    before: Option<u64>,
) -> anyhow::Result<Vec<Version>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM policy_version WHERE place = $1 AND number < $2 ORDER BY number DESC LIMIT $3"
    );
    let before = before.map_or(Value::Integer(i64::MAX), integer);
    let rows = database.read(&sql, &[place.to_string().into(), before, PAGE_MAX.into()]).await?;
    rows.iter().map(version).collect()
}

/// The places that have a document, with the number of the latest version.
///
/// # Errors
/// When the database refuses.
pub async fn places(database: &Database) -> anyhow::Result<Vec<(Place, u64)>> {
    let sql = "SELECT place, MAX(number) FROM policy_version GROUP BY place ORDER BY place";
    let rows = database.read(sql, &[]).await?;
    let mut places = rows
        .iter()
        .map(|row| Ok((tables::place(row, 0)?, tables::number(row, 1)?)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    places.sort();
    Ok(places)
}

/// What a version says otherwise than the one before it.
///
/// # Errors
/// When the database refuses.
pub async fn difference(database: &Database, version: &Version) -> anyhow::Result<Difference> {
    let before = match version.number.checked_sub(1) {
        Some(number) => find(database, &version.place, number).await?,
        None => None,
    };
    let before = before.map_or_else(|| Ok(Document::default()), |before| before.document())?;
    Ok(Difference::between(&before, &version.document()?))
}

pub(super) async fn find_in(
    write: &mut Write,
    place: &Place,
    number: u64,
) -> anyhow::Result<Option<Version>> {
    let sql = format!("SELECT {COLUMNS} FROM policy_version WHERE place = $1 AND number = $2");
    let rows = write.read(&sql, &[place.to_string().into(), integer(number)]).await?;
    rows.first().map(version).transpose()
}

pub(super) async fn latest_in(write: &mut Write, place: &Place) -> anyhow::Result<Option<Version>> {
    let rows = write.read(&latest_sql(), &[place.to_string().into()]).await?;
    rows.first().map(version).transpose()
}

/// The latest versions of all départements and groups: their rules share one level.
pub(super) async fn between_academie_and_schools(write: &mut Write) -> anyhow::Result<Vec<Version>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM policy_version AS v
        WHERE (place LIKE 'departement/%' OR place LIKE 'groupe/%')
            AND number = (SELECT MAX(number) FROM policy_version AS w WHERE w.place = v.place)"
    );
    write.read(&sql, &[]).await?.iter().map(version).collect()
}

/// A version to be added.
pub(super) struct Added<'a> {
    pub(super) place: &'a Place,
    pub(super) document: &'a Document,
    pub(super) author: (i64, &'a str),
    pub(super) second: Option<&'a str>,
    pub(super) reason: &'a str,
    pub(super) at: Moment,
}

/// Adds a version behind the latest.
pub(super) async fn add(write: &mut Write, added: &Added<'_>) -> anyhow::Result<Version> {
    let Added { place, document, author, second, reason, at } = *added;
    let number = latest_in(write, place).await?.map_or(0, |latest| latest.number) + 1;
    let day = at.to_string();
    let day = day.get(..10).unwrap_or(&day);
    let head = format!(
        "Préau, {place}, version {number} of {day}. Written by the académie's console:\nwhat is changed here is not kept."
    );
    let text = document.text(place, &head);
    let sql = "INSERT INTO policy_version (place, number, text, author, author_name, second_name, reason, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = [
        place.to_string().into(),
        integer(number),
        text.as_str().into(),
        author.0.into(),
        author.1.into(),
        second.into(),
        reason.into(),
        at.unix_milliseconds().into(),
    ];
    write.execute(sql, &values).await?;
    Ok(Version {
        place: place.clone(),
        number,
        text,
        author: author.1.to_owned(),
        second: second.map(str::to_owned),
        reason: reason.to_owned(),
        at,
    })
}

/// A number as the database keeps it; numbers are counted by ones and never reach its end.
pub(super) fn integer(number: u64) -> Value {
    Value::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

fn latest_sql() -> String {
    format!("SELECT {COLUMNS} FROM policy_version WHERE place = $1 ORDER BY number DESC LIMIT 1")
}

fn version(row: &Row) -> anyhow::Result<Version> {
    Ok(Version {
        place: tables::place(row, 0)?,
        number: tables::number(row, 1)?,
        text: row.text(2)?.to_owned(),
        author: row.text(3)?.to_owned(),
        second: row.text_or_nothing(4)?.map(str::to_owned),
        reason: row.text(5)?.to_owned(),
        at: Moment::from_unix_milliseconds(row.integer(6)?),
    })
}
