//! The process that is the interface.

use std::{env, time::Duration};

use anyhow::{Context as _, bail};
use gotatun::device::{self, Device, DeviceTransports, configure::PeerStats};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{account::Handshakes, control::Control, datagrams::Sockets, interface};
use crate::{
    model::Moment,
    system::{
        child::{Child, Rights},
        clock::Clock,
    },
};

/// The command of this program that becomes the process, as of any program that starts it.
const COMMAND: &str = "wireguard";

/// How often it is looked whether somebody set the clock, and whether a handshake is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// From here on a clock was set, and did not only run unevenly.
const STEP_MIN: Duration = Duration::from_secs(1);

/// From here on a block of memory is large.
const LARGE_BLOCK_BYTES: libc::c_int = 1 << 20;

/// How long a session lasts after its handshake, and when another one is due (WireGuard's paper, section 6.1).
const SESSION_MAX: Duration = Duration::from_secs(180);
const REKEY_AFTER: Duration = Duration::from_secs(120);

/// The process to keep running: this program again, by its command `wireguard`. The interface goes with it.
#[must_use]
pub fn child(interface: &str) -> Child {
    Child {
        name: COMMAND,
        // Its own link where the machine does not tell the path.
        program: env::current_exe().unwrap_or_else(|_| "/proc/self/exe".into()).into(),
        arguments: vec![COMMAND.into(), interface.into()],
        // It says what fails, and nothing about persons.
        is_about_the_machine: |_| true,
        rights: Rights::Kept,
    }
}

/// Becomes the interface of this name until SIGTERM. It has no key and no peers until wg(8) gives them.
///
/// # Errors
/// When the interface cannot be made or is deleted, and when its sockets fail.
pub fn run(interface: &str) -> anyhow::Result<()> {
    give_back_large_blocks();
    // One thread: a packet that changes threads on its way costs more than a second one would carry.
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(serve(interface))
}

/// Has every large block of memory come from the kernel, and go back to it. The library takes 26 MB for what it reads, of which
/// a quarter can ever be touched, and anew with each port or key; taken out of what was given back before, it would be cleared, and
/// so be there.
#[expect(unsafe_code, reason = "only the C library can be told so")]
fn give_back_large_blocks() {
    // SAFETY: a setting of the allocator, made before there are other threads.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE_BLOCK_BYTES) };
}

async fn serve(name: &str) -> anyhow::Result<()> {
    let mut ended = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut tasks = JoinSet::new();
    let (writer, reader) = interface::open(name, &mut tasks).with_context(|| {
        format!("cannot make the interface `{name}`: are /dev/net/tun and CAP_NET_ADMIN there?")
    })?;
    let builder = device::build().with_udp(Sockets::default()).with_ip_pair(writer, reader);
    let mut wireguard = builder.build().await?;
    let mut control = Control::open(name, &mut tasks)?;
    let (clock, begun) = (Clock::of_the_machine(), Instant::now());
    let mut set_clock = SetClock { origin: clock.now() };
    let mut handshakes = Handshakes::new(clock.clone());
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ended.recv() => return Ok(()),
            () = wireguard.wait() => bail!("the interface is gone, or its socket"),
            question = control.next() => match question {
                Some(question) => question.answer(&wireguard, &mut handshakes).await.context("there is no socket")?,
                None => bail!("wg(8) is not listened to any more"),
            },
            _ = looks.tick() => {
                if set_clock.was_set(clock.now(), begun.elapsed()) {
                    meet_again(&wireguard).await?;
                }
                shake(&wireguard).await;
            }
        }
    }
}

/// Has a handshake sent to every peer that is to be kept in session and is due for one. The library itself gives up after 90 s
/// without an answer, and renews no session in which nothing but signs of life is sent, until it is over.
async fn shake<T: DeviceTransports>(wireguard: &Device<T>) {
    for PeerStats { peer, stats, .. } in wireguard.peers().await {
        if peer.keepalive.is_some() && stats.last_handshake.is_none_or(|ago| ago >= REKEY_AFTER) {
            // It is sent at once. The answer is not waited for, and without an endpoint there is none.
            let _ = timeout(Duration::ZERO, wireguard.force_handshake(&peer.public_key)).await;
        }
    }
}

/// Makes every peer without a session known anew. A handshake carries the time, which the library counts on from when the peer
/// was made known: after the clock was put right it would go on showing the wrong one, and be refused.
pub(super) async fn meet_again<T: DeviceTransports>(wireguard: &Device<T>) -> Result<(), device::Error> {
    wireguard
        .write(async |device| {
            for known in device.peers().await {
                if known.stats.last_handshake.is_none_or(|since| since > SESSION_MAX) {
                    device.remove_peer(&known.peer.public_key).await;
                    device.add_peer(known.peer);
                }
            }
        })
        .await
}

/// A clock that somebody may set.
struct SetClock {
    /// What it showed when time was counted from, as far as it can be told by now.
    origin: Moment,
}

impl SetClock {
    /// Whether it was set since this was last asked: it shows `now`, and `elapsed` is the time since it was first asked.
    fn was_set(&mut self, now: Moment, elapsed: Duration) -> bool {
        let origin = now - elapsed;
        let before = std::mem::replace(&mut self.origin, origin);
        origin.since(before).max(before.since(origin)) >= STEP_MIN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_noticed_once_in_either_direction() {
        let mut clock = SetClock { origin: Moment::from_unix_seconds(0) };
        let shown = [(60, false), (1_795_417_200, true), (1_795_417_260, false), (240, true), (300, false)];
        for (minute, (shows, was_set)) in (1..).zip(shown) {
            let elapsed = Duration::from_secs(60 * minute);
            assert_eq!(clock.was_set(Moment::from_unix_seconds(shows), elapsed), was_set, "{shows}");
        }
    }
}
