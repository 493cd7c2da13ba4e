//! WireGuard in this program, for kernels that have none of their own.
//!
//! | file | what it does |
//! |---|---|
//! | `interface` | the packets inside: a TUN interface that gives and takes many segments of a connection with one call |
//! | `datagrams` | the packets outside: UDP, many segments with one call as well |
//! | `control` | the socket by which wg(8) asks and tells, as it does with any WireGuard outside the kernel |
//!
//! Handshakes, keys and sessions are the library's. All of it runs in a process of its own ([`child`]) and not in the daemon:
//! it reads what anybody on the Internet sends, and the school's filter shall outlive a fault in it.

mod control;
mod datagrams;
mod interface;

use std::{
    env,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, bail};
use gotatun::device::{self, Device, uapi::UapiServer};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};

use self::{
    control::Control,
    datagrams::Sockets,
    interface::{Reader, Writer},
};
use super::child::{Child, Rights};

type WireGuard = Device<(Sockets, Writer, Reader)>;

/// The command of this program that becomes the process, as of any program that starts it.
const COMMAND: &str = "wireguard";

/// How often it is looked whether somebody set the clock.
const CLOCK_LOOK_EVERY: Duration = Duration::from_secs(1);

/// From here on a clock was set, and did not only run unevenly.
const CLOCK_STEP_MIN: Duration = Duration::from_secs(1);

/// How long a session lasts after its handshake (WireGuard's paper, section 6.1).
const SESSION_MAX: Duration = Duration::from_secs(180);

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
    // One thread: a packet that changes threads on its way costs more than a second one would carry.
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(serve(interface))
}

async fn serve(name: &str) -> anyhow::Result<()> {
    let mut ended = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let (writer, reader) = interface::open(name).with_context(|| {
        format!("cannot make the interface `{name}`: are /dev/net/tun and CAP_NET_ADMIN there?")
    })?;
    let (asked, answers) = UapiServer::new();
    let builder =
        device::build().with_uapi(answers).with_udp(Sockets::default()).with_ip_pair(writer, reader);
    let mut wireguard = builder.build().await?;
    let mut control = Control::open(name, asked)?;
    let mut clock = SetClock::default();
    let mut looks = interval(CLOCK_LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ended.recv() => return Ok(()),
            () = wireguard.wait() => bail!("the interface is gone"),
            change = control.next() => change.carry_out(&wireguard).await,
            _ = looks.tick() => if clock.was_set() {
                meet_again(&wireguard).await?;
            },
        }
    }
}

/// Makes every peer without a session known anew. A handshake carries the time, which the library counts on from when the peer
/// was made known: after the clock was put right it would go on showing the wrong one, and be refused.
async fn meet_again(wireguard: &WireGuard) -> Result<(), device::Error> {
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

/// Whether the clock went another way than time itself.
struct SetClock {
    begun: Instant,
    /// What the clock showed when `begun` was, as far as it can be told by now.
    origin: Duration,
}

impl SetClock {
    fn was_set(&mut self) -> bool {
        let before = std::mem::replace(&mut self.origin, origin(self.begun));
        before.abs_diff(self.origin) >= CLOCK_STEP_MIN
    }
}

impl Default for SetClock {
    fn default() -> Self {
        let begun = Instant::now();
        Self { begun, origin: origin(begun) }
    }
}

fn origin(begun: Instant) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(begun.elapsed())
}
