//! Answers the questions of the zones for the time, a few for each client.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    net::UdpSocket,
    task::JoinSet,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::reply;
use crate::{
    enforce::{gate::Gate, places::Client},
    model::Zone,
    system::{
        clock::Clock,
        sockets::bind_udp,
        synchronisation::{Synchronisation, synchronisation},
    },
};

/// The port of NTP.
const PORT: u16 = 123;

/// What is read of a question; what is longer has extensions, which nobody reads.
const QUESTION_BYTES_MAX: usize = 512;

/// Questions of one client that are answered in one [`WINDOW`]. A program that has just started asks eight times in a
/// row (RFC 5905's `iburst`). More would be a tunnel to the box, or spend its time.
const QUESTIONS_MAX: u32 = 16;

/// How long questions are counted together.
const WINDOW: Duration = Duration::from_secs(16);

/// Clients counted in one window: more than a school has. Beyond, strangers wait for the next.
const CLIENTS_MAX: usize = 4096;

/// How long to wait after the kernel refused to hand over a packet.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the time is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The zones; each is answered at the box's own addresses in it.
    pub zones: Vec<Arc<Zone>>,
}

/// The time service, its sockets bound.
pub struct Service {
    sockets: Vec<UdpSocket>,
    gate: Gate,
    clock: Clock,
}

impl Service {
    /// Binds a socket for each zone and family. To be called within the runtime that serves. `gate` tells machines
    /// apart and is asked nothing else.
    ///
    /// # Errors
    /// When a port is taken.
    pub fn bind(settings: &Settings, gate: Gate, clock: Clock) -> anyhow::Result<Self> {
        let mut sockets = Vec::with_capacity(settings.zones.len() * 2);
        for zone in &settings.zones {
            for address in [IpAddr::from(zone.ipv4.addr()), IpAddr::from(zone.ipv6.addr())] {
                let socket = bind_udp(SocketAddr::new(address, PORT)).with_context(|| {
                    format!("cannot tell the time in zone `{}`: UDP port {PORT} is refused", zone.name)
                })?;
                sockets.push(socket);
            }
        }
        Ok(Self { sockets, gate, clock })
    }

    /// Answers until `stop`.
    ///
    /// # Errors
    /// None at present: a failing socket is survived.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let questions = Arc::new(Mutex::new(Questions::new(Instant::now())));
        let mut answering = JoinSet::new();
        for socket in self.sockets {
            let (gate, clock) = (self.gate.clone(), self.clock.clone());
            answering.spawn(answer(
                socket,
                move |source| gate.client_at(source),
                clock,
                Arc::clone(&questions),
            ));
        }
        stop.cancelled().await;
        answering.shutdown().await;
        Ok(())
    }
}

/// Answers what comes to `socket`, for ever.
async fn answer(
    socket: UdpSocket,
    whose: impl Fn(IpAddr) -> Client,
    clock: Clock,
    questions: Arc<Mutex<Questions>>,
) {
    let mut packet = [0; QUESTION_BYTES_MAX];
    let mut is_failing = false;
    loop {
        let Ok((length, source)) = socket.recv_from(&mut packet).await else {
            // About an answer that could not be delivered, or want of memory.
            sleep(PAUSE).await;
            continue;
        };
        let received = clock.now();
        let counted = whose(source.ip());
        if !questions.lock().unwrap_or_else(PoisonError::into_inner).may_ask(counted, Instant::now()) {
            continue;
        }
        let synchronisation = synchronisation().unwrap_or_else(|error| {
            if !is_failing {
                warn!(%error, "the kernel does not say whether the clock is right: clients are told that it is not");
            }
            is_failing = true;
            Synchronisation::Unsynchronised
        });
        let synchronisation = if clock.doubt().is_none() {
            synchronisation
        } else {
            // What the box itself does not believe it does not pass on, whatever sets the clock says of it.
            Synchronisation::Unsynchronised
        };
        let question = packet.get(..length).unwrap_or_default();
        if let Some(answer) = reply(question, received, clock.now(), synchronisation) {
            // Who does not get it asks again.
            let _ = socket.send_to(&answer, source).await;
        }
    }
}

/// How often each client asked in the present window.
#[derive(Debug)]
struct Questions {
    of_client: HashMap<Client, u32>,
    since: Instant,
}

impl Questions {
    fn new(now: Instant) -> Self {
        Self { of_client: HashMap::new(), since: now }
    }

    /// Whether `client` may ask once more.
    fn may_ask(&mut self, client: Client, now: Instant) -> bool {
        if now.duration_since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        if self.of_client.len() >= CLIENTS_MAX && !self.of_client.contains_key(&client) {
            return false;
        }
        let count = self.of_client.entry(client).or_default();
        *count = count.saturating_add(1);
        *count <= QUESTIONS_MAX
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::{
        model::{Mac, Moment},
        system::ratchet::Doubt,
    };

    fn machine(number: u16) -> Client {
        let [high, low] = number.to_be_bytes();
        Client::Machine(Mac::new([2, 0, 0, 0, high, low]))
    }

    #[tokio::test]
    async fn a_client_that_asks_too_often_waits_for_the_next_window_and_the_others_do_not() {
        let now = Instant::now();
        let mut questions = Questions::new(now);
        for _ in 0..QUESTIONS_MAX {
            assert!(questions.may_ask(machine(1), now));
        }
        assert!(!questions.may_ask(machine(1), now + WINDOW - Duration::from_millis(1)));
        assert!(questions.may_ask(machine(2), now));
        assert!(questions.may_ask(machine(1), now + WINDOW));
    }

    #[tokio::test]
    async fn strangers_beyond_the_bound_are_not_counted() {
        let now = Instant::now();
        let mut questions = Questions::new(now);
        let many = u16::try_from(CLIENTS_MAX).unwrap();
        assert!((0..many).all(|number| questions.may_ask(machine(number), now)));
        assert!(!questions.may_ask(machine(many), now));
        assert!(questions.may_ask(machine(0), now));
    }

    #[tokio::test]
    async fn a_clock_in_doubt_is_told_to_nobody_as_right() {
        let server = bind_udp("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.local_addr().unwrap();
        let clock = Clock::from_fn(|| Moment::from_unix_seconds(1_795_439_100));
        clock.set_doubt(Some(Doubt::BeforeProgram));
        let mut answering = JoinSet::new();
        let questions = Arc::new(Mutex::new(Questions::new(Instant::now())));
        answering.spawn(answer(server, Client::Address, clock, questions));
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(address).await.unwrap();
        let mut bytes = [0; 48];
        bytes[0] = 0x23;
        client.send(&bytes).await.unwrap();
        timeout(Duration::from_secs(5), client.recv(&mut bytes)).await.unwrap().unwrap();
        assert_eq!((bytes[0] >> 6, bytes[1]), (3, 0), "unsynchronised, and of no stratum");
    }

    #[tokio::test]
    async fn a_question_on_the_wire_is_answered_by_as_many_bytes_and_control_messages_by_none() {
        let server = bind_udp("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.local_addr().unwrap();
        let clock = Clock::from_fn(|| Moment::from_unix_seconds(1_795_439_100));
        let mut answering = JoinSet::new();
        let questions = Arc::new(Mutex::new(Questions::new(Instant::now())));
        answering.spawn(answer(server, Client::Address, clock, questions));
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(address).await.unwrap();
        let mut question = [0; 300];
        for first in [0x16, 0x17, 0x23] {
            question[0] = first;
            client.send(&question).await.unwrap();
        }
        let mut bytes = [0; 600];
        let length = timeout(Duration::from_secs(5), client.recv(&mut bytes)).await.unwrap().unwrap();
        assert_eq!((length, bytes[0] & 0x3f), (48, 0x24));
        assert!(timeout(Duration::from_millis(100), client.recv(&mut bytes)).await.is_err());
    }
}
