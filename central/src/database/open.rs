//! The database whichever it is: opened, read, and written to by one at a time.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    EVERYTHING, Location, Part, Row, Signals, Value,
    part::{self, Dialect},
    postgres, sqlite,
};

/// How often it is looked whether another process wrote into a SQLite file.
const OTHERS_EVERY: Duration = Duration::from_secs(1);

/// The database. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Database {
    engine: Engine,
    signals: Signals,
}

#[derive(Clone, Debug)]
enum Engine {
    Sqlite(Arc<sqlite::Sqlite>),
    Postgres(Arc<postgres::Postgres>),
}

/// The one writing transaction. Dropped without [`Write::commit`], it never was.
#[derive(Debug)]
pub struct Write {
    inner: Inner,
    signals: Signals,
    topics: BTreeSet<String>,
    /// Something failed, or nobody waited for its end: what was written is not whole.
    spoiled: bool,
}

#[derive(Debug)]
enum Inner {
    Sqlite(sqlite::Writing),
    Postgres(postgres::Writing),
}

impl Database {
    /// Opens the database and brings every part of its schema to the form this program knows.
    ///
    /// # Errors
    /// When it cannot be reached or opened, or a part is of a later version.
    pub async fn open(location: &Location, parts: &[Part]) -> anyhow::Result<Self> {
        let database = Self::connect(location).await?;
        let mut write = database.write().await?;
        part::migrate(&mut write, parts).await?;
        write.commit().await?;
        Ok(database)
    }

    /// Opens a database that is there, with the schema it has.
    ///
    /// # Errors
    /// When it is not there, or cannot be reached or opened.
    pub async fn open_as_it_is(location: &Location) -> anyhow::Result<Self> {
        if let Location::Sqlite(path) = location {
            ensure!(path.exists(), "`{}` is not there", path.display());
        }
        Self::connect(location).await
    }

    async fn connect(location: &Location) -> anyhow::Result<Self> {
        let signals = Signals::default();
        let context = || format!("cannot open {location}");
        let engine = match location {
            Location::Sqlite(path) => {
                Engine::Sqlite(Arc::new(sqlite::Sqlite::open(path).await.with_context(context)?))
            }
            Location::Postgres(url) => {
                let opened = postgres::Postgres::open(url, signals.clone()).await;
                Engine::Postgres(Arc::new(opened.with_context(context)?))
            }
        };
        Ok(Self { engine, signals })
    }

    /// Begins to write, as soon as nobody else does.
    ///
    /// # Errors
    /// When the database cannot be reached, or another writes for too long ([`super::Unreachable`]).
    pub async fn write(&self) -> anyhow::Result<Write> {
        let inner = match &self.engine {
            Engine::Sqlite(sqlite) => Inner::Sqlite(sqlite.write().await?),
            Engine::Postgres(postgres) => Inner::Postgres(postgres.write().await?),
        };
        Ok(Write { inner, signals: self.signals.clone(), topics: BTreeSet::new(), spoiled: false })
    }

    /// Reads what is committed. A statement that would write is refused.
    ///
    /// # Errors
    /// When the database cannot be reached ([`super::Unreachable`]) or refuses.
    pub async fn read(&self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        check(values)?;
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.read(sql, values).await,
            Engine::Postgres(postgres) => postgres.read(sql, values).await,
        }
    }

    /// Says when something was written, here or by another instance.
    #[must_use]
    pub fn signals(&self) -> &Signals {
        &self.signals
    }

    /// Tells of what other processes write into a SQLite file, such as a command beside the service, until the stop signal.
    /// PostgreSQL tells by itself.
    ///
    /// # Errors
    /// Never; a file that cannot be looked into is looked into again.
    pub async fn hear_others(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Engine::Sqlite(sqlite) = &self.engine else {
            stop.cancelled().await;
            return Ok(());
        };
        let mut known = None;
        loop {
            // One that cannot be told waits for the next look.
            if let Ok(version) = sqlite.version_of_others().await
                && known.replace(version).is_some_and(|before| before != version)
            {
                self.signals.tell(EVERYTHING);
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(OTHERS_EVERY) => {}
            }
        }
    }

    /// Writes all that is committed into a new SQLite file at `path`, while others read and write. The copy is a database as
    /// it stands: to restore it, put it in the place of the file while nothing runs.
    ///
    /// # Errors
    /// When `path` is there already, or the disk refuses; with PostgreSQL, whose own `pg_dump` does it.
    pub async fn back_up(&self, path: &Path) -> anyhow::Result<()> {
        match &self.engine {
            Engine::Sqlite(sqlite) => sqlite.back_up(path).await,
            Engine::Postgres(_) => {
                bail!("PostgreSQL has its own: `pg_dump --format=custom --file=FILE URL`, and `pg_restore`")
            }
        }
    }

    pub(super) async fn has_table(&self, name: &str) -> anyhow::Result<bool> {
        let sql = match &self.engine {
            Engine::Sqlite(_) => "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1",
            Engine::Postgres(_) => {
                "SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1::text"
            }
        };
        Ok(!self.read(sql, &[name.into()]).await?.is_empty())
    }
}

impl Write {
    /// Executes one statement and says how many rows it changed.
    ///
    /// # Errors
    /// When the database refuses, or something failed before: then all of this is spoiled.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64> {
        self.begin(values)?;
        let changed = match &mut self.inner {
            Inner::Sqlite(writing) => writing.execute(sql, values).await,
            Inner::Postgres(writing) => writing.execute(sql, values).await,
        };
        self.end(changed)
    }

    /// Reads, with what this transaction has written; also for `INSERT … RETURNING`.
    ///
    /// # Errors
    /// As [`Write::execute`].
    pub async fn read(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        self.begin(values)?;
        let rows = match &mut self.inner {
            Inner::Sqlite(writing) => writing.read(sql, values).await,
            Inner::Postgres(writing) => writing.read(sql, values).await,
        };
        self.end(rows)
    }

    /// Has everybody who listens to `topic` told once this is committed, on every instance.
    pub fn signal(&mut self, topic: impl Into<String>) {
        self.topics.insert(topic.into());
    }

    /// Makes it true.
    ///
    /// # Errors
    /// When something failed before, or the database could not keep it: then nothing was written, or, where the connection
    /// broke just then, it is not known ([`super::Unreachable`] says which).
    pub async fn commit(self) -> anyhow::Result<()> {
        ensure!(!self.spoiled, SPOILED);
        match self.inner {
            Inner::Sqlite(writing) => writing.commit().await?,
            Inner::Postgres(writing) => writing.commit(&self.topics).await?,
        }
        self.topics.iter().for_each(|topic| self.signals.tell(topic));
        Ok(())
    }

    /// A step of the schema.
    pub(super) async fn step(&mut self, sql: &str) -> anyhow::Result<()> {
        self.begin(&[])?;
        let done = match &mut self.inner {
            Inner::Sqlite(writing) => writing.batch(&part::in_dialect(sql, Dialect::Sqlite)).await,
            Inner::Postgres(writing) => writing.step(&part::in_dialect(sql, Dialect::Postgres)).await,
        };
        self.end(done)
    }

    /// Until [`Write::end`] says otherwise, this is spoiled: whoever drops the act in between leaves it half done.
    fn begin(&mut self, values: &[Value]) -> anyhow::Result<()> {
        ensure!(!self.spoiled, SPOILED);
        self.spoiled = true;
        check(values)
    }

    fn end<T>(&mut self, done: anyhow::Result<T>) -> anyhow::Result<T> {
        self.spoiled = done.is_err();
        done
    }
}

const SPOILED: &str = "an earlier part of this act failed, so that nothing of it is written";

/// PostgreSQL keeps no NUL character in a text; so that both keep the same, neither does.
fn check(values: &[Value]) -> anyhow::Result<()> {
    let whole = |value: &Value| !matches!(value, Value::Text(text) if text.contains('\0'));
    ensure!(values.iter().all(whole), "a text has a NUL character, which the database does not keep");
    Ok(())
}
