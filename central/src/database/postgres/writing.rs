//! Reading and writing: the connections, lent by turns.

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context as _, ensure};

use super::{
    super::{
        Row, Signals, Value,
        lane::{Lane, Place},
        unreachable::Unreachable,
    },
    link::{Access, Link},
    listening::Listening,
    server::Server,
};

/// Connections that read at once. With the one that writes and the one that listens, an instance takes ten of the hundred
/// that PostgreSQL gives by default.
const READERS: usize = 8;

/// How a writing transaction begins. It waits for the advisory lock that makes one writer of many; its number is the first
/// letters of "preau". What is read after that must be what the writer before has left, hence the level.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(1886545249)";

/// The server.
#[derive(Debug)]
pub(in super::super) struct Postgres {
    server: Arc<Server>,
    writer: Lane<Link>,
    readers: Lane<Link>,
    listening: Listening,
}

/// A writing transaction. Dropped, its connection is closed, and the server undoes it.
#[derive(Debug)]
pub(in super::super) struct Writing {
    link: Link,
    place: Place<Link>,
    instance: String,
}

impl Postgres {
    pub(in super::super) async fn open(url: &str, signals: Signals) -> anyhow::Result<Self> {
        let server = Arc::new(Server::read(url)?);
        let listening = Listening::start(Arc::clone(&server), signals).await?;
        let postgres = Self { server, writer: Lane::new(1), readers: Lane::new(READERS), listening };
        let encoding = postgres.read("SHOW server_encoding", &[]).await?;
        let encoding = encoding.first().context("PostgreSQL does not say its encoding")?.text(0)?;
        ensure!(encoding == "UTF8", "the database's encoding is {encoding}; make it with `ENCODING 'UTF8'`");
        Ok(postgres)
    }

    pub(in super::super) async fn write(&self) -> anyhow::Result<Writing> {
        let place = self.writer.enter().await?;
        let mut link = self.link(&place, Access::Write).await?;
        let mut begun = link.batch(BEGIN).await;
        if begun.is_err() && link.is_closed() {
            link = self.new_link(&place, Access::Write).await?;
            begun = link.batch(BEGIN).await;
        }
        begun.map(|()| Writing { link, place, instance: self.listening.instance().to_owned() })
    }

    pub(in super::super) async fn read(&self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        let place = self.readers.enter().await?;
        let mut link = self.link(&place, Access::Read).await?;
        let mut rows = link.read(sql, values).await;
        if rows.is_err() && link.is_closed() {
            link = self.new_link(&place, Access::Read).await?;
            rows = link.read(sql, values).await;
        }
        if rows.is_ok() {
            place.give_back(link);
        }
        rows
    }

    /// A connection that lay free or another. One that lay free may turn out broken by the first thing asked of it, which
    /// changes nothing yet: then it is asked again of a new one, once.
    async fn link(&self, place: &Place<Link>, access: Access) -> anyhow::Result<Link> {
        match place.take().filter(|link| !link.is_closed()) {
            Some(link) => Ok(link),
            None => Link::connect(&self.server, access).await,
        }
    }

    /// A new connection in place of one that was found broken: those that lay beside it are too.
    async fn new_link(&self, place: &Place<Link>, access: Access) -> anyhow::Result<Link> {
        place.close_free();
        Link::connect(&self.server, access).await
    }
}

impl Writing {
    pub(in super::super) async fn execute(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<u64> {
        self.link.execute(sql, values).await
    }

    pub(in super::super) async fn read(&mut self, sql: &str, values: &[Value]) -> anyhow::Result<Vec<Row>> {
        self.link.read(sql, values).await
    }

    /// A step of the schema, which may take longer than a statement.
    pub(in super::super) async fn batch(&mut self, sql: &str) -> anyhow::Result<()> {
        self.link.batch(&format!("SET LOCAL statement_timeout = 0; {sql}")).await
    }

    pub(in super::super) async fn commit(mut self, topics: &BTreeSet<String>) -> anyhow::Result<()> {
        if !topics.is_empty() {
            let messages: Vec<_> = topics.iter().map(|topic| format!("{} {topic}", self.instance)).collect();
            self.link.notify(&messages).await?;
        }
        match self.link.batch("COMMIT").await {
            Ok(()) => {
                self.place.give_back(self.link);
                Ok(())
            }
            // The server may have kept it and died before it could say so.
            Err(error) if error.is::<Unreachable>() => Err(error.context(Unreachable::UNDECIDED)),
            Err(error) => Err(error),
        }
    }
}
