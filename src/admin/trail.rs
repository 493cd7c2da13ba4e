//! The trail of acts: who did what, when. Written with the act itself, never changed, removed after a year.

use std::time::Duration;

use rusqlite::{Connection, Transaction, params};

use super::{Granted, Store};
use crate::model::{AccountId, Moment};

/// The trail on disk.
pub(super) const TABLE: &str = "CREATE TABLE trail (
        number INTEGER PRIMARY KEY,
        at INTEGER NOT NULL,
        account TEXT NOT NULL,
        role TEXT NOT NULL,
        act TEXT NOT NULL,
        what TEXT NOT NULL
    ) STRICT;
    CREATE INDEX trail_at ON trail (at);";

/// How long an act is remembered: a school year and its holidays.
pub(super) const KEPT: Duration = Duration::from_secs(365 * 24 * 3600);

/// One act that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// When.
    pub at: Moment,
    /// By whom.
    pub account: AccountId,
    /// The act's word.
    pub act: String,
    /// What it was about, in French.
    pub what: String,
}

pub(super) fn write(
    transaction: &Transaction<'_>,
    granted: &Granted,
    what: &str,
    now: Moment,
) -> rusqlite::Result<()> {
    let account = granted.account();
    transaction.execute(
        "INSERT INTO trail (at, account, role, act, what) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            now.unix_milliseconds(),
            account.id.as_str(),
            account.role.word(),
            granted.act().word(),
            what
        ],
    )?;
    Ok(())
}

/// Removes the acts done before `oldest`.
pub(super) fn forget_before(transaction: &Transaction<'_>, oldest: Moment) -> rusqlite::Result<()> {
    transaction.execute("DELETE FROM trail WHERE at < ?1", [oldest.unix_milliseconds()]).map(drop)
}

impl Store {
    /// The last `count` acts, the latest first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn done(&self, count: u32) -> anyhow::Result<Vec<Done>> {
        self.read(move |connection| latest(connection, count)).await
    }
}

fn latest(connection: &Connection, count: u32) -> rusqlite::Result<Vec<Done>> {
    let mut query =
        connection.prepare("SELECT at, account, act, what FROM trail ORDER BY number DESC LIMIT ?1")?;
    let rows = query.query_map([count], |row| {
        Ok(Done {
            at: Moment::from_unix_milliseconds(row.get(0)?),
            account: AccountId::new(&row.get::<_, String>(1)?),
            act: row.get(2)?,
            what: row.get(3)?,
        })
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        admin::{Act, Actor, may},
        model::{Account, Role},
        system::clock::Clock,
    };

    #[tokio::test]
    async fn an_act_and_its_trace_are_on_disk_together_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let account = Account {
            id: AccountId::new("P1"),
            display_name: String::new(),
            role: Role::Enseignant,
            classes: Vec::new(),
        };
        let granted = may(&Actor(Arc::new(account)), Act::OpenForPupils).unwrap();
        let now = Moment::from_unix_seconds(1_795_417_200);
        let clock = Clock::from_fn(move || now);
        let store = Store::open(dir.path(), clock.clone()).unwrap();
        let ran =
            store.act(&granted, "6A".to_owned(), now, |on| on.execute("SELECT 1 FROM nothing", [])).await;
        assert!(ran.is_err());
        assert!(store.done(9).await.unwrap().is_empty());
        store.act(&granted, "6A".to_owned(), now, |_| Ok(())).await.unwrap();
        drop(store);
        let done = Store::open(dir.path(), clock).unwrap().done(9).await.unwrap();
        let expected = Done {
            at: now,
            account: AccountId::new("P1"),
            act: "open-for-pupils".to_owned(),
            what: "6A".to_owned(),
        };
        assert_eq!(done, [expected]);
    }
}
