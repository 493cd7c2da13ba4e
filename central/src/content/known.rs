//! The packages there are, and the catalogue of those that schools may have.

use std::collections::BTreeMap;

use anyhow::Context as _;
use preau::{
    model::Moment,
    protocol::content::{Catalogue, Package, VERSION},
};

use crate::{
    channel::Stored,
    database::{Database, Row, Write},
};

/// One version of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is, with its approval if it has one.
    pub package: Package,
    /// When it was added.
    pub at: Moment,
    /// The list of its pieces.
    pub chunks: Stored,
    /// When it was removed, if it was.
    pub removed: Option<Moment>,
}

const SQL: &str =
    "SELECT package, at, chunks_sha256, chunks_length, removed FROM content_package ORDER BY id, version";

/// Every version of every package, by identifier and version; those that were removed as well.
///
/// # Errors
/// When the database refuses.
pub async fn all(database: &Database) -> anyhow::Result<Vec<Known>> {
    database.read(SQL, &[]).await?.iter().map(Known::of).collect()
}

/// The same, as it stands in a writing that goes on.
pub(super) async fn all_in(write: &mut Write) -> anyhow::Result<Vec<Known>> {
    write.read(SQL, &[]).await?.iter().map(Known::of).collect()
}

impl Known {
    fn of(row: &Row) -> anyhow::Result<Self> {
        let sha256 = row.bytes(2)?.try_into().context("a digest of another length")?;
        Ok(Self {
            package: serde_json::from_str(row.text(0)?).context("a package that cannot be read")?,
            at: Moment::from_unix_milliseconds(row.integer(1)?),
            chunks: Stored { sha256, length: u64::try_from(row.integer(3)?)? },
            removed: row.integer_or_nothing(4)?.map(Moment::from_unix_milliseconds),
        })
    }
}

/// The catalogue of these packages: of each the latest version that is approved and was not removed.
pub(super) fn catalogue_of(known: &[Known]) -> Catalogue {
    let fit = known.iter().filter(|known| known.removed.is_none() && known.package.approved.is_some());
    let mut latest = BTreeMap::<&str, &Package>::new();
    for Known { package, .. } in fit {
        let before = latest.get(package.id.as_str());
        if before.is_none_or(|before| before.version < package.version) {
            latest.insert(&package.id, package);
        }
    }
    Catalogue { version: VERSION, packages: latest.into_values().cloned().collect() }
}
