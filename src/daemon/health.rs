//! Looks at the box every few seconds, for the page that tells the school's digital referent what is wrong.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::watch, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{meeting, reading::Reading};
use crate::{
    admin::{DirectoryHealth, Disk, Download, Snapshot, TunnelDown, Until},
    enforce::dns::{LineStanding, Resolver, Tunnels},
    identity::{EntStanding, Identity},
    journal::Journal,
    model::Moment,
    portal::{CertificateStanding, Shown},
    sync::channel::{Awaited, Waits},
    system::{clock::Clock, disk, links::Links},
    vpn,
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
    pub(super) certificate: Shown,
    pub(super) clock: Clock,
    pub(super) identity: Identity,
    pub(super) journal: Journal,
    pub(super) resolver: Resolver,
    pub(super) tunnels: Tunnels,
    pub(super) tunnel: watch::Receiver<Option<vpn::Standing>>,
    pub(super) open: watch::Receiver<bool>,
    pub(super) reading: watch::Receiver<Reading>,
    pub(super) directory: watch::Receiver<DirectoryHealth>,
    pub(super) central: watch::Receiver<meeting::Standing>,
}

/// What changes slowly.
#[derive(Clone, Copy, Debug, Default)]
struct Slow {
    disk: Option<Disk>,
    certificate: Option<CertificateStanding>,
}

/// Since when things are as they should not be.
#[derive(Clone, Copy, Debug, Default)]
struct Since {
    line_down: Lasting,
    ent_away: Lasting,
}

/// The first look that found something, if the last one did.
#[derive(Clone, Copy, Debug, Default)]
struct Lasting(Option<Moment>);

impl Lasting {
    fn follow(&mut self, is_so: bool, now: Moment) {
        let Self(since) = self;
        *since = if is_so { since.or(Some(now)) } else { None };
    }
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
        let mut since = Since::default();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                _ = close_looks.tick() => slow = self.look_closely().await,
                _ = ticks.tick() => {}
            }
            let now = self.clock.now();
            since.line_down.follow(!self.has_signal().await, now);
            since.ent_away.follow(self.identity.ent() == EntStanding::Away, now);
            health.send_replace(self.look(slow, &since));
        }
    }

    fn look(&self, slow: Slow, since: &Since) -> Snapshot {
        let Slow { disk, certificate } = slow;
        let reading = self.reading.borrow();
        let journal_writes = self.journal.is_writing();
        Snapshot {
            gate_open: journal_writes && *self.open.borrow(),
            journal_writes,
            line_down_since: since.line_down.0,
            resolver_silent_since: match self.resolver.line() {
                LineStanding::Up => None,
                LineStanding::Down { lasting } => Some(self.clock.now() - lasting),
            },
            ent_away_since: since.ent_away.0,
            directory: *self.directory.borrow(),
            clock_in_doubt: self.clock.doubt().is_some(),
            disk,
            lists_of: reading.lists_of,
            certificate_ends: certificate.map(|standing| standing.ends),
            download: self.central.borrow().waits.and_then(download),
            configuration_refused: reading.refused.is_some(),
            certificate_awaited: certificate.is_some_and(|standing| standing.is_provisional),
            machines_doubled: self.identity.doubles(),
            tunnels_held: self.tunnels.held(),
            tunnel_down: self.tunnel.borrow().as_ref().and_then(down),
        }
    }

    /// Looks at what lies on the disk, on a thread that may wait for it.
    async fn look_closely(&self) -> Slow {
        let state_dir = self.state_dir.clone();
        let certificate = self.certificate.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let room = disk::room(&state_dir);
            Slow {
                disk: room
                    .ok()
                    .map(|room| Disk { total_bytes: room.total_bytes, free_bytes: room.free_bytes }),
                certificate: certificate.standing(),
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

/// Since when the tunnel is down, if it is, and whether the clock is why.
fn down(standing: &vpn::Standing) -> Option<TunnelDown> {
    let since = standing.since.filter(|_| !standing.up)?;
    let by_clock = matches!(standing.trouble, Some(vpn::Trouble::ClockAhead | vpn::Trouble::ClockBehind));
    Some(TunnelDown { since, by_clock })
}

/// What waits for longer than a moment.
fn download(waits: Waits) -> Option<Download> {
    let until = match waits.awaited {
        Awaited::Window => Until::Hours,
        Awaited::Budget => Until::Tomorrow,
        Awaited::Line => return None,
    };
    Some(Download { megabytes: waits.bytes.div_ceil(1_000_000), until })
}
