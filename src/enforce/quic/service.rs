//! Takes the datagrams that TPROXY hands over and brings each to its flow.
//!
//! The kernel gives a flow's datagrams to the flow's own socket once there is one; until then, and when nothing is known
//! of them, they come here.

use std::{
    collections::HashMap,
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use rustix::process::{Resource, getrlimit};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    flow::{Ends, Flow},
    handshake::{begins_connection, may_be_kept},
    limits::Limits,
};
use crate::{
    enforce::{
        dns::Resolver,
        gate::Gate,
        places::Places,
        proxy::{
            connect::OwnNetworks,
            errand::{Errand, Footing},
        },
    },
    journal::Channel,
    model::{Quic, Zone},
    system::{
        datagrams::{Datagrams, Train},
        unreachable::Unreachable,
    },
};

/// The port of the web; the packet filter hands over no other.
const PORT: u16 = 443;

/// How long to wait when a listener is broken, before it is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// A quarter of the process's files, two for each flow.
const FILES_PER_FLOW: u64 = 8;

/// What is served.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The zones in the order of the configuration; zone *i* has the port `port_base + i` where it filters QUIC.
    pub zones: Vec<Arc<Zone>>,
    /// The first port; all of the zones' ports exist. They are those of the proxy, over UDP.
    pub port_base: u16,
}

/// The filter of QUIC, its listeners bound.
pub struct Service {
    listeners: Vec<(Arc<Zone>, Datagrams)>,
    desk: Arc<Desk>,
}

/// What all listeners share.
struct Desk {
    footing: Footing,
    places: Places,
    unreachable: Arc<Unreachable>,
    refusals: Mutex<Refusals>,
    limits: Limits,
}

impl Service {
    /// Binds a listener for each zone that filters QUIC, and family. To be called within the runtime that serves.
    ///
    /// # Errors
    /// When a port is taken, or the process may not have transparent or raw sockets (`CAP_NET_ADMIN`, `CAP_NET_RAW`).
    pub fn bind(
        settings: &Settings,
        gate: Gate,
        resolver: Resolver,
        epoch: watch::Receiver<u64>,
    ) -> anyhow::Result<Self> {
        let mut listeners = Vec::new();
        for (zone, port) in settings.zones.iter().zip(settings.port_base..) {
            if zone.quic == Quic::Reject {
                continue;
            }
            for wildcard in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
                let listener = Datagrams::for_any_destination(SocketAddr::new(wildcard, port))
                    .with_context(|| format!("cannot listen for QUIC on port {port}"))?;
                listeners.push((Arc::clone(zone), listener));
            }
        }
        let limits = Limits { flows_max: flows_max(), ..Limits::SCHOOL };
        let desk = Desk {
            footing: Footing { gate, resolver, own: OwnNetworks::of(&settings.zones), epoch },
            places: Places::new(limits.flows_max, limits.flows_per_client_max),
            unreachable: Arc::new(Unreachable::open().context("cannot open raw sockets for refusals")?),
            refusals: Mutex::new(Refusals::new(limits.refusals_per_second_max)),
            limits,
        };
        Ok(Self { listeners, desk: Arc::new(desk) })
    }

    /// Serves until `stop`; flows that live then end.
    ///
    /// # Errors
    /// None at present: a failing socket is survived.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut listening = JoinSet::new();
        for (zone, listener) in self.listeners {
            listening.spawn(listen(zone, listener, Arc::clone(&self.desk)));
        }
        stop.cancelled().await;
        listening.shutdown().await;
        Ok(())
    }
}

/// Takes datagrams for ever; all flows end with this.
async fn listen(zone: Arc<Zone>, listener: Datagrams, desk: Arc<Desk>) {
    let mut flows = Flows { zone, desk, open: HashMap::new(), serving: JoinSet::new() };
    let mut is_failing = false;
    loop {
        tokio::select! {
            readable = listener.readable() => {
                let received = readable.and_then(|()| listener.receive(|train| flows.take(&train)));
                match received {
                    Ok(()) => is_failing = false,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => {
                        if !is_failing {
                            warn!(%error, "cannot receive QUIC, going on trying");
                        }
                        is_failing = true;
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
            Some(ended) = flows.serving.join_next() => {
                if let Ok(ends) = ended {
                    flows.forget(ends);
                }
            }
        }
    }
}

/// The flows of one listener.
struct Flows {
    zone: Arc<Zone>,
    desk: Arc<Desk>,
    /// Where each flow takes its datagrams.
    open: HashMap<Ends, mpsc::Sender<Vec<u8>>>,
    serving: JoinSet<Ends>,
}

impl Flows {
    /// Brings each datagram of a train to its flow.
    fn take(&mut self, train: &Train<'_>) {
        let Some(to) = train.to else {
            return debug!("a datagram without its destination dropped");
        };
        let ends = Ends { client: train.from, destination: SocketAddr::new(to, PORT) };
        for datagram in train.datagrams() {
            if !may_be_kept(datagram) {
                self.desk.refuse(ends, datagram);
                continue;
            }
            // A flow with a full queue loses datagrams, as a network does.
            match self.open.get(&ends).map(|flow| flow.try_send(datagram.to_vec())) {
                None | Some(Err(mpsc::error::TrySendError::Closed(_))) => self.begin(ends, datagram),
                Some(_) => {}
            }
        }
    }

    /// Begins a flow, or tells the client that there is none.
    fn begin(&mut self, ends: Ends, datagram: &[u8]) {
        if !begins_connection(datagram) {
            return self.desk.refuse(ends, datagram);
        }
        let source = ends.client.ip();
        let Some(place) = self.desk.places.take(self.desk.footing.gate.client_at(source)) else {
            return self.desk.refuse(ends, datagram);
        };
        let (sender, arriving) = mpsc::channel(self.desk.limits.held_datagrams_max);
        sender.try_send(datagram.to_vec()).expect("a queue that was just made has room");
        self.open.insert(ends, sender);
        let flow = Flow {
            ends,
            errand: Errand::new(&self.desk.footing, source, &self.zone, ends.destination, Channel::Quic),
            unreachable: Arc::clone(&self.desk.unreachable),
            limits: self.desk.limits,
            arriving,
        };
        let gate = self.desk.footing.gate.clone();
        self.serving.spawn(async move {
            // What comes meanwhile waits in the flow's queue.
            gate.hear_of(source).await;
            // Boxed: the queue of ended flows holds only who they were.
            Box::pin(flow.serve()).await;
            drop(place);
            ends
        });
    }

    /// Forgets a flow that has ended, unless another one has its ends already.
    fn forget(&mut self, ends: Ends) {
        if self.open.get(&ends).is_some_and(mpsc::Sender::is_closed) {
            self.open.remove(&ends);
        }
    }
}

impl Desk {
    /// Tells the client that nobody is there.
    fn refuse(&self, ends: Ends, datagram: &[u8]) {
        let may = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
        if !may {
            return;
        }
        if let Err(error) = self.unreachable.tell(ends.client, ends.destination, datagram) {
            debug!(%error, "cannot say that nobody is there");
        }
    }
}

/// Counts refusals by the second.
struct Refusals {
    per_second_max: u32,
    second: Instant,
    count: u32,
}

impl Refusals {
    fn new(per_second_max: u32) -> Self {
        Self { per_second_max, second: Instant::now(), count: 0 }
    }

    /// Whether one more may be sent `now`.
    fn take(&mut self, now: Instant) -> bool {
        if now.duration_since(self.second) >= Duration::from_secs(1) {
            (self.second, self.count) = (now, 0);
        }
        self.count = self.count.saturating_add(1);
        self.count <= self.per_second_max
    }
}

/// As many flows as the process may open files for.
fn flows_max() -> usize {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let possible = usize::try_from(files / FILES_PER_FLOW).unwrap_or(usize::MAX);
    possible.min(Limits::SCHOOL.flows_max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn refusals_are_counted_by_the_second() {
        let start = Instant::now();
        let mut refusals = Refusals::new(2);
        assert!(refusals.take(start) && refusals.take(start));
        assert!(!refusals.take(start + Duration::from_millis(900)));
        assert!(refusals.take(start + Duration::from_secs(2)));
    }
}
