//! The dead man's switch (decision D17): flows may begin only while the daemon says each second that it is well.

use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::TABLE_NAME;
use crate::system::netlink::{Element, SetWriter};

/// The set that the rules look into, and its elements: the address families as nft's `nf_proto` (`NFPROTO_IPV4`,
/// `NFPROTO_IPV6`), one byte each.
const SET: &str = "alive";
const FAMILIES: [[u8; 1]; 2] = [[2], [10]];

/// How often the daemon beats, and how long one beat lasts: two may be missed.
const BEAT_EVERY: Duration = Duration::from_secs(1);
const BEAT_LASTS: Duration = Duration::from_secs(3);

/// The daemon's hold on the dead man's switch. Dropping it lets the last beat run out.
#[derive(Debug)]
pub struct Heartbeat {
    kernel: SetWriter,
}

impl Heartbeat {
    /// Takes hold; nothing beats yet.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub fn open() -> anyhow::Result<Self> {
        let kernel = SetWriter::open(TABLE_NAME).context("cannot open the heartbeat's socket")?;
        Ok(Self { kernel })
    }

    /// Lets flows begin for the next 3 seconds.
    ///
    /// # Errors
    /// When the kernel refuses, above all because the ruleset is not there.
    pub async fn beat(&mut self) -> anyhow::Result<()> {
        let elements = FAMILIES.map(|family| Element { key: family.to_vec(), timeout: BEAT_LASTS });
        self.kernel.put(SET, &elements).context("cannot refresh the dead man's switch")
    }

    /// Lets no more flows begin from now on; those that run go on.
    ///
    /// # Errors
    /// As [`Self::beat`].
    pub async fn end(&mut self) -> anyhow::Result<()> {
        let keys = FAMILIES.map(|family| family.to_vec());
        self.kernel.remove(SET, &keys).context("cannot open the dead man's switch")
    }

    /// Beats each second while `healthy` says so, and ends the beat on `stop`. While it does not, the last beat runs
    /// out and nothing begins: closed.
    ///
    /// # Errors
    /// When the kernel refuses a beat: somebody removed the ruleset, and the daemon must start again to load it.
    pub async fn serve(
        mut self,
        healthy: impl Fn() -> bool + Send,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut second = interval(BEAT_EVERY);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut was_healthy = true;
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.end().await,
                _ = second.tick() => {}
            }
            let is_healthy = healthy();
            if is_healthy {
                self.beat().await?;
            } else if was_healthy {
                warn!("the daemon is not well: no new flows are let through");
            }
            was_healthy = is_healthy;
        }
    }
}
