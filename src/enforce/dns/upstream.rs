//! Which upstream server is asked, and who comes next when it does not answer.
//!
//! The quickest live server is asked first; those never measured stand in the order of the configuration. When it has not
//! answered within [`SERVER_PATIENCE`], the next is asked beside it, and the first good answer wins. A server that failed
//! [`FAILURES_UNTIL_DEAD`] times in a row is dead: it comes last, and is tried again beside the others' work, every
//! [`PROBE_INTERVAL`].

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use domain::base::{Message, iana::Rcode};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{info, warn};

use super::{
    exchange,
    key::Key,
    limits::{FAILURES_UNTIL_DEAD, PROBE_INTERVAL, SERVER_PATIENCE, UPSTREAM_WAIT_MAX},
    line::LineStanding,
};

/// Differences in speed below this do not change the order.
const SPEED_BAND_MILLISECONDS: u128 = 20;

/// The upstream servers.
#[derive(Debug)]
pub(super) struct Upstreams {
    servers: Vec<Server>,
    begun: Instant,
}

#[derive(Debug)]
struct Server {
    address: SocketAddr,
    /// The box's own address that it is asked from, where that is not left to the kernel.
    from: Option<IpAddr>,
    health: Mutex<Health>,
}

impl Upstreams {
    /// The servers at `addresses`, in order of preference.
    pub(super) fn new(addresses: &[SocketAddr]) -> Self {
        Self::from(addresses.iter().map(|address| (*address, None)))
    }

    /// The servers, each with the address to ask it from.
    pub(super) fn from(servers: impl Iterator<Item = (SocketAddr, Option<IpAddr>)>) -> Self {
        let server = |(address, from)| Server { address, from, health: Mutex::new(Health::default()) };
        Self { servers: servers.map(server).collect(), begun: Instant::now() }
    }

    /// Asks until a server gives an answer or a firm no. Where none does, the last error that a server answered; none
    /// where nobody answered at all within [`UPSTREAM_WAIT_MAX`].
    pub(super) async fn ask(&self, key: &Key) -> Option<Vec<u8>> {
        let end = Instant::now() + UPSTREAM_WAIT_MAX;
        let order = self.order();
        // Twice round: a lost datagram is sent again to somebody.
        let mut next = order.repeat(2).into_iter();
        let mut asked = FuturesUnordered::new();
        let mut poor = None;
        loop {
            match next.next() {
                Some(server) => asked.push(server.ask(key)),
                None if asked.is_empty() => return poor,
                None => {}
            }
            let patience = if next.len() > 0 { end.min(Instant::now() + SERVER_PATIENCE) } else { end };
            tokio::select! {
                answered = asked.next() => match answered.flatten() {
                    Some(answer) if is_firm(&answer) => return Some(answer),
                    Some(answer) => poor = Some(answer),
                    None => {}
                },
                () = sleep_until(patience) => if Instant::now() >= end { return poor },
            }
        }
    }

    /// A dead server that is due to be tried again; it counts as tried from here on.
    pub(super) fn due_probe(&self) -> Option<usize> {
        let now = Instant::now();
        self.servers.iter().position(|server| server.with_health(|health| health.take_probe(now)))
    }

    /// Tries the server that [`Self::due_probe`] gave, for its health only.
    pub(super) async fn probe(&self, server: usize, key: &Key) {
        if let Some(server) = self.servers.get(server) {
            drop(timeout(UPSTREAM_WAIT_MAX, server.ask(key)).await);
        }
    }

    /// The standing of the line, by who answers.
    pub(super) fn line(&self) -> LineStanding {
        if self.servers.iter().any(|server| server.with_health(|health| !health.is_dead())) {
            return LineStanding::Up;
        }
        LineStanding::Down { lasting: self.last_heard().elapsed() }
    }

    /// Whether no server is known to answer: each has failed since it last did.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.servers.iter().all(|server| server.with_health(|health| health.failures_in_a_row > 0))
    }

    /// Whether any server has answered since `then`.
    pub(super) fn was_heard_since(&self, then: Instant) -> bool {
        self.servers
            .iter()
            .any(|server| server.with_health(|health| health.heard.is_some_and(|at| at >= then)))
    }

    /// Asks every server at once, for its health only, and gives each no more than its patience.
    pub(super) async fn ask_each(&self, key: &Key) {
        let asked = self.servers.iter().map(|server| timeout(SERVER_PATIENCE * 2, server.ask(key)));
        asked.collect::<FuturesUnordered<_>>().for_each(|_| async {}).await;
    }

    /// When a server last answered; when none ever did, the beginning.
    fn last_heard(&self) -> Instant {
        let heard = |server: &Server| server.with_health(|health| health.heard);
        self.servers.iter().filter_map(heard).max().unwrap_or(self.begun)
    }

    /// The servers in the order to ask them.
    fn order(&self) -> Vec<&Server> {
        let mut order: Vec<_> = self.servers.iter().collect();
        order.sort_by_cached_key(|server| server.with_health(|health| health.rank()));
        order
    }
}

impl Server {
    /// Asks, and notes how that went. Being slow counts as a failure even if an answer comes later.
    async fn ask(&self, key: &Key) -> Option<Vec<u8>> {
        let begun = Instant::now();
        let mut exchange = std::pin::pin!(exchange::ask(self.address, self.from, key));
        let outcome = match timeout_at(begun + SERVER_PATIENCE, &mut exchange).await {
            Ok(outcome) => outcome,
            Err(_slow) => {
                self.with_health(|health| health.note_failure(Instant::now()));
                exchange.await
            }
        };
        match outcome {
            Ok(answer) => {
                self.with_health(|health| health.note_answer(begun.elapsed(), Instant::now()));
                Some(answer)
            }
            Err(_unreachable) => {
                self.with_health(|health| health.note_failure(Instant::now()));
                None
            }
        }
    }

    fn with_health<T>(&self, look: impl FnOnce(&mut Health) -> T) -> T {
        look(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether an answer ends the search: data, or a firm no. Another error may be this server's only.
fn is_firm(answer: &[u8]) -> bool {
    Message::from_slice(answer)
        .is_ok_and(|message| matches!(message.header().rcode(), Rcode::NOERROR | Rcode::NXDOMAIN))
}

/// How well a server does.
#[derive(Debug, Default)]
struct Health {
    /// Smoothed time to answer; zero until measured.
    delay: Duration,
    failures_in_a_row: u32,
    /// When it last answered.
    heard: Option<Instant>,
    probe_at: Option<Instant>,
}

impl Health {
    fn note_answer(&mut self, delay: Duration, now: Instant) {
        if self.is_dead() {
            info!("an upstream resolver answers again");
        }
        self.delay = if self.delay.is_zero() { delay } else { (self.delay * 7 + delay) / 8 };
        self.failures_in_a_row = 0;
        self.heard = Some(now);
    }

    fn note_failure(&mut self, now: Instant) {
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        // A failure weighs like an answer at the end of the patience.
        self.delay = (self.delay * 7 + SERVER_PATIENCE) / 8;
        self.probe_at = Some(now + PROBE_INTERVAL);
        if self.failures_in_a_row == FAILURES_UNTIL_DEAD {
            warn!("an upstream resolver does not answer");
        }
    }

    fn is_dead(&self) -> bool {
        self.failures_in_a_row >= FAILURES_UNTIL_DEAD
    }

    fn take_probe(&mut self, now: Instant) -> bool {
        let due = self.is_dead() && self.probe_at.is_some_and(|at| at <= now);
        if due {
            self.probe_at = Some(now + PROBE_INTERVAL);
        }
        due
    }

    /// What to sort by: the dead last, then by speed in bands.
    fn rank(&self) -> (bool, u128) {
        (self.is_dead(), self.delay.as_millis() / SPEED_BAND_MILLISECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_dead_after_its_failures_and_alive_after_one_answer() {
        let now = Instant::now();
        let mut health = Health::default();
        for _ in 0..FAILURES_UNTIL_DEAD {
            assert!(!health.is_dead());
            health.note_failure(now);
        }
        assert!(health.is_dead());
        assert!(health.rank() > Health { delay: Duration::from_secs(3), ..Health::default() }.rank());
        health.note_answer(Duration::from_millis(10), now);
        assert!(!health.is_dead());
    }

    #[test]
    fn a_dead_server_is_probed_once_an_interval() {
        let now = Instant::now();
        let mut health = Health::default();
        for _ in 0..FAILURES_UNTIL_DEAD {
            health.note_failure(now);
        }
        assert!(!health.take_probe(now));
        assert!(health.take_probe(now + PROBE_INTERVAL));
        assert!(!health.take_probe(now + PROBE_INTERVAL));
    }
}
