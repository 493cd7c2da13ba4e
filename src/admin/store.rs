//! What acts of administration leave on disk: `school.sqlite`. SQLite in WAL mode with every commit on the disk.
//!
//! A damaged file stops the daemon's start with its name: it holds what people decided, and is not begun anew in silence.

use std::{
    convert::Infallible,
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use rusqlite::{Connection, Transaction};

use super::{Granted, announcements, devices, opening_table, repair_table, request_table, trail, vouchers};
use crate::{
    model::{ClockTrust, Moment},
    system::{clock::Clock, migrations},
};

/// What brings a file of version n to n + 1; the version is SQLite's `user_version`. Times are milliseconds since 1970.
const MIGRATIONS: [&str; 8] = [
    trail::TABLE,
    opening_table::TABLE,
    request_table::TABLE,
    devices::TABLE,
    vouchers::TABLES,
    announcements::TABLE,
    request_table::ACADEMIE,
    repair_table::TABLES,
];

/// How long a commit waits for somebody who reads the file by hand.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(2);

/// The file of what was decided. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Store {
    connection: Arc<Mutex<Connection>>,
    /// Asked whether it is to be believed before anything is removed for its age.
    clock: Clock,
}

impl Store {
    /// The store in `state_dir`; made where it is missing. While `clock` is in doubt nothing in it grows too old.
    ///
    /// # Errors
    /// When the file cannot be made, is damaged, or is of a later version.
    pub fn open(state_dir: &Path, clock: Clock) -> anyhow::Result<Self> {
        let path = state_dir.join("school.sqlite");
        // SQLite gives its companion files the same mode.
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("cannot open `{}`", path.display()))?;
        let connection = prepared(&path).with_context(|| format!("cannot use `{}`", path.display()))?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), clock })
    }

    /// Reads, on a thread that may wait for the disk.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let connection = Arc::clone(&self.connection);
        let looked = tokio::task::spawn_blocking(move || {
            look(&connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        Ok(looked.await.context("the daemon is stopping")??)
    }

    /// Changes what nobody in the school decided: whole, or not at all.
    ///
    /// # Errors
    /// When the disk refuses: nothing has then happened.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let connection = Arc::clone(&self.connection);
        let changed = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            // A transaction that is dropped is rolled back.
            let transaction = connection.transaction()?;
            let result = change(&transaction)?;
            transaction.commit()?;
            Ok::<_, rusqlite::Error>(result)
        });
        Ok(changed.await.context("the daemon is stopping")??)
    }

    /// As [`Store::read`], for the daemon's start and threads that may wait.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(super) fn read_at_start<T>(
        &self,
        look: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> anyhow::Result<T> {
        Ok(look(&self.connection())?)
    }

    /// The clock that it was opened with.
    pub(super) const fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment before which what is kept for `kept` is too old at `now`. While the clock is in doubt nothing is: one
    /// boot in 2099 must not take away what people decided.
    pub(super) fn too_old(&self, now: Moment, kept: Duration) -> Moment {
        match self.clock.trust() {
            ClockTrust::Trusted => now - kept,
            ClockTrust::Doubtful => Moment::from_unix_seconds(0),
        }
    }

    /// Does what was granted, and writes it into the trail as `what` in the same transaction. Both are on disk when this
    /// returns, or neither.
    ///
    /// # Errors
    /// When the disk refuses: nothing has then happened.
    pub(super) async fn act<T: Send + 'static>(
        &self,
        granted: &Granted,
        what: String,
        now: Moment,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let done = self.act_unless(granted, what, now, |on| change(on).map(Ok::<T, Infallible>)).await?;
        Ok(done.unwrap_or_else(|never| match never {}))
    }

    /// As [`Store::act`], for what may turn out to be refused: then nothing has happened, and the trail is silent.
    ///
    /// # Errors
    /// When the disk refuses: nothing has then happened.
    pub(super) async fn act_unless<T: Send + 'static, R: Send + 'static>(
        &self,
        granted: &Granted,
        what: String,
        now: Moment,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<Result<T, R>> + Send + 'static,
    ) -> anyhow::Result<Result<T, R>> {
        let told = move |on: &Transaction<'_>| Ok(change(on)?.map(|result| Traced { result, what }));
        self.act_and_tell(granted, now, told).await
    }

    /// As [`Store::act_unless`], where only the act itself finds out what the trail has to say.
    ///
    /// # Errors
    /// When the disk refuses: nothing has then happened.
    pub(super) async fn act_and_tell<T: Send + 'static, R: Send + 'static>(
        &self,
        granted: &Granted,
        now: Moment,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<Result<Traced<T>, R>> + Send + 'static,
    ) -> anyhow::Result<Result<T, R>> {
        let (connection, granted) = (Arc::clone(&self.connection), granted.clone());
        let too_old = self.too_old(now, trail::KEPT);
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            let transaction = connection.transaction()?;
            // A transaction that is dropped is rolled back.
            let Traced { result, what } = match change(&transaction)? {
                Ok(traced) => traced,
                Err(refusal) => return Ok(Err(refusal)),
            };
            trail::write(&transaction, &granted, &what, now)?;
            trail::forget_before(&transaction, too_old)?;
            transaction.commit()?;
            Ok::<_, rusqlite::Error>(Ok(result))
        });
        Ok(done.await.context("the daemon is stopping")??)
    }
}

/// What an act came to, and what the trail says of it.
#[derive(Debug)]
pub(super) struct Traced<T> {
    pub(super) result: T,
    pub(super) what: String,
}

fn prepared(path: &Path) -> anyhow::Result<Connection> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_WAIT_MAX)?;
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    ensure!(check == "ok", "the file is damaged; move it aside to begin a new one");
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    // What is deleted of people is overwritten.
    connection.pragma_update(None, "secure_delete", true)?;
    migrations::migrate(&mut connection, &MIGRATIONS)?;
    Ok(connection)
}
