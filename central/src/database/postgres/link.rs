//! A connection: its session, its prepared statements, and what its errors mean.

use std::{collections::HashMap, future::Future, time::Duration};

use anyhow::Context as _;
use tokio::{task::JoinSet, time::timeout};
use tokio_postgres::{Client, Statement, error::SqlState};

use super::{
    super::{Row, Value, unreachable::Unreachable},
    server::Server,
    value::{parameters, row},
};

/// What every session begins with. A server that was frozen in the middle of an act, or an instance that was, holds up
/// the others no longer than this. `lock_timeout` is the wait for the writer's place, and `TURN_WAIT_MAX` as well.
const SESSION: &str = "
    SET client_min_messages = warning;
    SET statement_timeout = '30s';
    SET lock_timeout = '30s';
    SET idle_in_transaction_session_timeout = '60s';";

/// How long the server may take to connect, in all: several addresses, TLS and the password.
const CONNECT_MAX: Duration = Duration::from_secs(15);

/// How long the server may take over anything: a little more than it allows itself, for a server that cannot even say so.
const ANSWER_MAX: Duration = Duration::from_secs(35);

/// How long a step of the schema may take, which may rewrite a table.
const BATCH_MAX: Duration = Duration::from_secs(1800);

/// Statements kept prepared; where there are more, all are prepared again.
const PREPARED_MAX: usize = 256;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// A connection and the task that moves its bytes, which ends with it.
#[derive(Debug)]
pub(super) struct Link {
    client: Client,
    prepared: HashMap<String, Statement>,
    _driver: JoinSet<()>,
}

impl Link {
    pub(super) async fn connect(server: &Server, access: Access) -> anyhow::Result<Self> {
        let connecting = timeout(CONNECT_MAX, server.config.connect(server.tls.clone())).await;
        let (client, connection) = connecting.context(Unreachable::GONE)?.context(Unreachable::GONE)?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // How it ended is told by the statement that waits for it.
            let _ = connection.await;
        });
        let mut link = Self { client, prepared: HashMap::new(), _driver: driver };
        link.batch(SESSION).await?;
        if access == Access::Read {
            link.batch("SET default_transaction_read_only = on").await?;
        }
        Ok(link)
    }

    /// Whether the server has hung up.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(super) async fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64> {
        let statement = self.prepare(sql).await?;
        self.answer(ANSWER_MAX, self.client.execute(&statement, &parameters(values))).await
    }

    pub(super) async fn read(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        let statement = self.prepare(sql).await?;
        let rows = self.answer(ANSWER_MAX, self.client.query(&statement, &parameters(values))).await?;
        rows.iter().map(row).collect()
    }

    pub(super) async fn batch(&mut self, sql: &str) -> anyhow::Result<()> {
        self.answer(BATCH_MAX, self.client.batch_execute(sql)).await
    }

    /// Tells every instance that listens, once this transaction is committed.
    pub(super) async fn notify(&mut self, messages: &[String]) -> anyhow::Result<()> {
        let sql = "SELECT pg_notify('preau', message) FROM unnest($1::text[]) AS message";
        let statement = self.prepare(sql).await?;
        self.answer(ANSWER_MAX, self.client.execute(&statement, &[&messages])).await.map(drop)
    }

    async fn prepare(&mut self, sql: &str) -> anyhow::Result<Statement> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.answer(ANSWER_MAX, self.client.prepare(sql)).await?;
        if self.prepared.len() >= PREPARED_MAX {
            self.prepared.clear();
        }
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Waits for the server, and says what its errors mean.
    async fn answer<T>(
        &self,
        wait_max: Duration,
        asked: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> anyhow::Result<T> {
        let error = match timeout(wait_max, asked).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(elapsed) => return Err(elapsed).context(Unreachable::SLOW),
        };
        let unreachable = match error.code() {
            Some(code) => meaning(code),
            None => (error.is_closed() || self.client.is_closed()).then_some(Unreachable::LOST),
        };
        Err(match unreachable {
            Some(unreachable) => anyhow::Error::from(error).context(unreachable),
            None => error.into(),
        })
    }
}

/// What the server's code (SQLSTATE) says of it; nothing where it speaks of the act.
fn meaning(code: &SqlState) -> Option<Unreachable> {
    match code.code() {
        "55P03" => Some(Unreachable::BUSY),
        "57014" => Some(Unreachable::SLOW),
        "25006" => Some(Unreachable::READ_ONLY),
        "53100" => Some(Unreachable::FULL),
        "25P03" => Some(Unreachable::LOST),
        other if other.starts_with("08") || other.starts_with("57P") => Some(Unreachable::LOST),
        other if other.starts_with("53") => Some(Unreachable::BUSY),
        other if other.starts_with("58") => Some(Unreachable::DISK),
        _ => None,
    }
}
