//! The deliveries: those that wait, those that took effect, and what is in force altogether.

use std::fmt;

use anyhow::Context as _;
use jiff::civil::Date;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use super::{
    Register, Today, Why, guard,
    plan::{self, Delivery},
    row::{self, Source},
};
use crate::{
    identity::feed::{Extent, Format},
    model::{Moment, Uai},
};

/// The most deliveries that are listed.
const LISTED_MAX: u32 = 100;

/// Deliveries that are remembered after their end, beside the last complete one of each source; their records are not.
const REMEMBERED_MAX: u32 = 500;

/// What a delivery has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedState {
    /// It waits for its day, or for somebody to say yes.
    Waiting,
    /// It took effect at this moment.
    TookEffect(Moment),
    /// A later one took effect before it, at this moment; it never will.
    Overtaken(Moment),
}

/// One delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedView {
    /// Names it.
    pub number: i64,
    /// Its format.
    pub format: Format,
    /// Whether it speaks of everybody.
    pub extent: Extent,
    /// The day it was made, where it says so.
    pub made: Option<Date>,
    /// The names of its files.
    pub files: String,
    /// When it was staged.
    pub staged: Moment,
    /// The day it takes effect; none is at once.
    pub due: Option<Date>,
    /// What would hold it today, unless somebody said yes.
    pub held: Option<Why>,
    /// Whether somebody said yes to it.
    pub is_released: bool,
    /// What it has come to.
    pub state: FeedState,
}

/// One line for technicians, such as ``feed 12, Complet aaf of 2026-11-20, takes effect on 2026-12-19``.
impl fmt::Display for FeedView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, format, extent, made, due, held, state, .. } = self;
        write!(f, "feed {number}, {} {format}", extent.word())?;
        if let Some(made) = made {
            write!(f, " of {made}")?;
        }
        match (state, held, due) {
            (FeedState::TookEffect(at), ..) => write!(f, ", took effect {at}"),
            (FeedState::Overtaken(at), ..) => write!(f, ", overtaken {at}: a later one took effect first"),
            (FeedState::Waiting, Some(why), _) => {
                write!(f, ", HELD: {why}; say yes with `preau accounts release {number}`")
            }
            (FeedState::Waiting, None, Some(due)) => write!(f, ", takes effect on {due}"),
            (FeedState::Waiting, None, None) => f.write_str(", takes effect at once"),
        }
    }
}

/// What is in force altogether.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Persons who may sign in.
    pub persons: u64,
    /// Persons in the trash.
    pub in_trash: u64,
    /// Records that could not be taken and that nobody dismissed.
    pub quarantined: u64,
    /// The last delivery that took effect.
    pub last: Option<FeedView>,
    /// Those that wait, in their order.
    pub waiting: Vec<FeedView>,
}

impl Register {
    /// The deliveries that wait, in their order, then the last ones that ended.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn feeds(&self, today: Today) -> anyhow::Result<Vec<FeedView>> {
        self.look(|transaction| {
            listed(
                transaction,
                "TRUE ORDER BY state <> 0, CASE state WHEN 0 THEN number ELSE -number END",
                today,
            )
        })
    }

    /// What is in force altogether.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn standing(&self, today: Today) -> anyhow::Result<Standing> {
        self.look(|transaction| {
            let counted = |query: &str| -> anyhow::Result<u64> {
                Ok(u64::try_from(transaction.query_row(query, [], |row| row.get::<_, i64>(0))?)?)
            };
            Ok(Standing {
                persons: counted("SELECT count(*) FROM person WHERE left_on IS NULL")?,
                in_trash: counted("SELECT count(*) FROM person WHERE left_on IS NOT NULL")?,
                quarantined: counted("SELECT count(*) FROM refused WHERE NOT is_dismissed")?,
                last: listed(transaction, "state = 1 ORDER BY ended_at DESC, number DESC", today)?
                    .into_iter()
                    .next(),
                waiting: listed(transaction, "state = 0 ORDER BY number", today)?,
            })
        })
    }

    /// Lets the waiting delivery `number` take effect whatever holds it. Says whether it waits.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn release(&self, number: i64) -> anyhow::Result<bool> {
        self.write(|transaction| {
            let released = transaction
                .execute("UPDATE feed SET is_released = 1 WHERE number = ?1 AND state = 0", [number])?;
            Ok(released > 0)
        })
    }

    /// Sets the day on which the waiting delivery `number` takes effect; none is at once. Says whether it waits.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn postpone(&self, number: i64, due: Option<Date>) -> anyhow::Result<bool> {
        self.write(|transaction| {
            let due = due.map(|due| due.to_string());
            let update = "UPDATE feed SET due = ?2 WHERE number = ?1 AND state = 0";
            Ok(transaction.execute(update, params![number, due])? > 0)
        })
    }

    /// Removes the waiting delivery `number` with all it holds. Says whether it waited.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn drop_feed(&self, number: i64) -> anyhow::Result<bool> {
        self.write(|transaction| {
            Ok(transaction.execute("DELETE FROM feed WHERE number = ?1 AND state = 0", [number])? > 0)
        })
    }
}

const COLUMNS: &str =
    "number, format, is_complete, made, files, staged_at, due, is_released, state, ended_at";

fn listed(transaction: &Transaction<'_>, which: &str, today: Today) -> anyhow::Result<Vec<FeedView>> {
    let mut query = transaction.prepare(&format!("SELECT {COLUMNS} FROM feed WHERE {which} LIMIT ?1"))?;
    let rows = query.query_map([LISTED_MAX], view)?;
    let mut feeds: Vec<FeedView> = rows.collect::<Result<_, _>>()?;
    for feed in &mut feeds {
        if let Some(delivery) = waiting(transaction, feed.number)?.filter(|delivery| !delivery.is_released) {
            plan::make(transaction, &delivery, today)?;
            feed.held = guard::held(transaction, &delivery, today)?;
        }
    }
    Ok(feeds)
}

fn view(row: &Row<'_>) -> rusqlite::Result<FeedView> {
    let state = match (row.get::<_, u8>(8)?, row.get::<_, Option<i64>>(9)?) {
        (1, Some(at)) => FeedState::TookEffect(Moment::from_unix_milliseconds(at)),
        (2, Some(at)) => FeedState::Overtaken(Moment::from_unix_milliseconds(at)),
        _ => FeedState::Waiting,
    };
    Ok(FeedView {
        number: row.get(0)?,
        format: row::parsed(row, 1)?.unwrap_or(Format::Csv),
        extent: if row.get(2)? { Extent::Complete } else { Extent::Delta },
        made: row::parsed(row, 3)?,
        files: row.get(4)?,
        staged: Moment::from_unix_milliseconds(row.get(5)?),
        due: row::parsed(row, 6)?,
        held: None,
        is_released: row.get(7)?,
        state,
    })
}

/// What the plan of the waiting delivery `number` depends on; none where no such one waits.
pub(super) fn waiting(transaction: &Transaction<'_>, number: i64) -> anyhow::Result<Option<Delivery>> {
    let mut query = transaction.prepare_cached(
        "SELECT source, is_complete, is_cut, is_released, here FROM feed WHERE number = ?1 AND state = 0",
    )?;
    let found = query
        .query_row([number], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get::<_, String>(4)?))
        })
        .optional()?;
    let Some((source, is_complete, is_cut, is_released, here)) = found else { return Ok(None) };
    let here = Uai::new(&here).context("the school of a feed is no code")?;
    Ok(Some(Delivery { number, source, is_complete, is_cut, is_released, here }))
}

/// The day of the latest delivery of `source` that took effect and said its day.
pub(super) fn latest_day(transaction: &Transaction<'_>, source: Source) -> anyhow::Result<Option<Date>> {
    let query = "SELECT max(made) FROM feed WHERE source = ?1 AND state = 1";
    Ok(transaction.query_row(query, [source.word()], |row| row::parsed(row, 0))?)
}

/// The delivery of `source` with this content that waits, or that was the last to take effect.
pub(super) fn known(
    transaction: &Transaction<'_>,
    source: Source,
    content: &[u8],
) -> rusqlite::Result<Option<i64>> {
    let query = "SELECT number FROM feed WHERE source = ?1 AND content = ?2 AND (state = 0 OR number =
        (SELECT number FROM feed WHERE source = ?1 AND state = 1 ORDER BY ended_at DESC, number DESC LIMIT 1))";
    transaction.query_row(query, params![source.word(), content], |row| row.get(0)).optional()
}

/// When a delivery that should take effect on `due` can: what tells changes waits for what it changes.
pub(super) fn no_earlier_than_its_base(
    transaction: &Transaction<'_>,
    source: Source,
    extent: Extent,
    day: Date,
    due: Option<Date>,
) -> rusqlite::Result<Option<Date>> {
    if extent == Extent::Complete {
        return Ok(due);
    }
    let query = "SELECT max(due) FROM feed WHERE source = ?1 AND state = 0 AND day <= ?2";
    let base: Option<Date> =
        transaction.query_row(query, params![source.word(), day.to_string()], |row| row::parsed(row, 0))?;
    Ok(due.max(base))
}

/// Ends a delivery and removes its records. Deliveries that ended long ago are forgotten.
pub(super) fn end(
    transaction: &Transaction<'_>,
    number: i64,
    state: u8,
    now: Moment,
) -> rusqlite::Result<()> {
    transaction.execute(
        "UPDATE feed SET state = ?2, ended_at = ?3 WHERE number = ?1",
        params![number, state, now.unix_milliseconds()],
    )?;
    transaction.execute("DELETE FROM record WHERE feed = ?1", [number])?;
    transaction.execute("DELETE FROM note WHERE feed = ?1", [number])?;
    transaction.execute(
        "DELETE FROM feed WHERE state <> 0 AND number NOT IN
            (SELECT number FROM feed WHERE state <> 0 ORDER BY number DESC LIMIT ?1)
            AND number NOT IN (SELECT max(number) FROM feed WHERE state = 1 AND is_complete GROUP BY source)
            AND NOT EXISTS (SELECT 1 FROM refused WHERE refused.feed = feed.number)",
        [REMEMBERED_MAX],
    )?;
    Ok(())
}
