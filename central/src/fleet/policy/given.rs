//! What each school was last given: the number of its policy index, and what that names.

use std::collections::HashMap;

use anyhow::Context as _;
use preau::{
    model::{Moment, Uai},
    protocol::index,
};
use serde::{Deserialize, Serialize};

use super::{
    calendar::CALENDAR_TARGET,
    tables,
    versions::{integer, target},
    wanted::Stack,
};
use crate::{
    database::{Database, Row, Write},
    words::Place,
};

/// What a policy index names: what two schools that have the same are held to alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Content {
    /// The documents.
    pub stack: Stack,
    /// The version of the académie's calendar; 0 where it is the one built in.
    pub calendar: u64,
}

/// What a school was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The number of the index.
    pub number: u64,
    /// What it names.
    pub content: Content,
    /// When.
    pub at: Moment,
}

/// Numbers kept for each school: what a box says it has in force is found among these.
const KEPT: u64 = 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    documents: Vec<(String, u64)>,
    calendar: u64,
}

impl Content {
    /// The index that names it.
    #[must_use]
    pub fn index(&self, school: &Uai, number: u64) -> index::Policy {
        let documents = self.stack.iter().map(|(place, version)| index::Document {
            target: target(place, *version),
            place: place.to_string(),
            version: *version,
        });
        index::Policy {
            version: index::VERSION,
            school: school.as_str().to_owned(),
            number,
            documents: documents.collect(),
            calendar: (self.calendar > 0).then(|| CALENDAR_TARGET.to_owned()),
        }
    }

    /// As the database keeps it.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        let documents = self.stack.iter().map(|(place, version)| (place.to_string(), *version)).collect();
        Ok(serde_json::to_string(&Written { documents, calendar: self.calendar })?)
    }

    fn read(text: &str) -> anyhow::Result<Self> {
        let Written { documents, calendar } = serde_json::from_str(text)?;
        let place = |text: &str| Place::read(text).with_context(|| format!("`{text}` is no place"));
        let documents = documents.iter().map(|(text, version)| Ok((place(text)?, *version)));
        Ok(Self { stack: documents.collect::<anyhow::Result<_>>()?, calendar })
    }
}

/// What every school was last given.
///
/// # Errors
/// When the database refuses.
pub(super) async fn all(database: &Database) -> anyhow::Result<HashMap<Uai, Given>> {
    let sql = "SELECT uai, number, content, at FROM policy_given AS g
        WHERE number = (SELECT MAX(number) FROM policy_given AS h WHERE h.uai = g.uai)";
    let rows = database.read(sql, &[]).await?;
    rows.iter().map(|row| Ok((tables::school(row, 0)?, given(row)?))).collect()
}

/// What a school was given, the latest first.
///
/// # Errors
/// When the database refuses.
pub async fn history(database: &Database, school: &Uai) -> anyhow::Result<Vec<Given>> {
    let sql = "SELECT uai, number, content, at FROM policy_given WHERE uai = $1 ORDER BY number DESC";
    database.read(sql, &[school.as_str().into()]).await?.iter().map(given).collect()
}

/// The number of what a school was last given, within a transaction; 0 before the first.
pub(super) async fn number_in(write: &mut Write, school: &Uai) -> anyhow::Result<u64> {
    let sql = "SELECT COALESCE(MAX(number), 0) FROM policy_given WHERE uai = $1";
    let rows = write.read(sql, &[school.as_str().into()]).await?;
    rows.first().map_or(Ok(0), |row| tables::number(row, 0))
}

/// Notes what a school is given, and what no longer keeps anything from it.
pub(super) async fn keep(
    write: &mut Write,
    school: &Uai,
    (number, content): (u64, &Content),
    at: Moment,
) -> anyhow::Result<()> {
    let sql = "INSERT INTO policy_given (uai, number, content, at) VALUES ($1, $2, $3, $4)";
    let uai = school.as_str();
    let values = [uai.into(), integer(number), content.text()?.into(), at.unix_milliseconds().into()];
    write.execute(sql, &values).await?;
    let sql = "DELETE FROM policy_given WHERE uai = $1 AND number <= $2";
    write.execute(sql, &[uai.into(), integer(number.saturating_sub(KEPT))]).await?;
    write.execute("DELETE FROM policy_trouble WHERE uai = $1", &[uai.into()]).await?;
    Ok(())
}

/// Schools whose documents do not go together, with the reason.
pub(super) async fn troubles(database: &Database) -> anyhow::Result<HashMap<Uai, (Content, String, Moment)>> {
    let rows = database.read("SELECT uai, content, text, at FROM policy_trouble", &[]).await?;
    let trouble = |row: &Row| {
        let at = Moment::from_unix_milliseconds(row.integer(3)?);
        Ok((tables::school(row, 0)?, (Content::read(row.text(1)?)?, row.text(2)?.to_owned(), at)))
    };
    rows.iter().map(trouble).collect()
}

/// Forgets why nothing could be given to schools, so that it is tried again.
pub(super) async fn forget_troubles(database: &Database) -> anyhow::Result<()> {
    if database.read("SELECT uai FROM policy_trouble LIMIT 1", &[]).await?.is_empty() {
        return Ok(());
    }
    let mut write = database.write().await?;
    write.execute("DELETE FROM policy_trouble", &[]).await?;
    write.commit().await
}

/// Notes why nothing can be given to a school.
pub(super) async fn trouble(
    write: &mut Write,
    school: &Uai,
    content: &Content,
    text: &str,
    at: Moment,
) -> anyhow::Result<()> {
    let sql = "INSERT INTO policy_trouble (uai, content, text, at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (uai) DO UPDATE SET content = excluded.content, text = excluded.text, at = excluded.at";
    let values = [school.as_str().into(), content.text()?.into(), text.into(), at.unix_milliseconds().into()];
    write.execute(sql, &values).await?;
    write.signal("policy");
    Ok(())
}

fn given(row: &Row) -> anyhow::Result<Given> {
    Ok(Given {
        number: tables::number(row, 1)?,
        content: Content::read(row.text(2)?)?,
        at: Moment::from_unix_milliseconds(row.integer(3)?),
    })
}
