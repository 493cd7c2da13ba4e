//! What the daemon says of itself: to `preau status`, to those who watch, and to the académie.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    CentralStatus, DirectoryStatus, RuleFileStatus, Status, TunnelStatus, WarmStatus, figures, meeting,
    reading::Reading, telling,
};
use crate::{
    admin::Snapshot,
    counts::{Counts, Waiting},
    enforce::dns::Tunnels,
    ent::warm::Told,
    identity::{EntStanding, Identity},
    journal::Journal,
    lan::Leases,
    library::Library,
    model::Moment,
    portal,
    protocol::{line::Report, repair::Repair},
    system::clock::Clock,
    vpn,
};

/// Knows whom to ask for the daemon's status.
#[derive(Debug)]
pub(super) struct Speaker {
    pub(super) school: String,
    pub(super) started: Moment,
    pub(super) clock: Clock,
    pub(super) identity: Identity,
    pub(super) journal: Journal,
    pub(super) leases: watch::Receiver<Arc<Leases>>,
    pub(super) tunnels: Tunnels,
    pub(super) tunnel: watch::Receiver<Option<vpn::Standing>>,
    pub(super) directory: watch::Receiver<DirectoryStatus>,
    pub(super) open: watch::Receiver<bool>,
    pub(super) reading: watch::Receiver<Reading>,
    pub(super) certificate: portal::Shown,
    pub(super) central: watch::Receiver<meeting::Standing>,
    /// How the last session of a technician stands.
    pub(super) repair: watch::Receiver<Option<Repair>>,
    pub(super) counts: (Counts, Waiting),
    pub(super) library: Option<Library>,
    pub(super) warmed: Option<watch::Receiver<Told>>,
}

impl Speaker {
    /// What central is told.
    pub(super) fn report(&self, snapshot: &Snapshot, standing: &meeting::Standing) -> Report {
        telling::report(telling::Told {
            status: &self.status(),
            snapshot,
            reading: &self.reading.borrow(),
            channel: standing.channel.clone(),
            lists: standing.lists.clone(),
            accounts: standing.accounts.clone(),
            started: self.started,
            now: self.clock.now(),
            clock: self.clock.trust(),
            sign_ins_refused: self.identity.sign_ins_refused(),
            answered: self.counts.0.since_start(),
            library: self.library.as_ref().map(Library::shelved).unwrap_or_default(),
            tunnel: self.tunnel.borrow().as_ref().map(telling::tunnel),
            repair: self.repair.borrow().clone(),
        })
    }

    /// What those who watch are told.
    pub(super) fn figures(&self, snapshot: &Snapshot, cached: usize) -> anyhow::Result<String> {
        let report = self.report(snapshot, &self.central.borrow());
        let (status, started) = (&self.status(), self.started);
        figures::text(&figures::Told { status, snapshot, report: &report, started, cached })
    }

    fn central(&self) -> CentralStatus {
        let meeting::Standing { is_enrolled, channel, lists, accounts, line, waits } =
            self.central.borrow().clone();
        let told = channel.refused.or(lists.refused).or(accounts.refused);
        let refused =
            told.map(|refused| format!("{} {}: {}", refused.what, refused.number, refused.sentence));
        let reading = self.reading.borrow();
        CentralStatus {
            enrolled: is_enrolled,
            reached: line.reached,
            since: line.since.map(|since| since.to_string()),
            trouble: Some(line.trouble).filter(|why| !why.is_empty()),
            policy: reading.channel_policy,
            lists: lists.number,
            waits: waits.map(|waits| waits.to_string()),
            accounts: accounts.number,
            refused: refused.or_else(|| reading.channel_fault.clone()),
        }
    }

    pub(super) fn status(&self) -> Status {
        let reading = self.reading.borrow();
        let journal_open = self.journal.is_writing();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started.to_string(),
            school: self.school.clone(),
            gate_open: journal_open && *self.open.borrow(),
            journal_open,
            clock_in_doubt: self.clock.doubt().map(|doubt| doubt.to_string()),
            sessions: self.identity.count(),
            leases: self.leases.borrow().len(),
            tunnels_held: self.tunnels.held(),
            machines_doubled: self.identity.doubles(),
            ent_answers: match self.identity.ent() {
                EntStanding::None => None,
                standing @ (EntStanding::Reachable | EntStanding::Away) => {
                    Some(standing == EntStanding::Reachable)
                }
            },
            central: self.central(),
            tunnel: self.tunnel.borrow().as_ref().map(TunnelStatus::of),
            directory: self.directory.borrow().clone(),
            rules: reading
                .rules
                .iter()
                .map(|(path, level, rules)| RuleFileStatus {
                    path: path.display().to_string(),
                    level: (*level).to_owned(),
                    rules: *rules,
                })
                .collect(),
            configured: reading.at.to_string(),
            reload_refused: reading.refused.clone(),
            certificate: self.certificate.standing().map(|standing| standing.to_string()),
            warm: self.warmed.as_ref().map(|told| WarmStatus::of(&told.borrow())),
        }
    }
}
