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
    model::{Domain, Zone},
    policy::{Permit, Verdict},
    system::datagram_batch::{Inbox, Outbox},
};

/// One zone's datagram socket.
#[derive(Debug)]
pub(super) struct UdpDoor {
    desk: Arc<Desk>,
    zone: Arc<Zone>,
    socket: Arc<UdpSocket>,
    outbox: Outbox,
    waiting: JoinSet<()>,
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
        Self { desk, zone, socket: Arc::new(socket), outbox: Outbox::default(), waiting: JoinSet::new() }
    }

    /// Answers until `stop`.
    pub(super) async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut inbox = Inbox::new(BATCH, UDP_QUERY_BYTES_MAX);
        let mut out = Vec::with_capacity(UDP_QUERY_BYTES_MAX);
        let answering = async {
            loop {
                inbox.receive(&self.socket).await.context("cannot wait for questions")?;
                self.answer(&inbox, &mut out).await;
                while self.waiting.try_join_next().is_some() {}
            }
        };
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            failed = answering => failed,
        }
    }

    /// Answers what was received together. What waits for nothing leaves before the journal is waited for.
    async fn answer(&mut self, inbox: &Inbox, out: &mut Vec<u8>) {
        let mut asked = Vec::with_capacity(BATCH);
        let mut decided = Vec::with_capacity(BATCH);
        let mut round = self.desk.gate.round();
        for (bytes, source) in inbox.iter() {
            let query = match Query::parse(bytes) {
                Ok(query) => query,
                Err(unfit) => {
                    if reply::unfit(out, unfit) {
                        self.outbox.push(out, source);
                    }
                    continue;
                }
            };
            let peer = Peer { client: source.ip(), zone: Arc::clone(&self.zone), carrier: Carrier::Udp };
            match self.desk.open(&query, &self.zone, out) {
                Opening::Answered => self.outbox.push(out, source),
                Opening::Ask(name) => {
                    let one = self.desk.decide_in(&mut round, &peer, name.clone());
                    let is_put_off = one.refuses_a_stranger() && self.put_off(bytes, &peer, source, name);
                    if !is_put_off {
                        decided.push(one);
                        asked.push(Asked { query, bytes, peer, source });
                    }
                }
            }
        }
        self.send();
        if decided.is_empty() {
            return;
        }
        let verdicts = self.desk.gate.record(decided).await;
        let mut chained = Vec::new();
        for (asked, verdict) in asked.into_iter().zip(verdicts) {
            chained.extend(self.after_the_gate(asked, verdict, out));
        }
        self.send();
        self.answer_chained(chained, out).await;
        self.send();
    }

    /// Begins a task that waits for the kernel's word of a machine, and then decides anew and answers; not where that client
    /// has too many questions under way.
    fn put_off(&mut self, bytes: &[u8], peer: &Peer, source: SocketAddr, name: Domain) -> bool {
        let place = self.desk.resolver.place_for(self.desk.gate.client_at(peer.client));
        let Some(place) = place else { return false };
        let (desk, socket) = (Arc::clone(&self.desk), Arc::clone(&self.socket));
        let (bytes, peer) = (Box::<[u8]>::from(bytes), peer.clone());
        self.waiting.spawn(async move {
            desk.hear_of(&peer).await;
            drop(place);
            let mut out = Vec::new();
            if let Ok(query) = Query::parse(&bytes) {
                let decided = desk.decide(&peer, name);
                desk.answer_decided(&query, &peer, decided, &mut out).await;
                drop(socket.send_to(&out, source).await);
            }
        });
        true
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
                self.outbox.push(out, asked.source);
                return None;
            }
        };
        if self.desk.answer_unasked(&asked.query, &permit, &self.zone, out) {
            self.outbox.push(out, asked.source);
            return None;
        }
        match self.desk.resolver.at_once(&substitute::key(&asked.query, &permit)) {
            Some(found) if found.answer.chain().is_empty() => {
                self.desk.close(&asked.query, &asked.peer, &permit, &found, [], out);
                self.outbox.push(out, asked.source);
            }
            Some(found) => return Some((asked, permit, found)),
            None => self.let_wait(&asked, permit, out),
        }
        None
    }

    /// Judges the further names of answers at hand, all in one batch, and answers.
    async fn answer_chained(&mut self, chained: Vec<(Asked<'_>, Permit, Found)>, out: &mut Vec<u8>) {
        if chained.is_empty() {
            return;
        }
        let mut round = self.desk.gate.round();
        let mut decided = Vec::with_capacity(chained.len());
        for (asked, _, found) in &chained {
            let names = found.answer.chain().iter().cloned();
            decided.extend(names.map(|name| self.desk.decide_in(&mut round, &asked.peer, name)));
        }
        let mut verdicts = self.desk.gate.record(decided).await.into_iter();
        for (asked, permit, found) in chained {
            let chain: Vec<_> = verdicts.by_ref().take(found.answer.chain().len()).collect();
            self.desk.close(&asked.query, &asked.peer, &permit, &found, chain, out);
            self.outbox.push(out, asked.source);
        }
    }

    /// Begins a task that waits for upstream and answers.
    fn let_wait(&mut self, asked: &Asked<'_>, permit: Permit, out: &mut Vec<u8>) {
        let Some(place) = self.desk.resolver.place_for(self.desk.gate.client_at(asked.peer.client)) else {
            too_many(out, &asked.query);
            self.outbox.push(out, asked.source);
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

    /// Sends the answers without waiting. What the kernel does not take is lost, as datagrams are; the asker asks again.
    fn send(&mut self) {
        if self.outbox.is_empty() {
            return;
        }
        let lost = self.outbox.send(&self.socket);
        if lost > 0 {
            debug!(lost, "answers lost");
        }
    }
}
