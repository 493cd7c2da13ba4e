//! A small question through the tunnel every two seconds: that something comes back shows that it carries, and how many come back is
//! the loss that people are told.
//!
//! It is a DNS question for the root's name servers to the académie's own server, from the box's address inside. Where no
//! server is known it goes to the first address of the first network: whatever comes back of it counts for WireGuard,
//! a refusal as well.

use std::{
    collections::VecDeque,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ipnet::IpNet;
use tokio::{
    net::UdpSocket,
    time::{MissedTickBehavior, interval, timeout},
};

use super::settings::Settings;

/// How often it is asked, and how long an answer is waited for.
const ASK_EVERY: Duration = Duration::from_secs(2);
const ANSWER_WAIT_MAX: Duration = Duration::from_millis(1500);

/// Questions that the loss is reckoned of: the last minute's.
const WINDOW: usize = 30;

/// The port of DNS.
const PORT: u16 = 53;

/// A question for the root's name servers without its id: RD, one question; the root, NS, IN (RFC 1035 section 4.1).
pub(super) const QUESTION: [u8; 15] = [0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1];

/// Whether the last questions were answered.
#[derive(Debug, Default)]
pub(super) struct Probes(Mutex<VecDeque<bool>>);

impl Probes {
    /// Asks for ever.
    pub(super) async fn ask(&self, settings: &Settings) {
        let Some((from, to)) = ends(settings) else { return std::future::pending().await };
        let mut ticks = interval(ASK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let answered = timeout(ANSWER_WAIT_MAX, once(from, to)).await.is_ok_and(|answer| answer.is_ok());
            let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if window.len() == WINDOW {
                window.pop_front();
            }
            window.push_back(answered);
        }
    }

    /// How much of the last minute's questions was lost, in percent; none where the académie has no server to ask.
    pub(super) fn lost_percent(&self, settings: &Settings) -> Option<u8> {
        let window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lost = window.iter().filter(|answered| !**answered).count();
        let percent = (lost * 100).checked_div(window.len()).filter(|_| !settings.resolvers.is_empty())?;
        u8::try_from(percent).ok()
    }
}

/// From where and to where it is asked.
pub(super) fn ends(settings: &Settings) -> Option<(IpAddr, SocketAddr)> {
    let servers = settings.resolvers.iter().copied();
    let networks = settings.concentrators.iter().flat_map(|one| &one.networks);
    let hosts = networks.filter_map(|network: &IpNet| network.hosts().next());
    servers.chain(hosts).find_map(|to| {
        let from = settings.own().into_iter().find(|own| own.is_ipv4() == to.is_ipv4())?;
        Some((from, SocketAddr::new(to, PORT)))
    })
}

/// Asks once and waits for the answer.
async fn once(from: IpAddr, to: SocketAddr) -> io::Result<()> {
    ask(&UdpSocket::bind((from, 0)).await?, to, &QUESTION).await
}

/// Asks `to` the `question`, a DNS message without its id, and waits for the answer.
pub(super) async fn ask(socket: &UdpSocket, to: SocketAddr, question: &[u8]) -> io::Result<()> {
    socket.connect(to).await?;
    let mut id = [0; 2];
    getrandom::fill(&mut id).map_err(io::Error::other)?;
    socket.send(&[&id[..], question].concat()).await?;
    let mut answer = [0; 512];
    loop {
        let length = socket.recv(&mut answer).await?;
        if answer.get(..length).is_some_and(|answer| answer.starts_with(&id)) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::settings::tests::settings, *};

    #[test]
    fn the_academies_server_is_asked_or_else_the_first_address_behind_the_first_concentrator() {
        let known = settings().unwrap();
        let shown = |settings: &Settings| ends(settings).map(|(from, to)| format!("{from} {to}"));
        assert_eq!(shown(&known).as_deref(), Some("10.128.0.2 10.200.0.53:53"));
        let without = Settings { resolvers: Vec::new(), ..known };
        assert_eq!(shown(&without).as_deref(), Some("10.128.0.2 10.200.0.1:53"));
    }

    #[test]
    fn the_loss_is_that_of_the_last_questions() {
        let probes = Probes::default();
        let settings = settings().unwrap();
        assert_eq!(probes.lost_percent(&settings), None);
        probes.0.lock().unwrap().extend([true, true, true, false]);
        assert_eq!(probes.lost_percent(&settings), Some(25));
    }
}
