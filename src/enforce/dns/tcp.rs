//! Questions on connections (RFC 7766): several at once on one connection, answered as they are ready.

use std::{io, sync::Arc, time::Duration};

use futures_util::stream::{self, StreamExt as _};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    desk::{Desk, Peer},
    limits::{
        CONNECTION_IDLE_MAX, CONNECTIONS_MAX, CONNECTIONS_OF_CLIENT_MAX, PIPELINE_MAX, TCP_QUERY_BYTES_MAX,
    },
    query::{Carrier, Query},
    reply,
};
use crate::{enforce::places::Places, model::Zone};

/// How long to rest when the kernel cannot give a connection, for example for want of descriptors.
const REST: Duration = Duration::from_millis(100);

/// One zone's listener.
#[derive(Debug)]
pub(super) struct TcpDoor {
    desk: Arc<Desk>,
    zone: Arc<Zone>,
    listener: TcpListener,
}

impl TcpDoor {
    /// The door of `zone` at `listener`.
    pub(super) fn new(desk: Arc<Desk>, zone: Arc<Zone>, listener: TcpListener) -> Self {
        Self { desk, zone, listener }
    }

    /// Answers until `stop`.
    pub(super) async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let places = Places::new(CONNECTIONS_MAX, CONNECTIONS_OF_CLIENT_MAX);
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, source) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    debug!(%error, "connection not accepted");
                    tokio::time::sleep(REST).await;
                    continue;
                }
            };
            let client = source.ip();
            // Without a place the connection is dropped, which closes it at once.
            if let Some(place) = places.take(self.desk.gate.client_at(client)) {
                let desk = Arc::clone(&self.desk);
                let peer = Peer { client, zone: Arc::clone(&self.zone), carrier: Carrier::Tcp };
                connections.spawn(async move {
                    let _place = place;
                    drop(converse(stream, &desk, &peer).await);
                });
            }
        }
    }
}

/// Answers one connection's questions until the client closes it, is silent for too long, does not read, or breaks the
/// framing. On the wire each message is preceded by its length (2 bytes).
async fn converse(stream: TcpStream, desk: &Desk, peer: &Peer) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let questions = stream::unfold(reader, |mut reader| async move {
        let question = timeout(CONNECTION_IDLE_MAX, read_framed(&mut reader)).await.ok()?.ok()?;
        Some((question, reader))
    });
    let answers = questions.map(|question| answer(question, desk, peer)).buffer_unordered(PIPELINE_MAX);
    let mut answers = std::pin::pin!(answers);
    while let Some(framed) = answers.next().await {
        timeout(CONNECTION_IDLE_MAX, writer.write_all(&framed)).await??;
    }
    Ok(())
}

/// The next message, without its length.
async fn read_framed(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = usize::from(reader.read_u16().await?);
    if length > TCP_QUERY_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "question too long"));
    }
    let mut question = vec![0; length];
    reader.read_exact(&mut question).await?;
    Ok(question)
}

/// The answer with its length in front; empty where there is nothing to answer.
async fn answer(question: Vec<u8>, desk: &Desk, peer: &Peer) -> Vec<u8> {
    let mut out = Vec::new();
    match Query::parse(&question) {
        Ok(query) => desk.answer(&query, peer, &mut out).await,
        Err(unfit) => drop(reply::unfit(&mut out, unfit)),
    }
    match u16::try_from(out.len()) {
        Ok(length) if length > 0 => [&length.to_be_bytes()[..], &out].concat(),
        _ => Vec::new(),
    }
}
