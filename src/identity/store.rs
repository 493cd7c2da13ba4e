//! Sessions and learned passwords on disk, so that a restart keeps everybody signed in. SQLite in WAL mode with every
//! commit on the disk.
//!
//! The file holds nothing that cannot be made again: when it is damaged it is moved aside, people sign in again, and
//! choose their password for the days without Internet again.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use rusqlite::{Connection, Row, params};
use tracing::warn;

use super::{
    learned::Learned,
    password::Verifier,
    sessions::{Beginning, Over, Proof, Session},
    token::TokenDigest,
};
use crate::{
    model::{AccountId, Assurance, Mac, Moment, PresenceChange, ZoneKind},
    system::migrations,
};

/// What brings a file of version n to n + 1; the version is SQLite's `user_version`. Times are milliseconds since 1970;
/// `over_by` is 3 for signed out and 4 for expired, as in the journal. `token` is a digest (`token.rs`), and `verifier` a PHC
/// string; version 1 had accounts of the school's own file only.
const MIGRATIONS: [&str; 2] = [
    "CREATE TABLE session (
        machine BLOB NOT NULL PRIMARY KEY CHECK (length(machine) = 6),
        account TEXT NOT NULL,
        zone TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER NOT NULL,
        over_at INTEGER,
        over_by INTEGER CHECK (over_by IN (3, 4)),
        CHECK ((over_at IS NULL) = (over_by IS NULL))
    ) STRICT, WITHOUT ROWID;",
    "ALTER TABLE session ADD COLUMN assurance TEXT NOT NULL DEFAULT 'local';
    ALTER TABLE session ADD COLUMN token BLOB CHECK (length(token) = 32);
    ALTER TABLE session ADD COLUMN zone_kind TEXT;
    CREATE TABLE learned (
        account TEXT NOT NULL PRIMARY KEY,
        verifier TEXT NOT NULL,
        learned_at INTEGER NOT NULL,
        online_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;",
];

/// How long a commit waits for somebody who reads the file by hand.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(2);

/// What a file holds.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) sessions: Vec<(Mac, Session)>,
    pub(super) learned: HashMap<AccountId, Learned>,
}

/// The file of sessions.
#[derive(Debug)]
pub(super) struct Store {
    connection: Connection,
}

impl Store {
    /// The store at `path` and what is in it. A damaged file is moved aside and begun anew.
    ///
    /// # Errors
    /// When even an empty file cannot be made.
    pub(super) fn open(path: &Path) -> anyhow::Result<(Self, Kept)> {
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

    fn open_as_it_is(path: &Path) -> anyhow::Result<(Self, Kept)> {
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
        migrations::migrate(&mut connection, &MIGRATIONS)?;
        let store = Self { connection };
        let kept = Kept { sessions: store.sessions()?, learned: store.learned()? };
        Ok((store, kept))
    }

    fn sessions(&self) -> anyhow::Result<Vec<(Mac, Session)>> {
        let mut query = self.connection.prepare(
            "SELECT machine, account, zone, since, until, over_at, over_by, assurance, token, zone_kind FROM session",
        )?;
        let rows = query.query_and_then([], session)?;
        rows.collect()
    }

    fn learned(&self) -> anyhow::Result<HashMap<AccountId, Learned>> {
        let mut query = self.connection.prepare("SELECT account, verifier, online_at FROM learned")?;
        let rows = query.query_and_then([], |row| {
            let verifier = Verifier::parse(&row.get::<_, String>(1)?).map_err(anyhow::Error::msg)?;
            let online_at = row.get(2).map(Moment::from_unix_milliseconds)?;
            Ok((AccountId::new(&row.get::<_, String>(0)?), Learned { verifier, online_at }))
        })?;
        rows.collect()
    }

    /// Writes a session that begins, and removes those that give way.
    pub(super) fn begin(&mut self, beginning: &Beginning) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for machine in &beginning.giving_way {
            transaction.execute("DELETE FROM session WHERE machine = ?1", [machine.bytes()])?;
        }
        let Session {
            account_id,
            account: _,
            assurance,
            proof,
            zone,
            since,
            until,
            over: _,
            has_travelled: _,
            addresses: _,
        } = &beginning.session;
        transaction.execute(
            "REPLACE INTO session (machine, account, zone, since, until, assurance, token, zone_kind)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                beginning.machine.bytes(),
                account_id.as_str(),
                zone.as_str(),
                since.unix_milliseconds(),
                until.unix_milliseconds(),
                assurance.word(),
                proof.map(|proof| proof.digest.0),
                proof.map(|proof| proof.zone_kind.word()),
            ],
        )?;
        if *assurance == Assurance::Online {
            transaction.execute(
                "UPDATE learned SET online_at = ?2 WHERE account = ?1",
                params![account_id.as_str(), since.unix_milliseconds()],
            )?;
        }
        transaction.commit()
    }

    /// Writes that sessions are over, so that a restart does not bring them back.
    pub(super) fn end(&mut self, ended: &[(Mac, Over)]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for (machine, over) in ended {
            let over_by = match over.change {
                PresenceChange::SignedOut => 3,
                _ => 4,
            };
            transaction.execute(
                "UPDATE session SET over_at = ?2, over_by = ?3 WHERE machine = ?1",
                params![machine.bytes(), over.at.unix_milliseconds(), over_by],
            )?;
        }
        transaction.commit()
    }

    /// Writes a password that was learned, as a PHC string, with the moments of learning and of the last sign-in at the
    /// ENT.
    pub(super) fn learn(
        &mut self,
        account: &AccountId,
        verifier: &str,
        (learned_at, online_at): (Moment, Moment),
    ) -> rusqlite::Result<()> {
        let (learned_at, online_at) = (learned_at.unix_milliseconds(), online_at.unix_milliseconds());
        let row = params![account.as_str(), verifier, learned_at, online_at];
        self.connection
            .execute(
                "REPLACE INTO learned (account, verifier, learned_at, online_at) VALUES (?1, ?2, ?3, ?4)",
                row,
            )
            .map(drop)
    }

    /// Removes the learned passwords of `accounts`.
    pub(super) fn forget_learned(&mut self, accounts: &[AccountId]) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for account in accounts {
            transaction.execute("DELETE FROM learned WHERE account = ?1", [account.as_str()])?;
        }
        transaction.commit()
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

fn session(row: &Row<'_>) -> anyhow::Result<(Mac, Session)> {
    let moment = |index| row.get(index).map(Moment::from_unix_milliseconds);
    let over = match (row.get::<_, Option<i64>>(5)?, row.get::<_, Option<i64>>(6)?) {
        (Some(at), by) => {
            let change = if by == Some(3) { PresenceChange::SignedOut } else { PresenceChange::Expired };
            Some(Over { at: Moment::from_unix_milliseconds(at), change, is_written: false })
        }
        (None, _) => None,
    };
    let assurance: String = row.get(7)?;
    let assurance = Assurance::ALL.into_iter().find(|known| known.word() == assurance);
    let proof = match (row.get::<_, Option<[u8; 32]>>(8)?, row.get::<_, Option<String>>(9)?) {
        (Some(digest), Some(kind)) => {
            let zone_kind: ZoneKind = kind.parse().map_err(anyhow::Error::msg)?;
            Some(Proof { digest: TokenDigest(digest), zone_kind })
        }
        _ => None,
    };
    let session = Session {
        account_id: AccountId::new(&row.get::<_, String>(1)?),
        account: None,
        assurance: assurance.context("a session of unknown assurance")?,
        proof,
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
