//! Technicians' sessions on disk: the tables `repair` and `repair_act` of `school.sqlite`. The last [`KEPT`] are remembered.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use crate::{model::Moment, protocol::repair::RepairAct};

/// An act has no outcome while it is carried out, and none for ever where a power cut kept it from its end.
pub(super) const TABLES: &str = "CREATE TABLE repair (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        session INTEGER NOT NULL UNIQUE,
        name TEXT NOT NULL,
        reason TEXT NOT NULL,
        opened INTEGER NOT NULL,
        ends INTEGER NOT NULL,
        ended INTEGER,
        why TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE TABLE repair_act (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        session INTEGER NOT NULL,
        at INTEGER NOT NULL,
        act TEXT NOT NULL,
        well INTEGER
    ) STRICT;
    CREATE INDEX repair_act_session ON repair_act (session);";

/// Sessions that are remembered.
pub(super) const KEPT: u32 = 10;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepairEnd {
    /// Its time was over.
    Time,
    /// Somebody of the school ended it.
    School,
    /// The académie ended it.
    Central,
    /// The daemon started anew.
    Restart,
}

impl RepairEnd {
    const ALL: [Self; 4] = [Self::Time, Self::School, Self::Central, Self::Restart];

    /// The word it is kept and told by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::School => "school",
            Self::Central => "central",
            Self::Restart => "restart",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.word() == word)
    }
}

/// A technician's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairSession {
    /// Its number.
    pub session: u64,
    /// The technician's name, as central tells it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was opened.
    pub opened: Moment,
    /// When it ends by itself.
    pub ends: Moment,
    /// When it ended, and why; none while it is open.
    pub ended: Option<(Moment, RepairEnd)>,
    /// What was done in it, the first act first.
    pub acts: Vec<RepairDone>,
}

/// One act of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepairDone {
    /// When it was begun.
    pub at: Moment,
    /// What.
    pub act: RepairAct,
    /// Whether it went well; none while it is carried out, or where a power cut kept it from its end.
    pub well: Option<bool>,
}

/// Enters a session; says whether it is one that was never entered.
pub(super) fn open(on: &Connection, session: &RepairSession) -> rusqlite::Result<bool> {
    let Ok(number) = i64::try_from(session.session) else { return Ok(false) };
    let entered = on.execute(
        "INSERT INTO repair (session, name, reason, opened, ends) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (session) DO NOTHING",
        params![
            number,
            session.by,
            session.reason,
            session.opened.unix_milliseconds(),
            session.ends.unix_milliseconds()
        ],
    )?;
    on.execute(
        "DELETE FROM repair WHERE ended IS NOT NULL AND number NOT IN
         (SELECT number FROM repair ORDER BY number DESC LIMIT ?1)",
        [KEPT],
    )?;
    on.execute("DELETE FROM repair_act WHERE session NOT IN (SELECT session FROM repair)", [])?;
    Ok(entered == 1)
}

/// Ends a session that is open; says whether it was.
pub(super) fn end(on: &Connection, session: u64, at: Moment, why: RepairEnd) -> rusqlite::Result<bool> {
    let Ok(session) = i64::try_from(session) else { return Ok(false) };
    let ended = on.execute(
        "UPDATE repair SET ended = ?2, why = ?3 WHERE session = ?1 AND ended IS NULL",
        params![session, at.unix_milliseconds(), why.word()],
    )?;
    Ok(ended == 1)
}

/// Ends whatever is open.
pub(super) fn end_all(on: &Connection, at: Moment, why: RepairEnd) -> rusqlite::Result<()> {
    let sql = "UPDATE repair SET ended = ?1, why = ?2 WHERE ended IS NULL";
    on.execute(sql, params![at.unix_milliseconds(), why.word()]).map(drop)
}

/// Notes that an act is begun; says its number, or none where `most` were done in this session.
pub(super) fn begin_act(
    on: &Connection,
    session: u64,
    at: Moment,
    act: RepairAct,
    most: u32,
) -> rusqlite::Result<Option<i64>> {
    let Ok(session) = i64::try_from(session) else { return Ok(None) };
    let sql = "SELECT count(*) FROM repair_act WHERE session = ?1";
    let done: u32 = on.query_row(sql, [session], |row| row.get(0))?;
    if done >= most {
        return Ok(None);
    }
    let sql = "INSERT INTO repair_act (session, at, act) VALUES (?1, ?2, ?3)";
    on.execute(sql, params![session, at.unix_milliseconds(), act.word()])?;
    Ok(Some(on.last_insert_rowid()))
}

/// Notes what became of an act.
pub(super) fn finish_act(on: &Connection, number: i64, well: bool) -> rusqlite::Result<()> {
    on.execute("UPDATE repair_act SET well = ?2 WHERE number = ?1", params![number, well]).map(drop)
}

/// The sessions, the latest first, [`KEPT`] and one that is open at most.
pub(super) fn all(on: &Connection) -> rusqlite::Result<Vec<RepairSession>> {
    let mut query = on.prepare(
        "SELECT session, name, reason, opened, ends, ended, why FROM repair ORDER BY number DESC LIMIT 11",
    )?;
    let mut sessions = query.query_map([], session)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut acts = on.prepare("SELECT at, act, well FROM repair_act WHERE session = ?1 ORDER BY number")?;
    for session in &mut sessions {
        let number = i64::try_from(session.session).unwrap_or_default();
        let done = acts.query_map([number], act)?.collect::<rusqlite::Result<Vec<_>>>()?;
        session.acts = done.into_iter().flatten().collect();
    }
    Ok(sessions)
}

/// The last session alone, without its acts.
pub(super) fn last(on: &Connection) -> rusqlite::Result<Option<RepairSession>> {
    let sql =
        "SELECT session, name, reason, opened, ends, ended, why FROM repair ORDER BY number DESC LIMIT 1";
    on.query_row(sql, [], session).optional()
}

fn session(row: &Row<'_>) -> rusqlite::Result<RepairSession> {
    let why: String = row.get(6)?;
    let ended: Option<i64> = row.get(5)?;
    Ok(RepairSession {
        session: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
        by: row.get(1)?,
        reason: row.get(2)?,
        opened: Moment::from_unix_milliseconds(row.get(3)?),
        ends: Moment::from_unix_milliseconds(row.get(4)?),
        // A word of a later program is as good as the time that was over.
        ended: ended
            .map(|at| (Moment::from_unix_milliseconds(at), RepairEnd::read(&why).unwrap_or(RepairEnd::Time))),
        acts: Vec::new(),
    })
}

/// An act; none where a later program wrote one that this one does not know.
fn act(row: &Row<'_>) -> rusqlite::Result<Option<RepairDone>> {
    let (at, well) = (Moment::from_unix_milliseconds(row.get(0)?), row.get(2)?);
    let act = RepairAct::read(&row.get::<_, String>(1)?);
    Ok(act.map(|act| RepairDone { at, act, well }))
}
