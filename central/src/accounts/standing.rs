//! What pages show of feeds and of what schools have: counts, days and words, nobody's name.

use anyhow::Context as _;
use preau::model::{Moment, Uai};

use super::{
    compare::{Counts, Why},
    give::Accounts,
    share::Records,
    table::{count, counts, moment},
};
use crate::database::{Row, Value};

/// A feed that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Its number.
    pub number: i64,
    /// When it came.
    pub at: Moment,
    /// Who brought it; empty for a command on central's machine.
    pub giver: String,
    /// The names of its files.
    pub source: String,
    /// The word of its format.
    pub format: String,
    /// The day it was made, where it says so.
    pub made: Option<String>,
    /// The first day it may take effect; none for the word of the calendar.
    pub from: Option<String>,
    /// Schools it names that have no place in the channel.
    pub strangers: u64,
    /// Schools that had what it says already.
    pub same: u64,
    /// Schools that it was given to.
    pub given: u64,
    /// Schools for which it is held.
    pub held: u64,
    /// Records that could not be taken.
    pub refused: u64,
}

/// How a feed stands at a school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It waits for somebody's word.
    Held(Why),
    /// It went to the box as this delivery.
    Sent(u64),
    /// It waits for the school's first box.
    NoBox,
    /// Somebody refused it.
    Refused,
    /// A later feed came before anybody said anything.
    Overtaken,
    /// The school has what a feed of a later day said.
    Older,
}

/// What came of a feed for a school.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedShare {
    /// The school.
    pub school: Uai,
    /// How it stands.
    pub state: State,
    /// What it does, or would.
    pub counts: Counts,
}

/// What a school has of one origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Having {
    /// The school.
    pub school: Uai,
    /// The word of the format.
    pub format: String,
    /// How many persons.
    pub persons: u64,
    /// The last delivery; 0 where the school has no box yet.
    pub sequence: u64,
    /// When it was given.
    pub at: Moment,
    /// The day its feed was made, where it says so.
    pub made: Option<String>,
}

/// What is read of a feed.
const FEED: &str =
    "SELECT f.number, f.at, f.giver, f.source, f.format, f.made, f.from_day, f.strangers, f.same,
        (SELECT COUNT(*) FROM account_share s WHERE s.feed = f.number AND s.state IN ('sent', 'no-box')),
        (SELECT COUNT(*) FROM account_share s WHERE s.feed = f.number AND s.state = 'held'),
        (SELECT CAST(COALESCE(SUM(r.number), 0) AS BIGINT) FROM account_record r WHERE r.feed = f.number)
    FROM account_feed f";

impl Accounts {
    /// What schools have, by school.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn having(&self) -> anyhow::Result<Vec<Having>> {
        let sql =
            "SELECT school, format, persons, sequence, at, made FROM account_book ORDER BY school, origin";
        let of = |row: &Row| {
            Ok(Having {
                school: school(row, 0)?,
                format: row.text(1)?.to_owned(),
                persons: count(row, 2)?,
                sequence: count(row, 3)?,
                at: moment(row, 4)?,
                made: row.text_or_nothing(5)?.map(str::to_owned),
            })
        };
        self.database.read(sql, &[]).await?.iter().map(of).collect()
    }

    /// The number of the last delivery that was given at `school`; none before the first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn last_delivery(&self, school: &Uai) -> anyhow::Result<Option<u64>> {
        let last = super::table::last_sequence(&self.database, school).await?;
        Ok(Some(last).filter(|last| *last > 0))
    }

    /// The last `most` feeds, the newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn feeds(&self, most: i64) -> anyhow::Result<Vec<Feed>> {
        self.read_feeds("ORDER BY f.number DESC LIMIT $1", most.into()).await
    }

    /// The feeds of which something is held, the newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn feeds_held(&self) -> anyhow::Result<Vec<Feed>> {
        let held = "WHERE EXISTS (SELECT 1 FROM account_share h WHERE h.feed = f.number AND h.state = $1)";
        self.read_feeds(&format!("{held} ORDER BY f.number DESC"), "held".into()).await
    }

    /// The feed of that number; none where it is not kept any more.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn feed(&self, number: i64) -> anyhow::Result<Option<Feed>> {
        Ok(self.read_feeds("WHERE f.number = $1", number.into()).await?.pop())
    }

    /// What came of a feed, school by school; those that had what it says already are not among them.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn shares(&self, feed: i64) -> anyhow::Result<Vec<FeedShare>> {
        let sql = "SELECT school, state, why, sequence, added, changed, leaving, unchanged
            FROM account_share WHERE feed = $1 ORDER BY school";
        let of = |row: &Row| {
            let state = match row.text(1)? {
                "held" => State::Held(Why::read(row.text(2)?).context("it is not known why a feed is held")?),
                "sent" => State::Sent(count(row, 3)?),
                "no-box" => State::NoBox,
                "refused" => State::Refused,
                "older" => State::Older,
                _ => State::Overtaken,
            };
            Ok(FeedShare { school: school(row, 0)?, state, counts: counts(row, 4)? })
        };
        self.database.read(sql, &[feed.into()]).await?.iter().map(of).collect()
    }

    /// The records of a feed that could not be taken, by kind, the most frequent first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn records(&self, feed: i64) -> anyhow::Result<Vec<Records>> {
        let sql = "SELECT kind, field, number, places FROM account_record WHERE feed = $1
            ORDER BY number DESC, kind, field";
        let of = |row: &Row| {
            Ok(Records {
                kind: row.text(0)?.to_owned(),
                field: row.text(1)?.to_owned(),
                count: count(row, 2)?,
                places: row.text(3)?.lines().map(str::to_owned).collect(),
            })
        };
        self.database.read(sql, &[feed.into()]).await?.iter().map(of).collect()
    }

    async fn read_feeds(&self, which: &str, value: Value) -> anyhow::Result<Vec<Feed>> {
        let of = |row: &Row| {
            Ok(Feed {
                number: row.integer(0)?,
                at: moment(row, 1)?,
                giver: row.text(2)?.to_owned(),
                source: row.text(3)?.to_owned(),
                format: row.text(4)?.to_owned(),
                made: row.text_or_nothing(5)?.map(str::to_owned),
                from: row.text_or_nothing(6)?.map(str::to_owned),
                strangers: count(row, 7)?,
                same: count(row, 8)?,
                given: count(row, 9)?,
                held: count(row, 10)?,
                refused: count(row, 11)?,
            })
        };
        self.database.read(&format!("{FEED} {which}"), &[value]).await?.iter().map(of).collect()
    }
}

fn school(row: &Row, place: usize) -> anyhow::Result<Uai> {
    Uai::new(row.text(place)?).context("a school's code is malformed")
}
