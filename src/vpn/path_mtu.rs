//! How long a packet may be for the tunnel to carry it whole, found by trial as RFC 8899 has it: a question to the académie's own
//! server is filled up to a size (RFC 7830), may not be cut on the way, and is answered or not.
//!
//! Until more was shown, packets have [`MTU_MIN`] bytes at most, which every line carries. What was shown is asked for again and
//! again: a line that takes less than it took says nothing of it. A question that is lost counts only where a short one is
//! answered right after it.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    ops::Range,
    sync::atomic::{AtomicU16, Ordering::Relaxed},
    time::Duration,
};

use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};
use tokio::{
    net::UdpSocket,
    time::{Instant, sleep, timeout},
};

use super::{keeper::Target, probes, settings::Settings};

/// What every line carries, in bytes: the least that IPv6 allows (RFC 8200 section 5). With the 80 bytes that WireGuard adds
/// over IPv6 it crosses every line of 1360 bytes or more.
pub const MTU_MIN: u16 = 1280;

/// What is left of 1500 bytes under IPv6, UDP and WireGuard.
pub(super) const MTU_MAX: u16 = 1420;

/// The sizes that are tried, the largest first. WireGuard fills packets up to 16 bytes: those between would cost as much.
const SIZES: [u16; 9] = [MTU_MAX, 1408, 1392, 1376, 1360, 1344, 1328, 1312, 1296];

/// How many questions of one size may be lost in a row (RFC 8899 section 5.1.2: `MAX_PROBES`).
const LOST_MAX: u8 = 3;

/// How often what was found is asked for again (`CONFIRMATION_TIMER`), and how often more (`PMTU_RAISE_TIMER`).
const CONFIRM_EVERY: Duration = Duration::from_secs(15);
const RAISE_EVERY: Duration = Duration::from_secs(600);

/// How often it is looked whether something is to be asked, and how long an answer is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const ANSWER_WAIT_MAX: Duration = Duration::from_millis(1500);

/// The headers in front of a DNS message over IPv4 and IPv6, in bytes, and what it needs itself for a padding of no length.
const HEADERS4_BYTES: u16 = 28;
const HEADERS6_BYTES: u16 = 48;
const PADDED_BYTES_MIN: u16 = 32;

/// Such a message from behind its id to the length of its OPT record: RD, one question, one additional record; the root, NS, IN;
/// the root, OPT, answers of 1232 bytes are taken, no flags.
const BEFORE_LENGTH: [u8; 24] =
    [0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 41, 0x04, 0xd0, 0, 0, 0, 0];

/// The longest packet that was carried whole.
#[derive(Debug)]
pub(super) struct PathMtu(AtomicU16);

impl Default for PathMtu {
    fn default() -> Self {
        Self(AtomicU16::new(MTU_MIN))
    }
}

impl PathMtu {
    /// Its size in bytes.
    pub(super) fn found(&self) -> u16 {
        self.0.load(Relaxed)
    }

    /// Tries for ever; `path` is where the tunnel goes while it is up.
    pub(super) async fn follow(&self, settings: &Settings, path: impl Fn() -> Option<Target>) {
        let Some((from, to)) = probes::ends(settings) else { return std::future::pending().await };
        let (begun, mut taken, mut search) = (Instant::now(), None, Search::default());
        loop {
            sleep(LOOK_EVERY).await;
            let Some(now) = path() else {
                taken = None;
                continue;
            };
            if taken.replace(now) != Some(now) {
                search.begin();
            }
            let Some(size) = search.due(begun.elapsed()) else { continue };
            let is_carried = comes_back(from, to, &filled(size, to)).await;
            if is_carried || comes_back(from, to, &probes::QUESTION).await {
                search.learn(begun.elapsed(), is_carried);
                self.0.store(search.found, Relaxed);
            }
        }
    }
}

/// What was found and what is tried: the largest size first, then halves of what is left. Pure: how long the machine has run
/// comes in.
#[derive(Clone, Debug)]
struct Search {
    found: u16,
    /// The largest that was carried since the search began.
    carried: u16,
    /// The places among [`SIZES`] of those that may be carried and are not known to be.
    untried: Range<usize>,
    /// The place of the one that is tried; none while what was found is only confirmed.
    at: Option<usize>,
    /// How many questions of this size were lost in a row.
    lost: u8,
    confirm_at: Duration,
    raise_at: Duration,
}

impl Default for Search {
    fn default() -> Self {
        let (confirm_at, raise_at) = (Duration::ZERO, Duration::ZERO);
        let untried = 0..SIZES.len();
        Self { found: MTU_MIN, carried: MTU_MIN, untried, at: Some(0), lost: 0, confirm_at, raise_at }
    }
}

impl Search {
    /// Packets take another way: all sizes are tried, while the one that was found is kept until it is lost.
    fn begin(&mut self) {
        let Self { found, confirm_at, raise_at, .. } = *self;
        *self = Self { found, confirm_at, raise_at, ..Self::default() };
    }

    /// The size to ask by now, if any.
    fn due(&mut self, now: Duration) -> Option<u16> {
        if self.at.is_none() && self.found < MTU_MAX && now >= self.raise_at {
            self.begin();
        }
        match self.at {
            Some(at) => SIZES.get(at).copied(),
            None => (self.found > MTU_MIN && now >= self.confirm_at).then_some(self.found),
        }
    }

    /// Takes in whether the question of the size that was due was carried.
    fn learn(&mut self, now: Duration, is_carried: bool) {
        let at = self.at.or_else(|| SIZES.iter().position(|size| *size == self.found));
        let Some((at, size)) = at.and_then(|at| Some((at, *SIZES.get(at)?))) else { return };
        if is_carried {
            self.carried = self.carried.max(size);
            self.found = self.found.max(size);
            self.untried.end = at;
        } else {
            self.lost += 1;
            if self.lost < LOST_MAX {
                return;
            }
            if self.at.is_none() {
                (self.carried, self.untried.end) = (MTU_MIN, SIZES.len());
            }
            self.untried.start = at + 1;
            if size <= self.found {
                self.found = self.carried;
            }
        }
        self.lost = 0;
        let Range { start, end } = self.untried;
        self.at = (start < end).then_some(usize::midpoint(start, end));
        if self.at.is_none() {
            self.found = self.carried;
            self.confirm_at = now + CONFIRM_EVERY;
            // What was confirmed puts off nothing.
            if now >= self.raise_at {
                self.raise_at = now + RAISE_EVERY;
            }
        }
    }
}

/// A DNS question without its id whose packet to `to` has `size` bytes: the root's name servers, with an OPT record (RFC 6891)
/// that holds nothing but padding.
fn filled(size: u16, to: SocketAddr) -> Vec<u8> {
    let headers = if to.is_ipv4() { HEADERS4_BYTES } else { HEADERS6_BYTES };
    let padding = size.saturating_sub(headers + PADDED_BYTES_MIN);
    let mut question = BEFORE_LENGTH.to_vec();
    question.extend((padding + 4).to_be_bytes());
    question.extend([0, 12]);
    question.extend(padding.to_be_bytes());
    question.resize(question.len() + usize::from(padding), 0);
    question
}

/// Whether anything comes back of a question that may not be cut on the way; a refusal does, too.
async fn comes_back(from: IpAddr, to: SocketAddr, question: &[u8]) -> bool {
    let ask = async {
        let socket = UdpSocket::bind((from, 0)).await?;
        // The route's own bound is what is questioned.
        match to {
            SocketAddr::V4(_) => set_ip_mtu_discover(&socket, Ipv4PathMtuDiscovery::PROBE)?,
            SocketAddr::V6(_) => set_ipv6_mtu_discover(&socket, Ipv6PathMtuDiscovery::PROBE)?,
        }
        probes::ask(&socket, to, question).await
    };
    match timeout(ANSWER_WAIT_MAX, ask).await {
        Ok(Ok(())) => true,
        Ok(Err(cause)) => cause.kind() == io::ErrorKind::ConnectionRefused,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets so many seconds pass on a line that carries `carried` bytes; returns the sizes that were asked.
    fn pass(search: &mut Search, now: &mut u64, seconds: u64, carried: u16) -> Vec<u16> {
        let mut asked = Vec::new();
        for _ in 0..seconds {
            *now += 1;
            let at = Duration::from_secs(*now);
            if let Some(size) = search.due(at) {
                asked.push(size);
                search.learn(at, size <= carried);
            }
        }
        asked
    }

    #[test]
    fn a_usual_line_costs_one_question_and_then_four_a_minute() {
        let (mut search, mut now) = (Search::default(), 0);
        assert_eq!(pass(&mut search, &mut now, 1, 1420), [1420]);
        assert_eq!(search.found, 1420);
        assert_eq!(pass(&mut search, &mut now, 600, 1420), [1420; 40]);
    }

    #[test]
    fn the_longest_size_that_a_line_carries_is_found_and_asked_for_more_after_ten_minutes() {
        let (mut search, mut now) = (Search::default(), 0);
        pass(&mut search, &mut now, 60, 1350);
        assert_eq!(search.found, 1344);
        let confirmed = pass(&mut search, &mut now, 500, 1500);
        assert!(confirmed.iter().all(|size| *size == 1344), "{confirmed:?}");
        pass(&mut search, &mut now, 60, 1500);
        assert_eq!(search.found, 1420);
    }

    #[test]
    fn a_line_that_becomes_narrow_is_noticed_within_half_a_minute_and_three_losses_of_a_size_are_not_two() {
        let (mut search, mut now) = (Search::default(), 0);
        pass(&mut search, &mut now, 10, 1420);
        let at = Duration::from_secs(now + 15);
        for is_carried in [false, false, true, false, false] {
            search.learn(at, is_carried);
            assert_eq!(search.found, 1420);
        }
        search.learn(at, false);
        assert_eq!((search.found, search.due(at)), (MTU_MIN, Some(1344)));
        pass(&mut search, &mut now, 30, 1330);
        assert_eq!(search.found, 1328);
    }

    #[test]
    fn a_line_that_carries_nothing_longer_stays_at_the_least() {
        let (mut search, mut now) = (Search::default(), 0);
        assert_eq!(pass(&mut search, &mut now, 100, 1280).len(), 4 * usize::from(LOST_MAX));
        assert_eq!(search.found, MTU_MIN);
    }

    #[test]
    fn another_way_is_tried_anew_and_keeps_what_was_found_until_it_is_lost() {
        let (mut search, mut now) = (Search::default(), 0);
        pass(&mut search, &mut now, 60, 1350);
        search.begin();
        pass(&mut search, &mut now, 3, 1350);
        assert_eq!(search.found, 1344, "while larger ones are tried");
        pass(&mut search, &mut now, 60, 1350);
        assert_eq!(search.found, 1344);
        search.begin();
        pass(&mut search, &mut now, 60, 1300);
        assert_eq!(search.found, 1296);
    }

    #[test]
    fn a_question_has_the_length_that_is_asked_for_and_says_how_much_of_it_is_padding() {
        for (to, headers) in [("10.200.0.53:53", 28), ("[fd00:200::53]:53", 48)] {
            for size in SIZES {
                let message = [&[0x12, 0x34][..], &filled(size, to.parse().unwrap())].concat();
                assert_eq!(message.len() + headers, usize::from(size));
                let length = |at: usize| usize::from(u16::from_be_bytes([message[at], message[at + 1]]));
                assert_eq!((length(26), length(30)), (message.len() - 28, message.len() - 32));
            }
        }
    }
}
