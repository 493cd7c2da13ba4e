//! The database whichever it is: opened, brought up to date, read, and written to by one at a time.

use std::sync::Arc;

use anyhow::{Context as _, bail};

use super::{Location, Row, Signals, Value, postgres, sqlite};

/// A part of the schema, kept by one module: its tables come by steps, each taken once.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// The part's name; tables begin with it.
    pub name: &'static str,
    /// Step n brings version n to n + 1; each is a text of statements. What both engines cannot be told in the same words
    /// stands below a line `-- only SQLite:` or `-- only PostgreSQL:`, until `-- both:` or the end.
    pub steps: &'static [&'static str],
}

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
    topics: Vec<String>,
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
        let signals = Signals::default();
        let engine = match location {
            Location::Sqlite(path) => {
                let opened = sqlite::Sqlite::open(path).await;
                Engine::Sqlite(Arc::new(opened.with_context(|| format!("cannot open `{}`", path.display()))?))
            }
            Location::Postgres(url) => {
                let opened = postgres::Postgres::open(url, signals.clone()).await;
                Engine::Postgres(Arc::new(opened.context("cannot open the PostgreSQL database")?))
            }
        };
        let database = Self { engine, signals };
        database.migrate(parts).await?;
        Ok(database)
    }

    /// Begins to write, as soon as nobody else does.
    ///
    /// # Errors
    /// When the database cannot be reached, or another writes for too long.
    pub async fn write(&self) -> anyhow::Result<Write> {
        let inner = match &self.engine {
            Engine::Sqlite(sqlite) => Inner::Sqlite(sqlite.write().await?),
            Engine::Postgres(postgres) => Inner::Postgres(postgres.write().await?),
        };
        Ok(Write { inner, signals: self.signals.clone(), topics: Vec::new() })
    }

    /// Reads what is committed.
    ///
    /// # Errors
    /// When the database cannot be reached or refuses.
    pub async fn read(&self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
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

    async fn migrate(&self, parts: &[Part]) -> anyhow::Result<()> {
        let mut write = self.write().await?;
        let table = "CREATE TABLE IF NOT EXISTS part (name TEXT PRIMARY KEY, version BIGINT NOT NULL)";
        write.execute(table, &[]).await?;
        for part in parts {
            let known = "SELECT version FROM part WHERE name = $1";
            let rows = write.read(known, &[part.name.into()]).await?;
            let version = rows.first().map_or(Ok(0), |row| row.integer(0))?;
            let latest = i64::try_from(part.steps.len())?;
            if version > latest {
                bail!("the database's part `{}` is of a later version ({version})", part.name);
            }
            for step in part.steps.iter().skip(usize::try_from(version)?) {
                write
                    .batch(step)
                    .await
                    .with_context(|| format!("cannot bring `{}` up to date", part.name))?;
            }
            let keep = "INSERT INTO part (name, version) VALUES ($1, $2)
                ON CONFLICT (name) DO UPDATE SET version = excluded.version";
            write.execute(keep, &[part.name.into(), latest.into()]).await?;
        }
        write.commit().await
    }
}

impl Write {
    /// Executes one statement and says how many rows it changed.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64> {
        match &mut self.inner {
            Inner::Sqlite(writing) => writing.execute(sql, values).await,
            Inner::Postgres(writing) => writing.execute(sql, values).await,
        }
    }

    /// Reads, with what this transaction has written; also for `INSERT … RETURNING`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn read(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        match &mut self.inner {
            Inner::Sqlite(writing) => writing.read(sql, values).await,
            Inner::Postgres(writing) => writing.read(sql, values).await,
        }
    }

    /// Has everybody who listens to `topic` told once this is committed, on every instance.
    pub fn signal(&mut self, topic: impl Into<String>) {
        self.topics.push(topic.into());
    }

    /// Makes it true.
    ///
    /// # Errors
    /// When the database could not keep it: then nothing was written, or, where the connection broke just then, it is not
    /// known.
    pub async fn commit(self) -> anyhow::Result<()> {
        match self.inner {
            Inner::Sqlite(writing) => writing.commit().await?,
            Inner::Postgres(writing) => writing.commit(&self.topics).await?,
        }
        self.topics.iter().for_each(|topic| self.signals.tell(topic));
        Ok(())
    }

    async fn batch(&mut self, sql: &str) -> anyhow::Result<()> {
        match &mut self.inner {
            Inner::Sqlite(writing) => writing.batch(&only(sql, "SQLite")).await,
            Inner::Postgres(writing) => {
                writing.batch(&only(sql, "PostgreSQL").replace("BLOB", "BYTEA")).await
            }
        }
    }
}

/// What of a step is said to `engine`.
fn only(step: &str, engine: &str) -> String {
    let mut said = true;
    let mut kept = String::new();
    for line in step.lines() {
        match line.trim().strip_prefix("-- ").and_then(|line| line.strip_suffix(':')) {
            Some("both") => said = true,
            Some(marked) if marked.starts_with("only ") => said = marked == format!("only {engine}"),
            _ if said => kept.extend([line, "\n"]),
            _ => {}
        }
    }
    kept
}
