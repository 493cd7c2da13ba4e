//! One client's way: its datagrams between one port of it and one address it asked for. Read the hello, ask, reach the
//! site, and carry until the permission ends.

use std::{net::SocketAddr, sync::Arc};

use thiserror::Error;
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use tracing::debug;

use super::{
    handshake::{Handshake, NotQuic, Reading},
    limits::Limits,
    relay::{End, Sides, one_from_client, relay},
};
use crate::{
    enforce::proxy::{client_hello::Hello, errand::Errand},
    policy::{Permit, Verdict},
    system::{datagrams::Datagrams, unreachable::Unreachable},
};

/// Whose datagrams: the client's address and port, and those it sends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ends {
    pub(super) client: SocketAddr,
    pub(super) destination: SocketAddr,
}

/// A flow and what it needs.
pub(super) struct Flow {
    pub(super) ends: Ends,
    pub(super) errand: Errand,
    pub(super) unreachable: Arc<Unreachable>,
    pub(super) limits: Limits,
    /// The client's datagrams as they reach the listener: those of its hello, and few later.
    pub(super) arriving: mpsc::Receiver<Vec<u8>>,
}

/// Why a client is told that nobody is there.
#[derive(Debug, Error)]
enum Refused {
    /// What it sends is not accepted.
    #[error("what the client sends is not accepted: {0}")]
    NotQuic(NotQuic),
    /// Its hello did not come in time, or with too many datagrams.
    #[error("the hello does not come to its end")]
    Slow,
    /// The gate refuses, now or no longer allows.
    #[error("the gate refuses")]
    Policy,
    /// The site cannot be reached, or says itself that nobody is there.
    #[error("the site is not reached")]
    Site,
}

impl Flow {
    /// Serves the flow to its end. A client that is refused is told so, and told again for a moment while it goes on.
    pub(super) async fn serve(mut self) {
        let mut first = Vec::new();
        loop {
            let mut held = Vec::new();
            match self.connection(first, &mut held).await {
                Ok(End::Begins(datagrams)) => {
                    first = datagrams;
                    // The rest is lost, as where the queue is full.
                    first.truncate(self.limits.held_datagrams_max);
                }
                Ok(End::Silence | End::ClientGone) => return,
                Ok(End::ServerGone) => return self.refuse(&Refused::Site, &held).await,
                Err(reason) => return self.refuse(&reason, &held).await,
            }
        }
    }

    /// One connection, from its hello on; `first` are datagrams of it that have come already. What it sent before the
    /// site was reached is left in `held`.
    async fn connection(&mut self, first: Vec<Vec<u8>>, held: &mut Vec<Vec<u8>>) -> Result<End, Refused> {
        let mut handshake = Handshake::default();
        let (hello, behind) = self.read_hello(first, &mut handshake, held).await?;
        debug!(named = hello.server_name.is_some(), ech = hello.ech, "hello read");
        let verdict = self.errand.judge_hello(hello, self.ends.destination.ip()).await;
        let Verdict::Allow(permit) = verdict else { return Err(Refused::Policy) };
        let (addresses, permit) = (self.errand.find)(permit).await.map_err(|_| Refused::Site)?;
        let sides = self.reach(&permit, addresses.into_iter().map(|ip| self.at(ip)))?;
        for datagram in held.iter() {
            if sides.server.send_one(datagram, sides.server_at).is_err() {
                return Ok(End::ServerGone);
            }
        }
        for datagram in behind {
            if let Some(end) = one_from_client(&datagram, &sides, &mut handshake) {
                return Ok(end);
            }
        }
        let Self { errand, arriving, limits, .. } = self;
        let end = tokio::select! {
            biased;
            () = errand.until_refused(&permit) => None,
            end = relay(&sides, &mut handshake, arriving, limits.idle_max) => Some(end),
        };
        match end {
            Some(end) => Ok(end),
            None => {
                debug!("live connection cut, its permission has ended");
                Err(Refused::Policy)
            }
        }
    }

    /// Collects datagrams until the hello is whole; also gives back those of `first` that stand behind it.
    async fn read_hello(
        &mut self,
        first: Vec<Vec<u8>>,
        handshake: &mut Handshake,
        held: &mut Vec<Vec<u8>>,
    ) -> Result<(Hello, impl Iterator<Item = Vec<u8>> + use<>), Refused> {
        let deadline = Instant::now() + self.limits.hello_wait_max;
        let mut first = first.into_iter();
        loop {
            let datagram = match first.next() {
                Some(datagram) => datagram,
                None => match timeout_at(deadline, self.arriving.recv()).await {
                    Ok(Some(datagram)) => datagram,
                    Ok(None) | Err(_) => return Err(Refused::Slow),
                },
            };
            let reading = handshake.read(&datagram);
            held.push(datagram);
            match reading.map_err(Refused::NotQuic)? {
                Reading::Hello(hello) => return Ok((hello, first)),
                Reading::NeedMore if held.len() >= self.limits.held_datagrams_max => {
                    return Err(Refused::Slow);
                }
                Reading::NeedMore => {}
            }
        }
    }

    /// The two sides of a permitted connection: the site at the first of its addresses that a way leads to.
    fn reach(&self, _permit: &Permit, addresses: impl Iterator<Item = SocketAddr>) -> Result<Sides, Refused> {
        let Ends { client, destination } = self.ends;
        let reached = addresses
            .take(self.limits.attempts_max)
            .find_map(|address| Datagrams::towards(address).ok().map(|server| (server, address)));
        let (server, server_at) = reached.ok_or(Refused::Site)?;
        let towards_client = Datagrams::in_place_of(destination, client).map_err(|error| {
            debug!(%error, "cannot speak in the place of a site");
            Refused::Site
        })?;
        Ok(Sides { client: towards_client, client_at: client, server, server_at })
    }

    fn at(&self, ip: std::net::IpAddr) -> SocketAddr {
        SocketAddr::new(ip, self.ends.destination.port())
    }

    /// Tells the client, with the last datagram it sent where that is known; then for a moment answers whatever else it
    /// sends without asking anybody.
    async fn refuse(mut self, reason: &Refused, held: &[Vec<u8>]) {
        debug!(%reason, "flow refused");
        self.tell(held.last().map_or(&[], Vec::as_slice));
        let Limits { farewell_wait, farewells_max, .. } = self.limits;
        let answering = async {
            for _ in 0..farewells_max {
                let Some(datagram) = self.arriving.recv().await else { return };
                self.tell(&datagram);
            }
            // Enough was said: silence until the end.
            while self.arriving.recv().await.is_some() {}
        };
        // Either end is the end of the flow.
        let _ = timeout(farewell_wait, answering).await;
    }

    fn tell(&self, datagram: &[u8]) {
        if let Err(error) = self.unreachable.tell(self.ends.client, self.ends.destination, datagram) {
            debug!(%error, "cannot say that nobody is there");
        }
    }
}
