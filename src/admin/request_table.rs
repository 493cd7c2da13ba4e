//! Requests on disk: the tables `request` and `asker` of `school.sqlite`. Removed 30 days after they were made.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::opening_table::unreadable;
use crate::model::{AccountId, ClassName, Domain, Moment};

/// A request of a class is one row, however many ask; `class` is empty for people without one, who ask each alone.
pub(super) const TABLE: &str = "CREATE TABLE request (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        site TEXT NOT NULL,
        class TEXT NOT NULL,
        made INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('asked', 'opened', 'refused', 'passed-on')),
        answered INTEGER,
        answered_by TEXT,
        text TEXT NOT NULL DEFAULT '',
        until INTEGER
    ) STRICT;
    CREATE INDEX request_state ON request (state, class);
    CREATE TABLE asker (
        request INTEGER NOT NULL REFERENCES request (number) ON DELETE CASCADE,
        account TEXT NOT NULL,
        at INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY (request, account)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX asker_account ON asker (account);";

/// How long a request is kept, answered or not.
pub(super) const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// A site that people ask to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number, never given twice.
    pub number: i64,
    /// The site.
    pub site: Domain,
    /// The class that asks; none for somebody without one.
    pub class: Option<ClassName>,
    /// When it was first asked for.
    pub made: Moment,
    /// Who asks, the first one first.
    pub askers: Vec<Asking>,
    /// What became of it.
    pub state: State,
}

/// One who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    /// Who.
    pub account: AccountId,
    /// When.
    pub at: Moment,
    /// Why, in their own words; may be empty.
    pub reason: String,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has answered.
    Asked,
    /// Opened until that moment.
    Opened {
        /// When it was answered.
        at: Moment,
        /// The first moment after the opening, as it was decided.
        until: Moment,
    },
    /// Refused, with the reason.
    Refused {
        /// When it was answered.
        at: Moment,
        /// Why; may be empty.
        reason: String,
    },
    /// Passed on to the académie.
    PassedOn {
        /// When.
        at: Moment,
    },
}

/// Adds what `account` asks for, to the open request of the same class and site where there is one. Says its number.
pub(super) fn add(
    on: &Connection,
    site: &Domain,
    class: Option<&ClassName>,
    asking: &Asking,
) -> rusqlite::Result<i64> {
    let (class, at) = (class.map_or("", ClassName::as_str), asking.at.unix_milliseconds());
    let account = asking.account.as_str();
    let open = "SELECT number FROM request WHERE state = 'asked' AND site = ?1 AND class = ?2 AND
        (class <> '' OR EXISTS (SELECT 1 FROM asker WHERE request = number AND account = ?3))";
    let known: Option<i64> =
        on.query_row(open, params![site.as_str(), class, account], |row| row.get(0)).optional()?;
    let number = match known {
        Some(number) => number,
        None => {
            let sql = "INSERT INTO request (site, class, made, state) VALUES (?1, ?2, ?3, 'asked')";
            on.execute(sql, params![site.as_str(), class, at])?;
            on.last_insert_rowid()
        }
    };
    on.execute(
        "INSERT INTO asker (request, account, at, reason) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (request, account) DO UPDATE SET reason = excluded.reason",
        params![number, account, at, asking.reason],
    )?;
    Ok(number)
}

/// Answers a request that nobody has answered; says whether there was one.
pub(super) fn answer(on: &Connection, number: i64, state: &State, by: &AccountId) -> rusqlite::Result<bool> {
    let (word, at, text, until) = match state {
        State::Asked => ("asked", None, "", None),
        State::Opened { at, until } => ("opened", Some(at), "", Some(until)),
        State::Refused { at, reason } => ("refused", Some(at), reason.as_str(), None),
        State::PassedOn { at } => ("passed-on", Some(at), "", None),
    };
    let ms = |moment: Option<&Moment>| moment.map(|moment| moment.unix_milliseconds());
    let answered = on.execute(
        "UPDATE request SET state = ?2, answered = ?3, answered_by = ?4, text = ?5, until = ?6
         WHERE number = ?1 AND state = 'asked'",
        params![number, word, ms(at), by.as_str(), text, ms(until)],
    )?;
    Ok(answered == 1)
}

/// Removes what was made before `oldest`.
pub(super) fn forget_before(on: &Connection, oldest: Moment) -> rusqlite::Result<()> {
    let oldest = oldest.unix_milliseconds();
    on.execute("DELETE FROM asker WHERE request IN (SELECT number FROM request WHERE made < ?1)", [oldest])?;
    on.execute("DELETE FROM request WHERE made < ?1", [oldest]).map(drop)
}

/// How many requests there are, and how many of `account` nobody has answered.
pub(super) fn counts(on: &Connection, account: &AccountId) -> rusqlite::Result<(u32, u32)> {
    let all = on.query_row("SELECT count(*) FROM request", [], |row| row.get(0))?;
    let open = "SELECT count(*) FROM request JOIN asker ON request = number
        WHERE account = ?1 AND state = 'asked'";
    Ok((all, on.query_row(open, [account.as_str()], |row| row.get(0))?))
}

/// The requests that `keep` keeps, the latest first.
pub(super) fn all(on: &Connection, keep: impl Fn(&Request) -> bool) -> rusqlite::Result<Vec<Request>> {
    let mut askers =
        on.prepare("SELECT account, at, reason FROM asker WHERE request = ?1 ORDER BY at, account")?;
    let mut query = on.prepare(
        "SELECT number, site, class, made, state, answered, text, until FROM request ORDER BY number DESC",
    )?;
    let mut kept = Vec::new();
    for request in query.query_map([], read)? {
        let mut request = request?;
        request.askers = askers.query_map([request.number], read_asker)?.collect::<Result<_, _>>()?;
        if keep(&request) {
            kept.push(request);
        }
    }
    Ok(kept)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Request> {
    let moment = |column: usize| row.get(column).map(Moment::from_unix_milliseconds);
    let class: String = row.get(2)?;
    let state = match row.get::<_, String>(4)?.as_str() {
        "asked" => State::Asked,
        "opened" => State::Opened { at: moment(5)?, until: moment(7)? },
        "refused" => State::Refused { at: moment(5)?, reason: row.get(6)? },
        "passed-on" => State::PassedOn { at: moment(5)? },
        _ => return Err(unreadable(4)),
    };
    Ok(Request {
        number: row.get(0)?,
        site: row.get::<_, String>(1)?.parse().map_err(|_| unreadable(1))?,
        class: (!class.is_empty()).then(|| ClassName::new(&class)),
        made: moment(3)?,
        askers: Vec::new(),
        state,
    })
}

fn read_asker(row: &Row<'_>) -> rusqlite::Result<Asking> {
    Ok(Asking {
        account: AccountId::new(&row.get::<_, String>(0)?),
        at: Moment::from_unix_milliseconds(row.get(1)?),
        reason: row.get(2)?,
    })
}
