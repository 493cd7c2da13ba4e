//! The editions there were.

use anyhow::Context as _;
use preau::{model::Moment, protocol::index};

use crate::{
    channel::Stored,
    database::{Database, Row},
};

/// An edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its number.
    pub number: u64,
    /// When it was added.
    pub at: Moment,
    /// The day the newest of its lists was last changed.
    pub date: String,
    /// What stands for the whole of it, see [`preau::lists::edition::Manifest::digest`].
    pub digest: String,
    /// How many names, addresses and URLs it has.
    pub names: u64,
    /// The target with all of it.
    pub whole: Stored,
    /// The target with the way from the edition before.
    pub difference: Option<Stored>,
}

/// The last editions, the newest first, at most `count`.
///
/// # Errors
/// When the database refuses.
pub async fn latest(database: &Database, count: u32) -> anyhow::Result<Vec<Known>> {
    let sql = "SELECT number, at, date, digest, names, whole_sha256, whole_length, difference_sha256,
        difference_length FROM edition ORDER BY number DESC LIMIT $1";
    database.read(sql, &[i64::from(count).into()]).await?.iter().map(Known::of).collect()
}

impl Known {
    /// The name of the target with all of it.
    pub(super) fn whole_name(&self) -> String {
        format!("lists/{}.whole", self.number)
    }

    /// The name of the target with the way from the edition before.
    pub(super) fn difference_name(&self) -> String {
        format!("lists/{}-{}.difference", self.number.saturating_sub(1), self.number)
    }

    fn of(row: &Row) -> anyhow::Result<Self> {
        let stored = |sha256: &[u8], length: i64| -> anyhow::Result<Stored> {
            let sha256 = sha256.try_into().context("a digest of another length")?;
            Ok(Stored { sha256, length: u64::try_from(length)? })
        };
        let difference = row.integer_or_nothing(8)?;
        Ok(Self {
            number: u64::try_from(row.integer(0)?)?,
            at: Moment::from_unix_milliseconds(row.integer(1)?),
            date: row.text(2)?.to_owned(),
            digest: row.text(3)?.to_owned(),
            names: u64::try_from(row.integer(4)?)?,
            whole: stored(row.bytes(5)?, row.integer(6)?)?,
            difference: difference.map(|length| stored(row.bytes(7)?, length)).transpose()?,
        })
    }
}

/// The index of the channel for these editions, the newest first: the newest is to be in force, and the differences lead to
/// it from those that follow each other without a gap.
pub(super) fn index_of(editions: &[Known]) -> Option<index::Lists> {
    let newest = editions.first()?;
    let mut differences = Vec::new();
    for edition in editions.iter().take_while(|edition| edition.difference.is_some()) {
        differences.push(index::Difference {
            from: edition.number.saturating_sub(1),
            to: edition.number,
            digest: edition.digest.clone(),
            target: edition.difference_name(),
        });
    }
    Some(index::Lists {
        version: index::VERSION,
        edition: index::Edition {
            number: newest.number,
            date: newest.date.clone(),
            digest: newest.digest.clone(),
            target: newest.whole_name(),
        },
        differences,
    })
}
