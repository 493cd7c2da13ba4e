//! SQLite: one file, one process.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use rusqlite::{Connection, ErrorCode, OpenFlags, params_from_iter, types::ValueRef};
use tokio::task::spawn_blocking;

use super::{
    Row, Value,
    lane::{Lane, Place},
    unreachable::{TURN_WAIT_MAX, Unreachable},
};

/// Connections that read at once; more only wait for the same disk.
const READERS: usize = 4;

/// Statements a connection keeps prepared.
const PREPARED_MAX: usize = 128;

/// How long the backup may wait for a writer to end.
const BACKUP_WAIT_MAX: Duration = Duration::from_secs(60);

/// The file.
#[derive(Debug)]
pub(super) struct Sqlite {
    path: PathBuf,
    writer: Arc<Lane<Connection>>,
    readers: Arc<Lane<Connection>>,
}

/// A connection that goes back when dropped.
#[derive(Debug)]
struct Lent {
    connection: Option<Connection>,
    place: Place<Connection>,
}

/// A writing transaction.
#[derive(Debug)]
pub(super) struct Writing {
    lent: Option<Lent>,
}

impl Sqlite {
    pub(super) async fn open(path: &Path) -> anyhow::Result<Self> {
        let sqlite = Self {
            path: path.to_owned(),
            writer: Arc::new(Lane::new(1)),
            readers: Arc::new(Lane::new(READERS)),
        };
        create_private(path).or_else(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Ok(()),
            _ => Err(error),
        })?;
        // Opened at once, so that what cannot be opened is told at once.
        drop(sqlite.lend(&sqlite.writer, Access::Write).await?);
        Ok(sqlite)
    }

    pub(super) async fn write(&self) -> anyhow::Result<Writing> {
        let mut writing = Writing { lent: Some(self.lend(&self.writer, Access::Write).await?) };
        writing.batch("BEGIN IMMEDIATE").await?;
        Ok(writing)
    }

    pub(super) async fn read(&self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        let lent = self.lend(&self.readers, Access::Read).await?;
        let (_, rows) = lent.with(query(sql, values)).await?;
        Ok(rows)
    }

    /// A number that another one stands for once another process has written. What this one writes does not change it, for
    /// all of that goes by the connection that is asked.
    pub(super) async fn version_of_others(&self) -> anyhow::Result<i64> {
        let lent = self.lend(&self.writer, Access::Write).await?;
        let ask = |connection: &Connection| {
            connection.query_row("PRAGMA data_version", [], |row| row.get(0)).map_err(told)
        };
        let (_, version) = lent.with(ask).await?;
        Ok(version)
    }

    /// Writes all that is committed into a new file, while others read and write.
    pub(super) async fn back_up(&self, to: &Path) -> anyhow::Result<()> {
        let (from, to) = (self.path.clone(), to.to_owned());
        spawn_blocking(move || {
            let context = || format!("cannot write `{}`", to.display());
            create_private(&to).with_context(context)?;
            copy(&from, &to).with_context(context).inspect_err(|_| {
                // What is there of it is no database.
                let _ = fs::remove_file(&to);
            })
        })
        .await?
    }

    async fn lend(&self, lane: &Lane<Connection>, access: Access) -> anyhow::Result<Lent> {
        let place = lane.enter(TURN_WAIT_MAX).await?;
        let connection = match place.take() {
            Some(connection) => connection,
            None => {
                let path = self.path.clone();
                spawn_blocking(move || connect(&path, access)).await?.map_err(told)?
            }
        };
        Ok(Lent { connection: Some(connection), place })
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl Lent {
    /// Works with the connection on a thread that may wait for the disk. Where nobody waits for the end any more, the
    /// connection keeps its place until the work is done. One that failed is closed, which undoes what it had begun.
    async fn with<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&Connection) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<(Self, T)> {
        spawn_blocking(move || {
            let connection = self.connection.as_ref().context("the connection is lost")?;
            let done = work(connection);
            if done.is_err() {
                self.connection = None;
            }
            done.map(|done| (self, done))
        })
        .await?
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // A transaction that was left is undone; where even that fails, the connection is closed, which undoes it.
        if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
            self.place.give_back(connection);
        }
    }
}

impl Writing {
    pub(super) async fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64> {
        let (sql, values) = (in_sqlite(sql), values.to_vec());
        let changed = self
            .with(move |connection| {
                let mut statement = connection.prepare_cached(&sql).map_err(told)?;
                statement.execute(params_from_iter(values.iter().map(bound))).map_err(told)
            })
            .await?;
        Ok(u64::try_from(changed)?)
    }

    pub(super) async fn read(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        self.with(query(sql, values)).await
    }

    pub(super) async fn batch(&mut self, sql: &str) -> anyhow::Result<()> {
        let sql = sql.to_owned();
        self.with(move |connection| connection.execute_batch(&sql).map_err(told)).await
    }

    pub(super) async fn commit(mut self) -> anyhow::Result<()> {
        self.batch("COMMIT").await
    }

    async fn with<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let lent = self.lent.take().context("the transaction has failed before")?;
        let (lent, done) = lent.with(work).await?;
        self.lent = Some(lent);
        Ok(done)
    }
}

/// Makes an empty file that nobody else reads; the files that SQLite puts beside it are as this one.
fn create_private(path: &Path) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// Writes all that is committed in `from` into the empty file `to`.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.busy_timeout(BACKUP_WAIT_MAX)?;
    let name = to.to_str().context("the name is not UTF-8")?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(told)?;
    Ok(File::open(to)?.sync_all()?)
}

fn connect(path: &Path, access: Access) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(TURN_WAIT_MAX)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_MAX);
    // PostgreSQL's LIKE tells small letters from capitals; so shall this one.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
        PRAGMA case_sensitive_like = ON;",
    )?;
    if access == Access::Read {
        connection.execute_batch("PRAGMA query_only = ON")?;
    }
    Ok(connection)
}

fn query(
    sql: &str,
    values: &[Value],
) -> impl FnOnce(&Connection) -> anyhow::Result<Vec<Row>> + Send + 'static {
    let (sql, values) = (in_sqlite(sql), values.to_vec());
    move |connection| {
        let mut statement = connection.prepare_cached(&sql).map_err(told)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(values.iter().map(bound))).map_err(told)?;
        let mut read = Vec::new();
        while let Some(row) = rows.next().map_err(told)? {
            let values = (0..columns).map(|place| unbound(row.get_ref(place)?));
            read.push(Row(values.collect::<anyhow::Result<_>>()?));
        }
        Ok(read)
    }
}

/// The error, with [`Unreachable`] before it where it is of that kind.
fn told(error: rusqlite::Error) -> anyhow::Error {
    let unreachable = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Unreachable::FULL,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Unreachable::BUSY,
        Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen) => Unreachable::DISK,
        Some(ErrorCode::ReadOnly) => Unreachable::READ_ONLY,
        _ => return error.into(),
    };
    anyhow::Error::from(error).context(unreachable)
}

/// SQLite numbers its values `?1`.
fn in_sqlite(sql: &str) -> String {
    sql.replace('$', "?")
}

fn bound(value: &Value) -> rusqlite::types::ToSqlOutput<'_> {
    rusqlite::types::ToSqlOutput::Borrowed(match value {
        Value::Nothing => ValueRef::Null,
        Value::Integer(integer) => ValueRef::Integer(*integer),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
        Value::Bytes(bytes) => ValueRef::Blob(bytes),
    })
}

fn unbound(value: ValueRef<'_>) -> anyhow::Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Nothing,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(_) => bail!("a number with a fraction, which central does not use"),
        ValueRef::Text(text) => {
            Value::Text(std::str::from_utf8(text).context("a text is not UTF-8")?.to_owned())
        }
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    })
}
