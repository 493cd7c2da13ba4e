//! Questions in datagrams: all that are there are read, decided, written down as one batch, and answered.
//!
//! Only what must wait for upstream becomes a task.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use tokio::{net::UdpSocket, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    desk::{Desk, Opening, Peer, too_many},
    limits::{BATCH, UDP_QUERY_BYTES_MAX},
    query::{Carrier, Query},
    refusal, reply,
    resolver::Found,
    substitute,
};
use crate::{
    model::Zone,
    policy::{Permit, Verdict},
};

/// One zone's datagram socket.
#[derive(Debug)]
pub(super) struct UdpDoor {
    desk: Arc<Desk>,
    zone: Arc<Zone>,
    socket: Arc<UdpSocket>,
    waiting: JoinSet<()>,
}

/// A datagram and where it came from.
struct Datagram {
    bytes: [u8; UDP_QUERY_BYTES_MAX],
    length: usize,
    source: SocketAddr,
}

/// A question on its way through one batch.
struct Asked<'a> {
    query: Query<'a>,
    bytes: &'a [u8],
    peer: Peer,
    source: SocketAddr,
}

impl UdpDoor {
    /// The door of `zone` at `socket`.
    pub(super) fn new(desk: Arc<Desk>, zone: Arc<Zone>, socket: UdpSocket) -> Self {
        Self { desk, zone, socket: Arc::new(socket), waiting: JoinSet::new() }
    }

    /// Answers until `stop`.
    pub(super) async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let empty = || Datagram {
            bytes: [0; UDP_QUERY_BYTES_MAX],
            length: 0,
            source: SocketAddr::from(([0, 0, 0, 0], 0)),
        };
        let mut datagrams: Vec<_> = std::iter::repeat_with(empty).take(BATCH).collect();
        let mut out = Vec::with_capacity(UDP_QUERY_BYTES_MAX);
        let answering = async {
            loop {
                self.socket.readable().await.context("cannot wait for questions")?;
                let count = receive(&self.socket, &mut datagrams);
                self.answer(datagrams.get(..count).unwrap_or_default(), &mut out).await;
                while self.waiting.try_join_next().is_some() {}
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            failed = answering => failed,
        }
    }

    /// Answers what was received together.
    async fn answer(&mut self, datagrams: &[Datagram], out: &mut Vec<u8>) {
        let mut asked = Vec::with_capacity(datagrams.len());
        let mut decided = Vec::with_capacity(datagrams.len());
        for Datagram { bytes, length, source } in datagrams {
            let bytes = bytes.get(..*length).unwrap_or_default();
            let query = match Query::parse(bytes) {
                Ok(query) => query,
                Err(unfit) => {
                    if reply::unfit(out, unfit) {
                        self.send(out, *source);
                    }
                    continue;
                }
            };
            let peer = Peer { client: source.ip(), zone: Arc::clone(&self.zone), carrier: Carrier::Udp };
            match self.desk.open(&query, &self.zone, out) {
                Opening::Answered => self.send(out, *source),
                Opening::Ask(name) => {
                    decided.push(self.desk.decide(&peer, name));
                    asked.push(Asked { query, bytes, peer, source: *source });
                }
            }
        }
        if decided.is_empty() {
            return;
        }
        let verdicts = self.desk.gate.record(decided).await;
        let mut chained = Vec::new();
        for (asked, verdict) in asked.into_iter().zip(verdicts) {
            chained.extend(self.after_the_gate(asked, verdict, out));
        }
        self.answer_chained(chained, out).await;
    }

    /// Answers a refused question, or an allowed one whose answer is at hand and leads nowhere else; lets one that needs
    /// upstream wait; gives back one whose answer has further names to judge.
    fn after_the_gate<'a>(
        &mut self,
        asked: Asked<'a>,
        verdict: Verdict,
        out: &mut Vec<u8>,
    ) -> Option<(Asked<'a>, Permit, Found)> {
        let permit = match verdict {
            Verdict::Allow(permit) => permit,
            Verdict::Refuse(refusal) => {
                refusal::refused(out, &asked.query, &refusal, &self.zone);
                self.send(out, asked.source);
                return None;
            }
        };
        if self.desk.answer_unasked(&asked.query, &permit, out) {
            self.send(out, asked.source);
            return None;
        }
        match self.desk.resolver.at_once(&substitute::key(&asked.query, &permit)) {
            Some(found) if found.answer.chain.is_empty() => {
                self.desk.close(&asked.query, &asked.peer, &permit, &found, [], out);
                self.send(out, asked.source);
            }
            Some(found) => return Some((asked, permit, found)),
            None => self.let_wait(&asked, permit, out),
        }
        None
    }

    /// Judges the further names of answers at hand, all in one batch, and answers.
    async fn answer_chained(&self, chained: Vec<(Asked<'_>, Permit, Found)>, out: &mut Vec<u8>) {
        if chained.is_empty() {
            return;
        }
        let decided = chained
            .iter()
            .flat_map(|(asked, _, found)| {
                found.answer.chain.iter().map(|name| self.desk.decide(&asked.peer, name.clone()))
            })
            .collect();
        let mut verdicts = self.desk.gate.record(decided).await.into_iter();
        for (asked, permit, found) in chained {
            let chain: Vec<_> = verdicts.by_ref().take(found.answer.chain.len()).collect();
            self.desk.close(&asked.query, &asked.peer, &permit, &found, chain, out);
            self.send(out, asked.source);
        }
    }

    /// Begins a task that waits for upstream and answers.
    fn let_wait(&mut self, asked: &Asked<'_>, permit: Permit, out: &mut Vec<u8>) {
        let Some(place) = self.desk.places.take(self.desk.gate.client_at(asked.peer.client)) else {
            too_many(out, &asked.query);
            self.send(out, asked.source);
            return;
        };
        let (desk, socket) = (Arc::clone(&self.desk), Arc::clone(&self.socket));
        let (bytes, peer, source) = (Box::<[u8]>::from(asked.bytes), asked.peer.clone(), asked.source);
        self.waiting.spawn(async move {
            let _place = place;
            let mut out = Vec::new();
            if let Ok(query) = Query::parse(&bytes) {
                desk.fetch_in_place(&query, &peer, &permit, &mut out).await;
                drop(socket.send_to(&out, source).await);
            }
        });
    }

    /// Sends without waiting. What the kernel does not take is lost, as datagrams are; the asker asks again.
    fn send(&self, out: &[u8], to: SocketAddr) {
        if let Err(error) = self.socket.try_send_to(out, to) {
            debug!(%error, "answer lost");
        }
    }
}

/// Fills `datagrams` with what is there and says how many came.
fn receive(socket: &UdpSocket, datagrams: &mut [Datagram]) -> usize {
    let mut count = 0;
    for datagram in datagrams {
        match socket.try_recv_from(&mut datagram.bytes) {
            Ok((length, source)) => {
                datagram.length = length;
                datagram.source = source;
                count += 1;
            }
            Err(_) => break,
        }
    }
    count
}
