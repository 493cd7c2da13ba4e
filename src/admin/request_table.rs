//! Requests on disk: the tables `request` and `asker` of `school.sqlite`. Removed 30 days after they were made.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::opening_table::unreadable;
use crate::{
    model::{AccountId, ClassName, Domain, Moment},
    protocol::line::PassedOn,
};

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

/// What the académie is asked and answers: the wish, whether its central keeps the request, and its answer.
pub(super) const ACADEMIE: &str = "ALTER TABLE request ADD COLUMN wish TEXT NOT NULL DEFAULT 'open';
    ALTER TABLE request ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE request ADD COLUMN settled INTEGER;
    ALTER TABLE request ADD COLUMN granted INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE request ADD COLUMN sentence TEXT NOT NULL DEFAULT '';";

/// How long a request is kept, answered or not.
pub(super) const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// Requests told to the académie in one report; what is beyond follows when these are kept there.
const TOLD_AT_ONCE: u32 = 50;

/// What people want of a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// That it be opened.
    Open,
    /// That it be closed.
    Close,
}

/// A site that people ask to be opened, or closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its number, never given twice.
    pub number: i64,
    /// The site.
    pub site: Domain,
    /// What is wanted of it.
    pub wish: Wish,
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
    /// Passed on to the académie, which has not answered.
    PassedOn {
        /// When.
        at: Moment,
        /// What was said of it to the académie; may be empty.
        word: String,
    },
    /// Answered by the académie.
    Settled {
        /// When its answer came.
        at: Moment,
        /// Whether the wish was granted.
        granted: bool,
        /// A sentence for those who asked; may be empty.
        sentence: String,
    },
}

impl Wish {
    /// The word it is kept and told by.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
        }
    }
}

/// Adds what `account` asks for, to the open request of the same class and site where there is one. Says its number.
pub(super) fn add(
    on: &Connection,
    site: &Domain,
    wish: Wish,
    class: Option<&ClassName>,
    asking: &Asking,
) -> rusqlite::Result<i64> {
    let (class, at) = (class.map_or("", ClassName::as_str), asking.at.unix_milliseconds());
    let account = asking.account.as_str();
    let open =
        "SELECT number FROM request WHERE state = 'asked' AND site = ?1 AND class = ?2 AND wish = ?4 AND
        (class <> '' OR EXISTS (SELECT 1 FROM asker WHERE request = number AND account = ?3))";
    let known: Option<i64> = on
        .query_row(open, params![site.as_str(), class, account, wish.word()], |row| row.get(0))
        .optional()?;
    let number = match known {
        Some(number) => number,
        None => {
            let sql = "INSERT INTO request (site, class, made, state, wish) VALUES (?1, ?2, ?3, 'asked', ?4)";
            on.execute(sql, params![site.as_str(), class, at, wish.word()])?;
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
        // The académie answers by `settle`.
        State::Asked | State::Settled { .. } => return Ok(false),
        State::Opened { at, until } => ("opened", Some(at), "", Some(until)),
        State::Refused { at, reason } => ("refused", Some(at), reason.as_str(), None),
        State::PassedOn { at, word } => ("passed-on", Some(at), word.as_str(), None),
    };
    let ms = |moment: Option<&Moment>| moment.map(|moment| moment.unix_milliseconds());
    let answered = on.execute(
        "UPDATE request SET state = ?2, answered = ?3, answered_by = ?4, text = ?5, until = ?6
         WHERE number = ?1 AND state = 'asked'",
        params![number, word, ms(at), by.as_str(), text, ms(until)],
    )?;
    Ok(answered == 1)
}

/// What was passed on and is not kept by the académie yet, the first one first, [`TOLD_AT_ONCE`] at most. No person is in it.
pub(super) fn untold(on: &Connection) -> rusqlite::Result<Vec<PassedOn>> {
    let sql = format!(
        "SELECT number, site, wish, class, (SELECT count(*) FROM asker WHERE request = number), text, answered
         FROM request WHERE state = 'passed-on' AND told = 0 ORDER BY number LIMIT {TOLD_AT_ONCE}"
    );
    let passed_on = |row: &Row<'_>| {
        Ok(PassedOn {
            number: count(row, 0)?,
            site: row.get(1)?,
            wish: row.get(2)?,
            class: row.get(3)?,
            askers: count(row, 4)?,
            word: row.get(5)?,
            at: Moment::from_unix_milliseconds(row.get(6)?).unix_seconds(),
        })
    };
    on.prepare(&sql)?.query_map([], passed_on)?.collect()
}

/// Notes that the académie keeps a request: it need not be told again.
pub(super) fn is_told(on: &Connection, told: &PassedOn) -> rusqlite::Result<()> {
    let Ok(number) = i64::try_from(told.number) else { return Ok(()) };
    on.execute("UPDATE request SET told = 1 WHERE number = ?1", [number]).map(drop)
}

/// Keeps the académie's answer to what was passed on; says whether there was such a request. The same answer may come again.
pub(super) fn settle(
    on: &Connection,
    number: u64,
    site: &str,
    granted: bool,
    sentence: &str,
    now: Moment,
) -> rusqlite::Result<bool> {
    let Ok(number) = i64::try_from(number) else { return Ok(false) };
    let settled = on.execute(
        "UPDATE request SET told = 1, settled = ?3, granted = ?4, sentence = ?5
         WHERE number = ?1 AND site = ?2 AND state = 'passed-on'",
        params![number, site, now.unix_milliseconds(), granted, sentence],
    )?;
    Ok(settled == 1)
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
        "SELECT number, site, class, made, state, answered, text, until, wish, settled, granted, sentence
         FROM request ORDER BY number DESC",
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
        "passed-on" => match row.get(9)? {
            None => State::PassedOn { at: moment(5)?, word: row.get(6)? },
            Some(at) => State::Settled {
                at: Moment::from_unix_milliseconds(at),
                granted: row.get(10)?,
                sentence: row.get(11)?,
            },
        },
        _ => return Err(unreadable(4)),
    };
    let wish: String = row.get(8)?;
    let wish = [Wish::Open, Wish::Close].into_iter().find(|known| known.word() == wish);
    Ok(Request {
        number: row.get(0)?,
        site: row.get::<_, String>(1)?.parse().map_err(|_| unreadable(1))?,
        wish: wish.ok_or_else(|| unreadable(8))?,
        class: (!class.is_empty()).then(|| ClassName::new(&class)),
        made: moment(3)?,
        askers: Vec::new(),
        state,
    })
}

fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(column)?).map_err(|_| unreadable(column))
}

fn read_asker(row: &Row<'_>) -> rusqlite::Result<Asking> {
    Ok(Asking {
        account: AccountId::new(&row.get::<_, String>(0)?),
        at: Moment::from_unix_milliseconds(row.get(1)?),
        reason: row.get(2)?,
    })
}
