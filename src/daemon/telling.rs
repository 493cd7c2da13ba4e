//! What the box tells the académie's central of itself: figures and faults, no person and no site.

use super::{Status, reading::Reading};
use crate::{
    admin::{DirectoryFault, Fault, Severity, Snapshot, findings},
    model::{ClockTrust, Moment},
    protocol::line::{Figures, Finding, InForce, Report},
    sync::ListsInForce,
};

/// What a report is made of.
pub(super) struct Told<'a> {
    pub(super) status: &'a Status,
    pub(super) snapshot: &'a Snapshot,
    pub(super) reading: &'a Reading,
    pub(super) channel: InForce,
    pub(super) lists: ListsInForce,
    pub(super) started: Moment,
    pub(super) now: Moment,
    pub(super) clock: ClockTrust,
    pub(super) sign_ins_refused: u64,
}

/// The report, but for what the live line itself fills in.
pub(super) fn report(told: Told<'_>) -> Report {
    let Told { status, snapshot, reading, channel, lists, started, now, clock, sign_ins_refused } = told;
    let mut found: Vec<Finding> = findings(snapshot, now)
        .into_iter()
        .map(|finding| Finding {
            code: code(finding.fault).to_owned(),
            severity: severity(finding.severity).to_owned(),
        })
        .collect();
    if reading.channel_fault.is_some() {
        found.push(Finding { code: "channel-damaged".to_owned(), severity: "warning".to_owned() });
    }
    let disk = snapshot.disk;
    let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let days_until = |end: Moment| end.since(now).as_secs() / (24 * 3600);
    Report {
        clock_trusted: clock == ClockTrust::Trusted,
        version: status.version.clone(),
        up_seconds: now.since(started).as_secs(),
        open: status.gate_open,
        in_force: InForce {
            policy: reading.channel_policy.unwrap_or(0),
            lists: lists.number,
            refused: channel.refused.or(lists.refused),
            ..channel
        },
        findings: found,
        figures: Figures {
            disk_free_bytes: disk.map_or(0, |disk| disk.free_bytes),
            disk_bytes: disk.map_or(0, |disk| disk.total_bytes),
            signed_in: count(status.sessions),
            machines: count(status.leases),
            sign_ins_refused,
            certificate_days: snapshot.certificate_ends.map_or(0, days_until),
            ..Figures::default()
        },
        ..Report::default()
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Urgent => "wrong",
        Severity::Soon => "warning",
        Severity::Notice => "notice",
    }
}

/// The word for a fault on the live line.
fn code(fault: Fault) -> &'static str {
    match fault {
        Fault::GateClosed => "gate-closed",
        Fault::JournalSilent => "journal-silent",
        Fault::LineDown { .. } => "line-down",
        Fault::ResolverSilent { .. } => "resolver-silent",
        Fault::EntAway { .. } => "ent-away",
        Fault::Directory(DirectoryFault::Unreadable) => "directory-unreadable",
        Fault::Directory(DirectoryFault::FeedsHeld { .. }) => "feeds-held",
        Fault::Directory(DirectoryFault::RecordsQuarantined { .. }) => "records-quarantined",
        Fault::Directory(DirectoryFault::CalendarEnds(_)) => "calendar-ends",
        Fault::ClockInDoubt => "clock-in-doubt",
        Fault::DiskNearlyFull { .. } => "disk-nearly-full",
        Fault::ListsOld { .. } => "lists-old",
        Fault::CertificateEnded => "certificate-ended",
        Fault::CertificateEnds { .. } => "certificate-ends",
        Fault::ConfigurationRefused => "configuration-refused",
        Fault::RestartWanted => "restart-wanted",
        Fault::MachinesDoubled { .. } => "machines-doubled",
        Fault::TunnelsHeld { .. } => "tunnels-held",
    }
}
