//! The file `people.sqlite`: SQLite in WAL mode with every commit on the disk, for one writer at a time out of several
//! processes. What is deleted is overwritten.
//!
//! A damaged file stops whoever opens it with its name: it holds whom the school knows, and is not begun anew in silence.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, chown},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::tables::{MIGRATIONS, PLAN};
use crate::{identity::Directory, model::Uai, system::migrations};

/// How long somebody waits for the other process's transaction: longer than it takes to put a large delivery into force.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(10);

/// What the file of changes may keep on the disk between two transactions, in bytes.
const WAL_BYTES_KEPT: i64 = 4 << 20;

/// The directory on disk. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Register {
    connection: Arc<Mutex<Connection>>,
    /// Counts what went through this one: SQLite's own counter tells of other connections only.
    written: Arc<AtomicU64>,
}

/// A state of the register as a whole; another one says that somebody wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    own: u64,
    others: i64,
}

/// How a transaction ends.
pub(super) enum End<T> {
    Keep(T),
    Undo(T),
}

impl Register {
    /// The register in `state_dir`; made where it is missing.
    ///
    /// # Errors
    /// When the file cannot be made, is damaged, or is of a later version.
    pub fn open(state_dir: &Path) -> anyhow::Result<Self> {
        let path = Self::path(state_dir);
        // SQLite gives its companion files the same mode.
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open `{}`", path.display()))?;
        belong_to_the_box(state_dir, &path)
            .with_context(|| format!("cannot give `{}` to the box", path.display()))?;
        let connection = prepared(&path).with_context(|| format!("cannot use `{}`", path.display()))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), written: Arc::default() })
    }

    /// Where the register of a box with this state directory lies.
    #[must_use]
    pub fn path(state_dir: &Path) -> PathBuf {
        state_dir.join("people.sqlite")
    }

    /// The state the register is in. Costs no look at the disk.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn version(&self) -> anyhow::Result<Version> {
        let others = self.connection().pragma_query_value(None, "data_version", |row| row.get(0))?;
        Ok(Version { own: self.written.load(Ordering::Relaxed), others })
    }

    /// Counts the changes of persons in force: the same number, the same [`Directory`].
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn revision(&self) -> anyhow::Result<i64> {
        Ok(self.connection().query_row("SELECT number FROM revision", [], |row| row.get(0))?)
    }

    /// Everybody in force who belongs to the school `here`. A delivered password that this box cannot use is left out;
    /// its owner still signs in at the ENT.
    ///
    /// # Errors
    /// When the disk refuses, or a row is none that this module writes.
    pub fn snapshot(&self, here: &Uai) -> anyhow::Result<Directory> {
        super::find::directory(&self.connection(), here)
    }

    /// Reads, or computes what is thrown away afterwards.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Transaction<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let seen = look(&transaction)?;
        transaction.rollback()?;
        Ok(seen)
    }

    /// Writes: what `change` did is on disk when this returns, or nothing of it.
    pub(super) fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.write_or_undo(|transaction| change(transaction).map(End::Keep))
    }

    /// As [`Register::write`], where `change` may find that it is not to be kept.
    pub(super) fn write_or_undo<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> anyhow::Result<End<T>>,
    ) -> anyhow::Result<T> {
        let mut connection = self.connection();
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .context("cannot write to the directory; another `preau` is importing")?;
        match change(&transaction)? {
            End::Keep(done) => {
                transaction.commit().context("cannot keep the directory")?;
                self.written.fetch_add(1, Ordering::Relaxed);
                Ok(done)
            }
            End::Undo(seen) => {
                transaction.rollback()?;
                Ok(seen)
            }
        }
    }

    /// Whether `error` only says that another process is writing.
    #[must_use]
    pub fn is_busy(error: &anyhow::Error) -> bool {
        let code = error.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        code == Some(ErrorCode::DatabaseBusy)
    }

    /// Moves what was written into the file itself, so that the file of changes holds nothing of those who were deleted.
    /// Where somebody reads at that moment, the next one does it.
    pub(super) fn settle(&self) -> anyhow::Result<()> {
        Ok(self.connection().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A transaction that was cut short rolled back by itself.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Notes that persons in force are others than before.
pub(super) fn revise(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    transaction.execute("UPDATE revision SET number = number + 1", []).map(drop)
}

/// A file that root made by the command line belongs to whom its directory belongs to: the daemon is not root. SQLite
/// does the same for the files beside it.
fn belong_to_the_box(state_dir: &Path, path: &Path) -> io::Result<()> {
    let (dir, file) = (state_dir.metadata()?, path.metadata()?);
    if rustix::process::geteuid().is_root() && dir.uid() != file.uid() {
        chown(path, Some(dir.uid()), Some(dir.gid()))?;
    }
    Ok(())
}

fn prepared(path: &Path) -> anyhow::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WAIT_MAX)?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    ensure!(check == "ok", "the file is damaged; bring back a copy, or move it aside and import anew");
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    // A plan is a few megabytes at most; a file of it in a public directory would hold identifiers.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    migrations::migrate(&mut connection, &MIGRATIONS)?;
    connection.execute_batch(PLAN)?;
    Ok(connection)
}
