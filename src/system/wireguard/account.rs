//! What wg(8) is told of the interface.

use std::{collections::HashMap, fmt::Write as _, time::Duration};

use gotatun::{
    device::{Device, DeviceTransports, configure::PeerStats},
    x25519::PublicKey,
};
use tokio::time::Instant;

use crate::{model::Moment, system::clock::Clock};

/// How unevenly the age of one handshake may be told.
const UNEVEN_MAX: Duration = Duration::from_millis(200);

/// When handshakes were. The library tells how long they are ago, while wg(8) asks when they were by the clock: told anew each
/// time, one handshake would seem two when the second turns in between, or when somebody sets the clock.
pub(super) struct Handshakes {
    clock: Clock,
    begun: Instant,
    /// Of each peer, when the last one was, counted from `begun` and by the clock of then.
    known: HashMap<PublicKey, (Duration, Moment)>,
}

impl Handshakes {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, begun: Instant::now(), known: HashMap::new() }
    }

    /// When the last handshake with this peer was, which is so long `ago`; what was known of it once its session is over.
    fn latest(&mut self, peer: PublicKey, ago: Option<Duration>) -> Option<Moment> {
        let Some(ago) = ago else { return self.known.get(&peer).map(|(_, moment)| *moment) };
        let elapsed = self.begun.elapsed();
        Some(self.moment_at(peer, elapsed.saturating_sub(ago), ago))
    }

    fn moment_at(&mut self, peer: PublicKey, at: Duration, ago: Duration) -> Moment {
        match self.known.get(&peer) {
            Some((known, moment)) if known.abs_diff(at) <= UNEVEN_MAX => *moment,
            Some(_) | None => {
                let moment = self.clock.now() - ago;
                self.known.insert(peer, (at, moment));
                moment
            }
        }
    }
}

/// Everything the interface has, without the last line.
pub(super) async fn account<T: DeviceTransports>(
    wireguard: &Device<T>,
    handshakes: &mut Handshakes,
) -> String {
    let (mut text, peers) = wireguard
        .read(async |device| {
            let mut text = String::new();
            if let Some(key) = device.private_key() {
                line(&mut text, "private_key", hexadecimal(key.as_bytes()));
            }
            line(&mut text, "listen_port", device.listen_port());
            line(&mut text, "fwmark", device.fwmark().unwrap_or_default());
            (text, device.peers().await)
        })
        .await;
    handshakes.known.retain(|key, _| peers.iter().any(|one| one.peer.public_key == *key));
    for PeerStats { peer, stats, .. } in peers {
        line(&mut text, "public_key", hexadecimal(peer.public_key.as_bytes()));
        line(&mut text, "preshared_key", hexadecimal(&peer.preshared_key.unwrap_or_default()));
        if let Some(endpoint) = peer.endpoint {
            line(&mut text, "endpoint", endpoint);
        }
        let shaken = handshakes.latest(peer.public_key, stats.last_handshake);
        let shaken = shaken.map_or(0, |moment| moment.unix_milliseconds().max(0));
        line(&mut text, "last_handshake_time_sec", shaken / 1000);
        line(&mut text, "last_handshake_time_nsec", shaken % 1000 * 1_000_000);
        line(&mut text, "rx_bytes", stats.rx_bytes);
        line(&mut text, "tx_bytes", stats.tx_bytes);
        line(&mut text, "persistent_keepalive_interval", peer.keepalive.unwrap_or_default());
        for network in peer.allowed_ips {
            line(&mut text, "allowed_ip", network);
        }
    }
    text
}

fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    writeln!(text, "{name}={value}").expect("writing to a string cannot fail");
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    };

    use super::*;

    #[test]
    fn one_handshake_is_one_moment_however_unevenly_its_age_is_told_and_whoever_sets_the_clock() {
        let shown = Arc::new(AtomicI64::new(1_795_417_200_001));
        let show = Arc::clone(&shown);
        let clock = Clock::from_fn(move || Moment::from_unix_milliseconds(show.load(Ordering::Relaxed)));
        let mut handshakes = Handshakes::new(clock);
        let peer = PublicKey::from([1; 32]);
        let second = Duration::from_secs(1);
        let first = handshakes.moment_at(peer, 10 * second, Duration::from_millis(2));
        assert_eq!(first.unix_milliseconds(), 1_795_417_199_999);
        assert_eq!(handshakes.moment_at(peer, 10 * second + Duration::from_millis(1), second), first);
        shown.store(0, Ordering::Relaxed);
        assert_eq!(handshakes.moment_at(peer, 10 * second - Duration::from_millis(1), 2 * second), first);
        shown.store(1_795_417_320_000, Ordering::Relaxed);
        let next = handshakes.moment_at(peer, 130 * second, second);
        assert_eq!(next.unix_milliseconds(), 1_795_417_319_000);
        let other = handshakes.moment_at(PublicKey::from([2; 32]), 130 * second, 3 * second);
        assert_eq!(other.unix_milliseconds(), 1_795_417_317_000);
        // The session is over.
        assert_eq!(handshakes.latest(peer, None), Some(next));
        assert_eq!(handshakes.latest(PublicKey::from([3; 32]), None), None);
    }
}
