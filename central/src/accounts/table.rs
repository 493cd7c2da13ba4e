//! The tables, and what acts read of them.

use preau::model::{Moment, Uai};

use super::{
    book::{Lines, Lock},
    compare::Counts,
};
use crate::database::{Database, Part, Row, Write};

/// The tables. What tells of persons is closed (`book`), counts and identifiers of schools are not.
pub const PART: Part = Part {
    name: "account",
    steps: &["
        -- The last number that was given at a school.
        CREATE TABLE account_school (school TEXT PRIMARY KEY, sequence BIGINT NOT NULL);
        -- What a school has of an origin; sealed to nobody where it has no box yet.
        CREATE TABLE account_book (
            school TEXT NOT NULL,
            origin TEXT NOT NULL,
            sequence BIGINT NOT NULL,
            changes BIGINT NOT NULL,
            sealed_to TEXT NOT NULL,
            at BIGINT NOT NULL,
            format TEXT NOT NULL,
            made TEXT,
            persons BIGINT NOT NULL,
            content BLOB NOT NULL,
            PRIMARY KEY (school, origin)
        );
        -- The deliveries that the school's view names.
        CREATE TABLE account_delivery (
            school TEXT NOT NULL,
            sequence BIGINT NOT NULL,
            origin TEXT NOT NULL,
            complete BIGINT NOT NULL,
            from_day TEXT,
            sealed_to TEXT NOT NULL,
            PRIMARY KEY (school, sequence)
        );
        CREATE TABLE account_feed (
            number BIGINT PRIMARY KEY,
            at BIGINT NOT NULL,
            giver TEXT NOT NULL,
            source TEXT NOT NULL,
            origin TEXT NOT NULL,
            format TEXT NOT NULL,
            made TEXT,
            from_day TEXT,
            strangers BIGINT NOT NULL,
            same BIGINT NOT NULL
        );
        -- What came of a feed for a school; its content for as long as it is held.
        CREATE TABLE account_share (
            feed BIGINT NOT NULL,
            school TEXT NOT NULL,
            state TEXT NOT NULL,
            why TEXT NOT NULL,
            added BIGINT NOT NULL,
            changed BIGINT NOT NULL,
            leaving BIGINT NOT NULL,
            unchanged BIGINT NOT NULL,
            sequence BIGINT NOT NULL,
            content BLOB,
            PRIMARY KEY (feed, school)
        );
        CREATE INDEX account_share_state ON account_share (state, school);
        CREATE TABLE account_record (
            feed BIGINT NOT NULL,
            kind TEXT NOT NULL,
            field TEXT NOT NULL,
            number BIGINT NOT NULL,
            places TEXT NOT NULL,
            PRIMARY KEY (feed, kind, field)
        );"],
};

/// What a school has of one origin.
#[derive(Debug)]
pub(super) struct Book {
    /// The last delivery; 0 before the first.
    pub(super) sequence: u64,
    /// Deliveries since the last complete one.
    pub(super) changes: i64,
    /// The box it was sealed to; empty for none.
    pub(super) sealed_to: String,
    /// The word of the format.
    pub(super) format: String,
    /// The day the feed was made.
    pub(super) made: Option<String>,
    /// Whom the school has; none where it cannot be opened.
    pub(super) lines: Option<Lines>,
}

/// A delivery that the school's view names.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) sequence: u64,
    pub(super) origin: String,
    pub(super) is_complete: bool,
    pub(super) from: Option<String>,
    pub(super) sealed_to: String,
}

/// What a school has of `origin`; none before the first.
pub(super) async fn book(
    database: &Database,
    lock: &Lock,
    school: &Uai,
    origin: &str,
) -> anyhow::Result<Option<Book>> {
    let sql = "SELECT sequence, changes, sealed_to, format, made, content FROM account_book
        WHERE school = $1 AND origin = $2";
    let rows = database.read(sql, &[school.as_str().into(), origin.into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Book {
        sequence: count(row, 0)?,
        changes: row.integer(1)?,
        sealed_to: row.text(2)?.to_owned(),
        format: row.text(3)?.to_owned(),
        made: row.text_or_nothing(4)?.map(str::to_owned),
        lines: lock.open(school, origin, row.bytes(5)?),
    }))
}

/// The last number that was given at the school; 0 before the first.
pub(super) async fn last_sequence(database: &Database, school: &Uai) -> anyhow::Result<u64> {
    let sql = "SELECT sequence FROM account_school WHERE school = $1";
    let rows = database.read(sql, &[school.as_str().into()]).await?;
    rows.first().map_or(Ok(0), |row| count(row, 0))
}

/// The deliveries that the school's view names, in order.
pub(super) async fn named(database: &Database, school: &Uai) -> anyhow::Result<Vec<Named>> {
    let sql = "SELECT sequence, origin, complete, from_day, sealed_to FROM account_delivery
        WHERE school = $1 ORDER BY sequence";
    let rows = database.read(sql, &[school.as_str().into()]).await?;
    let of = |row: &Row| {
        Ok(Named {
            sequence: count(row, 0)?,
            origin: row.text(1)?.to_owned(),
            is_complete: row.integer(2)? != 0,
            from: row.text_or_nothing(3)?.map(str::to_owned),
            sealed_to: row.text(4)?.to_owned(),
        })
    };
    rows.iter().map(of).collect()
}

/// Takes the number `next` for the school, whose last one was `last`; says whether nobody else took one meanwhile.
pub(super) async fn take_sequence(
    write: &mut Write,
    school: &Uai,
    last: u64,
    next: u64,
) -> anyhow::Result<bool> {
    let sql = "INSERT INTO account_school (school, sequence) VALUES ($1, 0) ON CONFLICT (school) DO NOTHING";
    write.execute(sql, &[school.as_str().into()]).await?;
    let sql = "UPDATE account_school SET sequence = $2 WHERE school = $1 AND sequence = $3";
    let values = [school.as_str().into(), i64::try_from(next)?.into(), i64::try_from(last)?.into()];
    Ok(write.execute(sql, &values).await? == 1)
}

/// What came of a feed for a school, to be kept.
#[derive(Debug)]
pub(super) struct Came<'a> {
    pub(super) feed: i64,
    pub(super) school: &'a Uai,
    /// The word of the state.
    pub(super) state: &'static str,
    /// The word of why it is held; empty for not.
    pub(super) why: String,
    pub(super) counts: Counts,
    /// The delivery it became; 0 for none.
    pub(super) sequence: u64,
    /// What is held, closed.
    pub(super) content: Option<Vec<u8>>,
}

/// Keeps what came of a feed for a school; what an earlier feed of `origin` left there to be decided is so no more.
pub(super) async fn keep_share(write: &mut Write, origin: &str, came: Came<'_>) -> anyhow::Result<()> {
    let Came { feed, school, state, why, counts, sequence, content } = came;
    overtake(write, school, origin, feed).await?;
    let Counts { added, changed, leaving, unchanged } = counts;
    let sql = "INSERT INTO account_share
            (feed, school, state, why, added, changed, leaving, unchanged, sequence, content)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (feed, school) DO UPDATE SET
            state = excluded.state, added = excluded.added, changed = excluded.changed,
            leaving = excluded.leaving, unchanged = excluded.unchanged, sequence = excluded.sequence,
            content = excluded.content";
    let values = [
        feed.into(),
        school.as_str().into(),
        state.into(),
        why.as_str().into(),
        i64::try_from(added)?.into(),
        i64::try_from(changed)?.into(),
        i64::try_from(leaving)?.into(),
        i64::try_from(unchanged)?.into(),
        i64::try_from(sequence)?.into(),
        content.as_deref().into(),
    ];
    write.execute(sql, &values).await.map(drop)
}

/// Drops what a feed before `feed` of the same origin left to be decided at the school.
pub(super) async fn overtake(write: &mut Write, school: &Uai, origin: &str, feed: i64) -> anyhow::Result<()> {
    let sql = "UPDATE account_share SET state = 'overtaken', content = NULL
        WHERE school = $1 AND state = 'held' AND feed < $3
            AND feed IN (SELECT number FROM account_feed WHERE origin = $2)";
    write.execute(sql, &[school.as_str().into(), origin.into(), feed.into()]).await.map(drop)
}

/// A count or number that is never negative.
pub(super) fn count(row: &Row, place: usize) -> anyhow::Result<u64> {
    Ok(u64::try_from(row.integer(place)?)?)
}

/// The counts that begin at column `place`.
pub(super) fn counts(row: &Row, place: usize) -> anyhow::Result<Counts> {
    Ok(Counts {
        added: count(row, place)?,
        changed: count(row, place + 1)?,
        leaving: count(row, place + 2)?,
        unchanged: count(row, place + 3)?,
    })
}

/// A moment.
pub(super) fn moment(row: &Row, place: usize) -> anyhow::Result<Moment> {
    Ok(Moment::from_unix_milliseconds(row.integer(place)?))
}
