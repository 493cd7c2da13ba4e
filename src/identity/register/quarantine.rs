//! Records that could not be taken, kept for the referent until the next complete delivery of their source takes effect,
//! or until somebody has seen them.

use rusqlite::{Transaction, params};

use super::Register;
use crate::model::AccountId;

/// The most that is given at once: a page or a screen of them is read, not thousands.
const SHOWN_MAX: u32 = 1000;

/// The longest text of a refused record in characters.
const REASON_CHARS_MAX: usize = 500;

/// Where a refused record stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) line: u64,
}

impl Place<'_> {
    /// The register itself found the fault; where the record stood is not known any more.
    pub(super) const NOWHERE: Self = Self { file: "", line: 0 };
}

/// A record that could not be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Names it, to dismiss it.
    pub number: i64,
    /// The delivery it came with.
    pub feed: i64,
    /// The file; none where the delivery as a whole shows the fault.
    pub file: Option<String>,
    /// The line, counted from 1, where there is a file.
    pub line: u64,
    /// Whose it is, where that could be read.
    pub id: Option<AccountId>,
    /// Why, in French, for the referent.
    pub reason: String,
}

impl Register {
    /// The first thousand records that could not be taken and that nobody dismissed, the latest delivery's first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn quarantine(&self) -> anyhow::Result<Vec<Quarantined>> {
        self.look(|transaction| first(transaction, "NOT is_dismissed AND ?2 = 0", 0, SHOWN_MAX))
    }

    /// How many records of the quarantine nobody has dismissed.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn quarantine_count(&self) -> anyhow::Result<u64> {
        self.look(|transaction| {
            let count: i64 =
                transaction
                    .query_row("SELECT count(*) FROM refused WHERE NOT is_dismissed", [], |row| row.get(0))?;
            Ok(u64::try_from(count)?)
        })
    }

    /// Shows the record `number` no more. Says whether it was shown.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn dismiss(&self, number: i64) -> anyhow::Result<bool> {
        self.write(|transaction| {
            let dismissed = transaction.execute(
                "UPDATE refused SET is_dismissed = 1 WHERE number = ?1 AND NOT is_dismissed",
                [number],
            )?;
            Ok(dismissed > 0)
        })
    }
}

/// The first `count_max` records `which`, a condition over `?2`; the latest delivery's first.
pub(super) fn first(
    transaction: &Transaction<'_>,
    which: &str,
    over: i64,
    count_max: u32,
) -> anyhow::Result<Vec<Quarantined>> {
    let mut query = transaction.prepare(&format!(
        "SELECT number, feed, file, line, id, reason FROM refused
            WHERE {which} ORDER BY feed DESC, number LIMIT ?1"
    ))?;
    let rows = query.query_map(params![count_max, over], |row| {
        let file: String = row.get(2)?;
        Ok(Quarantined {
            number: row.get(0)?,
            feed: row.get(1)?,
            file: Some(file).filter(|file| !file.is_empty()),
            line: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
            id: row.get::<_, Option<String>>(4)?.as_deref().map(AccountId::new),
            reason: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Keeps a record of `feed` that could not be taken.
pub(super) fn keep(
    transaction: &Transaction<'_>,
    feed: i64,
    place: &Place<'_>,
    id: Option<&str>,
    reason: &str,
) -> anyhow::Result<()> {
    let mut insert = transaction.prepare_cached(
        "INSERT INTO refused (feed, file, line, id, reason, is_dismissed) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
    )?;
    let line = i64::try_from(place.line).unwrap_or(i64::MAX);
    let reason: String = reason.chars().take(REASON_CHARS_MAX).collect();
    insert.execute(params![feed, place.file, line, id, reason])?;
    Ok(())
}
