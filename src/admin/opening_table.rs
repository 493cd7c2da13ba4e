//! Openings on disk: the table `opening` of `school.sqlite`. One that ended stays for a day, so that a clock that ran
//! ahead for a moment takes nothing away.

use std::{sync::Arc, time::Duration};

use rusqlite::{Connection, Row, params, types::Type};

use super::Whom;
use crate::{
    model::{AccountId, ClassName, Domain, Moment, RoomName},
    policy::Mode,
};

/// `sites` holds names, one a line; none for every site.
pub(super) const TABLE: &str = "CREATE TABLE opening (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        scope TEXT NOT NULL CHECK (scope IN ('pupil', 'class', 'room')),
        whom TEXT NOT NULL,
        mode TEXT NOT NULL CHECK (mode IN ('open', 'close', 'exam')),
        sites TEXT,
        began INTEGER NOT NULL,
        until INTEGER NOT NULL,
        account TEXT NOT NULL,
        label TEXT NOT NULL
    ) STRICT;
    CREATE INDEX opening_until ON opening (until);";

/// How long one that ended stays on disk.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// How far a clock may be set back under what runs; as for sessions, more says that it began under a wrong clock.
const CLOCK_SLACK: Duration = Duration::from_secs(600);

/// A teacher's decision that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its number, never given twice.
    pub number: i64,
    /// For whom.
    pub whom: Whom,
    /// What they are called, in French.
    pub label: Arc<str>,
    /// What it does.
    pub mode: Mode,
    /// Since when.
    pub from: Moment,
    /// The first moment after it.
    pub until: Moment,
    /// Who decided it.
    pub by: AccountId,
}

/// Keeps a decision, whose number is given by the disk.
pub(super) fn insert(on: &Connection, running: &Running) -> rusqlite::Result<i64> {
    let (scope, whom) = match &running.whom {
        Whom::Pupil(id) => ("pupil", id.as_str()),
        Whom::Class(class) => ("class", class.as_str()),
        Whom::Room(room) => ("room", room.as_str()),
    };
    let (mode, sites) = match &running.mode {
        Mode::Open(sites) => ("open", sites.as_deref()),
        Mode::Close(sites) => ("close", sites.as_deref()),
        Mode::Exam(sites) => ("exam", Some(&**sites)),
    };
    let sites = sites.map(|sites| sites.iter().map(Domain::as_str).collect::<Vec<_>>().join("\n"));
    let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    let began = running.from.unix_milliseconds();
    on.execute("DELETE FROM opening WHERE until < ?1", [began.saturating_sub(kept)])?;
    on.execute(
        "INSERT INTO opening (scope, whom, mode, sites, began, until, account, label)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            scope,
            whom,
            mode,
            sites,
            began,
            running.until.unix_milliseconds(),
            running.by.as_str(),
            &*running.label
        ],
    )?;
    Ok(on.last_insert_rowid())
}

/// Ends a decision now; says whether it ran.
pub(super) fn end(on: &Connection, number: i64, now: Moment) -> rusqlite::Result<bool> {
    let now = now.unix_milliseconds();
    let ended =
        on.execute("UPDATE opening SET until = ?2 WHERE number = ?1 AND until > ?2", [number, now])?;
    Ok(ended == 1)
}

/// Ends what was decided under a clock that ran ahead of `now`: it would begin a second time when its hour comes.
pub(super) fn end_of_a_clock_ahead(on: &Connection, now: Moment) -> rusqlite::Result<()> {
    let latest = (now + CLOCK_SLACK).unix_milliseconds();
    let now = now.unix_milliseconds();
    on.execute("UPDATE opening SET until = ?2 WHERE began > ?1 AND until > ?2", [latest, now]).map(drop)
}

/// How many run.
pub(super) fn count(on: &Connection, now: Moment) -> rusqlite::Result<u32> {
    on.query_row("SELECT count(*) FROM opening WHERE until > ?1", [now.unix_milliseconds()], |row| row.get(0))
}

/// What runs at `now`, in the order it was decided.
pub(super) fn running(on: &Connection, now: Moment) -> rusqlite::Result<Vec<Running>> {
    let mut query = on.prepare(
        "SELECT number, scope, whom, mode, sites, began, until, account, label FROM opening
         WHERE until > ?1 ORDER BY number",
    )?;
    query.query_map([now.unix_milliseconds()], read)?.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Running> {
    let whom: String = row.get(2)?;
    let whom = match row.get::<_, String>(1)?.as_str() {
        "pupil" => Whom::Pupil(AccountId::new(&whom)),
        "class" => Whom::Class(ClassName::new(&whom)),
        "room" => Whom::Room(RoomName::new(&whom)),
        _ => return Err(unreadable(1)),
    };
    let sites: Option<String> = row.get(4)?;
    let sites = sites.map(|sites| sites.lines().map(str::parse).collect::<Result<Vec<Domain>, _>>());
    let sites = sites.transpose().map_err(|_| unreadable(4))?;
    let mode = match row.get::<_, String>(3)?.as_str() {
        "open" => Mode::Open(sites),
        "close" => Mode::Close(sites),
        "exam" => Mode::Exam(sites.unwrap_or_default()),
        _ => return Err(unreadable(3)),
    };
    Ok(Running {
        number: row.get(0)?,
        whom,
        label: Arc::from(row.get::<_, String>(8)?),
        mode,
        from: Moment::from_unix_milliseconds(row.get(5)?),
        until: Moment::from_unix_milliseconds(row.get(6)?),
        by: AccountId::new(&row.get::<_, String>(7)?),
    })
}

/// A field that nobody of us wrote: the file is damaged.
pub(super) fn unreadable(column: usize) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(column, "a word of another hand".to_owned(), Type::Text)
}
