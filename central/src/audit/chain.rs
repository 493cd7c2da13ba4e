//! The chain of digests, walked from the first line to the last.

use std::{fmt, str::FromStr};

use anyhow::Context as _;

use super::line::{COLUMNS, COLUMNS_COUNT, Line};
use crate::database::{Database, Row, Write};

/// Lines read at once.
const LINES_AT_ONCE: i64 = 1000;

/// The last line, or any other: its number and digest. Written `NUMBER:DIGEST`, the digest as 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The line's number; 0 before the first.
    pub number: i64,
    /// Its digest; zeros before the first.
    pub digest: [u8; 32],
}

/// Where the chain does not hold: the first line that is not what was written, or is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit trail was changed: line {at} is not what was written")]
pub struct Broken {
    /// The line's number.
    pub at: i64,
}

/// Why the trail is not verified.
#[derive(Debug, thiserror::Error)]
pub enum Unverified {
    /// Somebody changed it.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// It could not be read.
    #[error(transparent)]
    Unread(#[from] anyhow::Error),
}

/// Walks all lines and says which is the last; `known` are heads that were kept elsewhere and must be among them.
///
/// # Errors
/// With the first line that is not what was written; or when the database cannot be read.
pub async fn verify(database: &Database, known: &[Head]) -> Result<Head, Unverified> {
    let sql = format!("SELECT {COLUMNS}, digest FROM audit_line WHERE number > $1 ORDER BY number LIMIT $2");
    let mut head = Head::START;
    loop {
        let rows = database.read(&sql, &[head.number.into(), LINES_AT_ONCE.into()]).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            head = head.next(row)?;
            if known.iter().any(|known| known.number == head.number && known.digest != head.digest) {
                return Err(Unverified::Broken(Broken { at: head.number }));
            }
        }
    }
    // A trail that ends before a head that was kept has lost its end.
    match known.iter().any(|known| known.number > head.number) {
        true => Err(Unverified::Broken(Broken { at: head.number + 1 })),
        false => Ok(head),
    }
}

/// The last line, as this transaction sees it.
pub(super) async fn last(write: &mut Write) -> anyhow::Result<Head> {
    let rows = write.read("SELECT number, digest FROM audit_line ORDER BY number DESC LIMIT 1", &[]).await?;
    let Some(row) = rows.first() else { return Ok(Head::START) };
    let digest = row.bytes(1)?.try_into().context("the last line of the audit trail has no digest")?;
    Ok(Head { number: row.integer(0)?, digest })
}

impl Head {
    /// What is before the first line.
    const START: Self = Self { number: 0, digest: [0; 32] };

    /// The line after this one, where `row` is it.
    fn next(&self, row: &Row) -> Result<Self, Broken> {
        let number = self.number + 1;
        let line = Line::from_row(row).ok().filter(|line| line.number == number);
        let digest = line.map(|line| line.digest(&self.digest)).ok_or(Broken { at: number })?;
        if row.bytes(COLUMNS_COUNT).ok() == Some(&digest) {
            Ok(Self { number, digest })
        } else {
            Err(Broken { at: number })
        }
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, blake3::Hash::from_bytes(self.digest).to_hex())
    }
}

impl FromStr for Head {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (number, digest) = text.split_once(':')?;
            let digest = *blake3::Hash::from_hex(digest).ok()?.as_bytes();
            Some(Self { number: number.parse().ok().filter(|number| *number >= 0)?, digest })
        };
        read().with_context(|| format!("`{text}` is not NUMBER:DIGEST, as `audit verify` prints it"))
    }
}
