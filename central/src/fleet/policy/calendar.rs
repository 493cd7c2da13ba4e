//! The school calendar of the académie, where it is another than the one built into the boxes: versions like those of
//! documents, in every school's view.

use preau::{
    model::Moment,
    policy::{CalendarError, SchoolCalendar},
};
use thiserror::Error;

use super::{
    refused::{Refused, prove, reason},
    tables,
    versions::integer,
};
use crate::{
    audit::{self, Who},
    database::{Database, Row, Write},
    words::{Granted, Place, Right},
};

/// The target with the calendar, as boxes take it.
pub const CALENDAR_TARGET: &str = "policy/calendrier.csv";

/// The largest calendar, in bytes.
const BYTES_MAX: usize = 1 << 20;

/// A version of the calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// Its number, from 1.
    pub number: u64,
    /// The CSV, in the form of the ministry's open data; empty to go back to the one built in.
    pub text: String,
    /// Who published it.
    pub author: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Moment,
}

/// Why a calendar is not published.
#[derive(Debug, Error)]
pub enum CalendarRefused {
    /// It is none.
    #[error(transparent)]
    Calendar(#[from] CalendarError),
    /// As for documents.
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// Publishes a calendar for all schools, at once; an empty text takes the académie's own away. Needs the right to publish at
/// the académie.
///
/// # Errors
/// With the line, when it is no calendar; when the proof or the reason is missing.
pub async fn publish_calendar(
    write: &mut Write,
    granted: &Granted,
    text: &str,
    reason_text: &str,
    at: Moment,
) -> Result<Calendar, CalendarRefused> {
    prove(granted, Right::Publish, &Place::Academie).map_err(Refused::from)?;
    let reason = reason(reason_text)?;
    if text.len() > BYTES_MAX {
        return Err(CalendarRefused::Refused(Refused::TooMany("bytes of a calendar")));
    }
    if !text.is_empty() {
        SchoolCalendar::parse(text)?;
    }
    Ok(add(write, granted, text, reason, at).await.map_err(Refused::from)?)
}

/// The calendar in force; none where it is the one built in.
///
/// # Errors
/// When the database refuses.
pub async fn calendar(database: &Database) -> anyhow::Result<Option<Calendar>> {
    let rows = database.read(&format!("{COLUMNS} ORDER BY number DESC LIMIT 1"), &[]).await?;
    let latest = rows.first().map(read).transpose()?;
    Ok(latest.filter(|calendar| !calendar.text.is_empty()))
}

/// The versions of the calendar, the latest first.
///
/// # Errors
/// When the database refuses.
pub async fn calendar_history(database: &Database) -> anyhow::Result<Vec<Calendar>> {
    let rows = database.read(&format!("{COLUMNS} ORDER BY number DESC LIMIT 100"), &[]).await?;
    rows.iter().map(read).collect()
}

const COLUMNS: &str = "SELECT number, text, author_name, reason, at FROM policy_calendar";

async fn add(
    write: &mut Write,
    granted: &Granted,
    text: &str,
    reason: &str,
    at: Moment,
) -> anyhow::Result<Calendar> {
    let number = u64::try_from(tables::next(write, "calendar").await?)?;
    let actor = granted.actor();
    let sql =
        "INSERT INTO policy_calendar (number, text, author_name, reason, at) VALUES ($1, $2, $3, $4, $5)";
    let values = [
        integer(number),
        text.into(),
        actor.name.as_str().into(),
        reason.into(),
        at.unix_milliseconds().into(),
    ];
    write.execute(sql, &values).await?;
    write.signal("policy");
    let who = Who::Person(actor.id, actor.name.clone());
    let line = format!("version {number}: {reason}");
    audit::note(write, at, &who, "calendar", Some(&Place::Academie), &line).await?;
    let (text, author, reason) = (text.to_owned(), actor.name.clone(), reason.to_owned());
    Ok(Calendar { number, text, author, reason, at })
}

fn read(row: &Row) -> anyhow::Result<Calendar> {
    Ok(Calendar {
        number: tables::number(row, 0)?,
        text: row.text(1)?.to_owned(),
        author: row.text(2)?.to_owned(),
        reason: row.text(3)?.to_owned(),
        at: Moment::from_unix_milliseconds(row.integer(4)?),
    })
}
