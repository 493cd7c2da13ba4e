//! SQLite: one file, one process.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use rusqlite::{Connection, params_from_iter, types::ValueRef};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
};

use super::{Row, Value};

/// How long another process, such as a backup, may hold the file before a statement gives up.
const BUSY_MAX: Duration = Duration::from_secs(10);

/// Connections that read at once; more only wait for the same disk.
const READERS: usize = 4;

/// The file.
#[derive(Debug)]
pub(super) struct Sqlite {
    path: PathBuf,
    writer: Arc<Lane>,
    readers: Arc<Lane>,
}

/// Connections that are given out and come back.
#[derive(Debug)]
struct Lane {
    free: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
}

/// A connection that goes back when dropped.
#[derive(Debug)]
struct Lent {
    connection: Option<Connection>,
    lane: Arc<Lane>,
    _place: OwnedSemaphorePermit,
}

/// A writing transaction.
#[derive(Debug)]
pub(super) struct Writing {
    lent: Option<Lent>,
}

impl Sqlite {
    pub(super) async fn open(path: &Path) -> anyhow::Result<Self> {
        let lane =
            |places| Arc::new(Lane { free: Mutex::default(), places: Arc::new(Semaphore::new(places)) });
        let sqlite = Self { path: path.to_owned(), writer: lane(1), readers: lane(READERS) };
        // Opened at once, so that what cannot be opened is told at once.
        drop(sqlite.lend(&sqlite.writer).await?);
        Ok(sqlite)
    }

    pub(super) async fn write(&self) -> anyhow::Result<Writing> {
        let mut writing = Writing { lent: Some(self.lend(&self.writer).await?) };
        writing.batch("BEGIN IMMEDIATE").await?;
        Ok(writing)
    }

    pub(super) async fn read(&self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        let lent = self.lend(&self.readers).await?;
        let (_, rows) = lent.with(query(sql, values)).await?;
        Ok(rows)
    }

    async fn lend(&self, lane: &Arc<Lane>) -> anyhow::Result<Lent> {
        let place = Arc::clone(&lane.places).acquire_owned().await?;
        let free = lane.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match free {
            Some(connection) => connection,
            None => {
                let path = self.path.clone();
                spawn_blocking(move || connect(&path)).await??
            }
        };
        Ok(Lent { connection: Some(connection), lane: Arc::clone(lane), _place: place })
    }
}

impl Lent {
    /// Works with the connection on a thread that may wait for the disk.
    async fn with<T: Send + 'static>(
        mut self,
        work: impl FnOnce(&Connection) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<(Self, T)> {
        let connection = self.connection.take().context("the connection is lost")?;
        let (connection, done) = spawn_blocking(move || {
            let done = work(&connection);
            (connection, done)
        })
        .await?;
        self.connection = Some(connection);
        done.map(|done| (self, done))
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        // A transaction that was left is undone; where even that fails, the connection is closed, which undoes it.
        if connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok() {
            self.lane.free.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

impl Writing {
    pub(super) async fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64> {
        let (sql, values) = (in_sqlite(sql), values.to_vec());
        let changed = self
            .with(move |connection| {
                let mut statement = connection.prepare_cached(&sql)?;
                Ok(statement.execute(params_from_iter(values.iter().map(bound)))?)
            })
            .await?;
        Ok(u64::try_from(changed)?)
    }

    pub(super) async fn read(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        self.with(query(sql, values)).await
    }

    pub(super) async fn batch(&mut self, sql: &str) -> anyhow::Result<()> {
        let sql = sql.to_owned();
        self.with(move |connection| Ok(connection.execute_batch(&sql)?)).await
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

fn connect(path: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_MAX)?;
    connection
        .execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")?;
    Ok(connection)
}

fn query(
    sql: &str,
    values: &[Value],
) -> impl FnOnce(&Connection) -> anyhow::Result<Vec<Row>> + Send + 'static {
    let (sql, values) = (in_sqlite(sql), values.to_vec());
    move |connection| {
        let mut statement = connection.prepare_cached(&sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(values.iter().map(bound)))?;
        let mut read = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|place| Ok(unbound(row.get_ref(place)?)));
            read.push(Row(values.collect::<anyhow::Result<_>>()?));
        }
        Ok(read)
    }
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

fn unbound(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Nothing,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Text(real.to_string()),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
    }
}
