//! PostgreSQL: one database, several instances of central.

use std::{
    error::Error,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, bail};
use bytes::BytesMut;
use tokio::task::JoinSet;
use tokio_postgres::{
    Client, NoTls,
    types::{IsNull, ToSql, Type, to_sql_checked},
};

use super::{Row, Signals, Value};

/// The number of the advisory lock that makes one writer of many: the first bytes of "preau".
const WRITER_LOCK: i64 = 0x7072_6561;

/// The server.
#[derive(Debug)]
pub(super) struct Postgres {
    url: String,
    free: Mutex<Vec<Link>>,
    _signals: Signals,
}

/// A connection and the task that moves its bytes, which ends with it.
#[derive(Debug)]
struct Link {
    client: Client,
    _driver: JoinSet<()>,
}

/// A writing transaction.
#[derive(Debug)]
pub(super) struct Writing {
    link: Link,
}

impl Postgres {
    pub(super) async fn open(url: &str, signals: Signals) -> anyhow::Result<Self> {
        let postgres = Self { url: url.to_owned(), free: Mutex::default(), _signals: signals };
        let link = postgres.connect().await?;
        postgres.give_back(link);
        Ok(postgres)
    }

    pub(super) async fn write(&self) -> anyhow::Result<Writing> {
        let link = self.link().await?;
        link.client.batch_execute(&format!("BEGIN; SELECT pg_advisory_xact_lock({WRITER_LOCK})")).await?;
        Ok(Writing { link })
    }

    pub(super) async fn read(&self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        let link = self.link().await?;
        let rows = query(&link.client, sql, values).await?;
        self.give_back(link);
        Ok(rows)
    }

    async fn link(&self) -> anyhow::Result<Link> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match free.filter(|link| !link.client.is_closed()) {
            Some(link) => Ok(link),
            None => self.connect().await,
        }
    }

    fn give_back(&self, link: Link) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(link);
    }

    async fn connect(&self) -> anyhow::Result<Link> {
        let (client, connection) =
            tokio_postgres::connect(&self.url, NoTls).await.context("cannot reach PostgreSQL")?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // How it ended is told by the statement that waits for it.
            let _ = connection.await;
        });
        Ok(Link { client, _driver: driver })
    }
}

impl Writing {
    pub(super) async fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64> {
        Ok(self.link.client.execute(sql, &parameters(values)).await?)
    }

    pub(super) async fn read(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        query(&self.link.client, sql, values).await
    }

    pub(super) async fn batch(&mut self, sql: &str) -> anyhow::Result<()> {
        Ok(self.link.client.batch_execute(sql).await?)
    }

    pub(super) async fn commit(self, topics: &[String]) -> anyhow::Result<()> {
        for topic in topics {
            self.link.client.execute("SELECT pg_notify('preau', $1)", &[topic]).await?;
        }
        Ok(self.link.client.batch_execute("COMMIT").await?)
    }
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect()
}

async fn query(client: &Client, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
    let rows = client.query(sql, &parameters(values)).await?;
    rows.iter()
        .map(|row| (0..row.len()).map(|place| value(row, place)).collect::<Result<_, _>>().map(Row))
        .collect()
}

fn value(row: &tokio_postgres::Row, place: usize) -> anyhow::Result<Value> {
    let value = match *row.columns().get(place).context("a column is missing")?.type_() {
        Type::INT8 => Value::from(row.try_get::<_, Option<i64>>(place)?),
        Type::INT4 => Value::from(row.try_get::<_, Option<i32>>(place)?.map(i64::from)),
        Type::TEXT | Type::VARCHAR => Value::from(row.try_get::<_, Option<String>>(place)?),
        Type::BYTEA => Value::from(row.try_get::<_, Option<Vec<u8>>>(place)?),
        ref other => bail!("column {place} is of type {other}, which central does not use"),
    };
    Ok(value)
}

impl ToSql for Value {
    fn to_sql(&self, r#type: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Nothing => Ok(IsNull::Yes),
            Self::Integer(integer) if *r#type == Type::INT4 => i32::try_from(*integer)?.to_sql(r#type, out),
            Self::Integer(integer) => integer.to_sql(r#type, out),
            Self::Text(text) => text.to_sql(r#type, out),
            Self::Bytes(bytes) => bytes.to_sql(r#type, out),
        }
    }

    fn accepts(r#type: &Type) -> bool {
        [Type::INT8, Type::INT4, Type::TEXT, Type::VARCHAR, Type::BYTEA].contains(r#type)
    }

    to_sql_checked!();
}
