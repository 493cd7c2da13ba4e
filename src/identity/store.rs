//! Sessions on disk, so that a restart keeps everybody signed in. SQLite in WAL mode with every commit on the disk.
//!
//! The file holds nothing that cannot be made again: when it is damaged it is moved aside and people sign in again.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use rusqlite::{Connection, Row, params};
use tracing::warn;

use super::sessions::{Beginning, Over, Session};
use crate::model::{AccountId, Mac, Moment, PresenceChange};

/// What brings a file of version n to n + 1; the version is SQLite's `user_version`. Times are milliseconds since 1970;
/// `over_by` is 3 for signed out and 4 for expired, as in the journal.
const MIGRATIONS: [&str; 1] = ["CREATE TABLE session (
        machine BLOB NOT NULL PRIMARY KEY CHECK (length(machine) = 6),
        account TEXT NOT NULL,
        zone TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER NOT NULL,
        over_at INTEGER,
        over_by INTEGER CHECK (over_by IN (3, 4)),
        CHECK ((over_at IS NULL) = (over_by IS NULL))
    ) STRICT, WITHOUT ROWID;"];

/// How long a commit waits for somebody who reads the file by hand.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(2);

/// The file of sessions.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
}

impl Store {
    /// The store at `path` and the sessions in it. A damaged file is moved aside and begun anew.
    ///
    /// # Errors
    /// When even an empty file cannot be made.
    pub(super) fn open(path: &Path) -> anyhow::Result<(Self, Vec<(Mac, Session)>)> {
        match Self::open_as_it_is(path) {
            Ok(opened) => Ok(opened),
            Err(cause) => {
                warn!(
                    cause = format!("{cause:#}"),
                    "sessions are unreadable and moved aside; people sign in again"
                );
                move_aside(path).with_context(|| format!("cannot move `{}` aside", path.display()))?;
                Self::open_as_it_is(path)
            }
        }
    }

    fn open_as_it_is(path: &Path) -> anyhow::Result<(Self, Vec<(Mac, Session)>)> {
        // SQLite gives its companion files the same mode.
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .with_context(|| format!("cannot open `{}`", path.display()))?;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_WAIT_MAX)?;
        let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        ensure!(check == "ok", "the file is damaged");
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        migrate(&mut connection)?;
        let store = Self { connection };
        let sessions = store.load()?;
        Ok((store, sessions))
    }

    fn load(&self) -> anyhow::Result<Vec<(Mac, Session)>> {
        let mut query = self
            .connection
            .prepare("SELECT machine, account, zone, since, until, over_at, over_by FROM session")?;
        let rows = query.query_and_then([], session)?;
        rows.collect()
    }

    /// Writes a session that begins, and removes those that give way.
    pub(super) fn begin(&mut self, beginning: &Beginning) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for machine in &beginning.giving_way {
            transaction.execute("DELETE FROM session WHERE machine = ?1", [machine.bytes()])?;
        }
        let Session { account_id, account: _, zone, since, until, over: _, has_travelled: _, addresses: _ } =
            &beginning.session;
        transaction.execute(
            "REPLACE INTO session (machine, account, zone, since, until) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                beginning.machine.bytes(),
                account_id.as_str(),
                zone.as_str(),
                since.unix_milliseconds(),
                until.unix_milliseconds()
            ],
        )?;
        transaction.commit()
    }

    /// Writes that a session is over, so that a restart does not bring it back.
    pub(super) fn end(&mut self, machine: Mac, over: Over) -> rusqlite::Result<()> {
        let over_by = match over.change {
            PresenceChange::SignedOut => 3,
            _ => 4,
        };
        self.connection
            .execute(
                "UPDATE session SET over_at = ?2, over_by = ?3 WHERE machine = ?1",
                params![machine.bytes(), over.at.unix_milliseconds(), over_by],
            )
            .map(drop)
    }

    /// Removes sessions, each by its machine and its beginning.
    pub(super) fn forget(&mut self, sessions: &[(Mac, Moment)]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for (machine, since) in sessions {
            transaction.execute(
                "DELETE FROM session WHERE machine = ?1 AND since = ?2",
                params![machine.bytes(), since.unix_milliseconds()],
            )?;
        }
        transaction.commit()
    }
}

fn migrate(connection: &mut Connection) -> anyhow::Result<()> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let latest = u32::try_from(MIGRATIONS.len())?;
    ensure!(version <= latest, "the file is of a later version ({version})");
    for (reached, step) in (1..=latest).zip(MIGRATIONS).skip(usize::try_from(version)?) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", reached)?;
        transaction.commit()?;
    }
    Ok(())
}

fn session(row: &Row<'_>) -> anyhow::Result<(Mac, Session)> {
    let moment = |index| row.get(index).map(Moment::from_unix_milliseconds);
    let over = match (row.get::<_, Option<i64>>(5)?, row.get::<_, Option<i64>>(6)?) {
        (Some(at), by) => {
            let change = if by == Some(3) { PresenceChange::SignedOut } else { PresenceChange::Expired };
            Some(Over { at: Moment::from_unix_milliseconds(at), change, is_written: false })
        }
        (None, _) => None,
    };
    let session = Session {
        account_id: AccountId::new(&row.get::<_, String>(1)?),
        account: None,
        zone: row.get::<_, String>(2)?.parse()?,
        since: moment(3)?,
        until: moment(4)?,
        over,
        has_travelled: false,
        addresses: Vec::new(),
    };
    Ok((Mac::new(row.get(0)?), session))
}

/// Renames the file and its companions, replacing what was moved aside before.
fn move_aside(path: &Path) -> io::Result<()> {
    for ending in ["", "-wal", "-shm"] {
        let companion = with_ending(path, ending);
        match fs::rename(&companion, with_ending(&companion, ".damaged")) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
    }
    Ok(())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(ending);
    PathBuf::from(path)
}
