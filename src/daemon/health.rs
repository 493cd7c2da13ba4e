//! Looks at the box every few seconds, for the page that tells the school's digital referent what is wrong.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::watch, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::reading::Reading;
use crate::{
    admin::{Disk, Snapshot},
    enforce::dns::{LineStanding, Resolver, Tunnels},
    identity::Identity,
    journal::Journal,
    model::Moment,
    portal,
    system::{clock::Clock, disk, links::Links},
};

/// How often the box is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How often what changes slowly is looked at: the disk's room, the certificate.
const LOOK_CLOSELY_EVERY: Duration = Duration::from_secs(5 * 60);

/// Whom to ask how the box is.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) line_interface: Arc<str>,
    pub(super) state_dir: PathBuf,
    pub(super) certificate_path: PathBuf,
    pub(super) key_path: PathBuf,
    pub(super) clock: Clock,
    pub(super) identity: Identity,
    pub(super) journal: Journal,
    pub(super) resolver: Resolver,
    pub(super) tunnels: Tunnels,
    pub(super) open: watch::Receiver<bool>,
    pub(super) reading: watch::Receiver<Reading>,
}

/// What changes slowly.
#[derive(Clone, Copy, Debug, Default)]
struct Slow {
    disk: Option<Disk>,
    certificate_ends: Option<Moment>,
}

impl Watched {
    /// Sends how the box is to `health` until `stop`.
    pub(super) async fn serve(
        self,
        health: watch::Sender<Snapshot>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut close_looks = tokio::time::interval(LOOK_CLOSELY_EVERY);
        close_looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut slow = Slow::default();
        let mut line_down_since = None;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                _ = close_looks.tick() => slow = self.look_closely().await,
                _ = ticks.tick() => {}
            }
            line_down_since = match self.has_signal().await {
                true => None,
                false => line_down_since.or_else(|| Some(self.clock.now())),
            };
            health.send_replace(self.look(slow, line_down_since));
        }
    }

    fn look(&self, slow: Slow, line_down_since: Option<Moment>) -> Snapshot {
        let Slow { disk, certificate_ends } = slow;
        let reading = self.reading.borrow();
        let journal_writes = self.journal.is_writing();
        Snapshot {
            gate_open: journal_writes && *self.open.borrow(),
            journal_writes,
            line_down_since,
            resolver_silent_since: match self.resolver.line() {
                LineStanding::Up => None,
                LineStanding::Down { lasting } => Some(self.clock.now() - lasting),
            },
            clock_in_doubt: self.clock.doubt().is_some(),
            disk,
            lists_of: reading.lists_of,
            certificate_ends,
            configuration_refused: reading.refused.is_some(),
            restart_wanted: reading.restart_wanted.is_some(),
            machines_doubled: self.identity.doubles(),
            tunnels_held: self.tunnels.held(),
        }
    }

    /// Looks at what lies on the disk, on a thread that may wait for it.
    async fn look_closely(&self) -> Slow {
        let state_dir = self.state_dir.clone();
        let (certificate_path, key_path) = (self.certificate_path.clone(), self.key_path.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let room = disk::room(&state_dir);
            // The one on the disk: that the portal still shows the one before it is a finding of its own.
            let ends = portal::certificate_end(&certificate_path, &key_path);
            Slow {
                disk: room
                    .ok()
                    .map(|room| Disk { total_bytes: room.total_bytes, free_bytes: room.free_bytes }),
                certificate_ends: ends.ok(),
            }
        });
        looked.await.unwrap_or_default()
    }

    /// Whether the line's interface has a signal. One that cannot be asked about is not called dead.
    async fn has_signal(&self) -> bool {
        let found = async { Links::open()?.find(&self.line_interface).await }.await;
        match found {
            Ok(Some(link)) => link.has_signal,
            Ok(None) => false,
            Err(cause) => {
                debug!(cause = format!("{cause:#}"), "cannot look at the line's interface");
                true
            }
        }
    }
}
