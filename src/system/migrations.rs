//! Brings a file of SQLite to the form that this program reads, one step a version; the version is `user_version`.

use anyhow::ensure;
use rusqlite::{Connection, TransactionBehavior};

/// Takes the `steps` that the file has not taken yet; step n brings version n to n + 1. Two processes may open a fresh file
/// at once: each step is decided inside the transaction that makes it.
///
/// # Errors
/// When the file is of a later version, or the disk refuses.
pub fn migrate(connection: &mut Connection, steps: &[&str]) -> anyhow::Result<()> {
    let latest = u32::try_from(steps.len())?;
    loop {
        let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        ensure!(version <= latest, "the file is of a later version ({version})");
        if version == latest {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if let Some(step) = steps.get(usize::try_from(version)?) {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", version + 1)?;
        }
        transaction.commit()?;
    }
}
