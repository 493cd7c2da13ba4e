//! What the box tells the académie's central of itself: figures and faults, no person and no site.

use super::{Status, reading::Reading};
use crate::{
    admin::{DirectoryFault, Fault, Severity, Snapshot, findings},
    model::{ClockTrust, Moment},
    protocol::{
        line::{Figures, Finding, InForce, Report, Shelved},
        repair::{Repair, TunnelTold},
    },
    sync::{AccountsInForce, ListsInForce},
    vpn,
};

/// What a report is made of.
pub(super) struct Told<'a> {
    pub(super) status: &'a Status,
    pub(super) snapshot: &'a Snapshot,
    pub(super) reading: &'a Reading,
    pub(super) channel: InForce,
    pub(super) lists: ListsInForce,
    pub(super) accounts: AccountsInForce,
    pub(super) started: Moment,
    pub(super) now: Moment,
    pub(super) clock: ClockTrust,
    pub(super) sign_ins_refused: u64,
    /// Questions allowed and refused since the start.
    pub(super) answered: (u64, u64),
    /// How the packages of the library stand.
    pub(super) library: Vec<Shelved>,
    /// How the tunnel stands.
    pub(super) tunnel: Option<TunnelTold>,
    /// How the last session of a technician stands.
    pub(super) repair: Option<Repair>,
}

/// The report, but for what the live line itself fills in.
pub(super) fn report(told: Told<'_>) -> Report {
    let Told {
        status,
        snapshot,
        reading,
        channel,
        lists,
        accounts,
        started,
        now,
        clock,
        sign_ins_refused,
        answered,
        library,
        tunnel,
        repair,
    } = told;
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
            accounts: accounts.number,
            refused: channel.refused.or(lists.refused).or(accounts.refused),
            ..channel
        },
        findings: found,
        figures: Figures {
            disk_free_bytes: disk.map_or(0, |disk| disk.free_bytes),
            disk_bytes: disk.map_or(0, |disk| disk.total_bytes),
            signed_in: count(status.sessions),
            machines: count(status.leases),
            sign_ins_refused,
            allowed: answered.0,
            refused: answered.1,
            certificate_days: snapshot.certificate_ends.map_or(0, days_until),
            library,
            tunnel,
            ..Figures::default()
        },
        repair,
        ..Report::default()
    }
}

/// How the tunnel stands, as central is told.
pub(super) fn tunnel(standing: &vpn::Standing) -> TunnelTold {
    let seconds = |at: Option<Moment>| at.map_or(0, Moment::unix_seconds);
    TunnelTold {
        up: standing.up,
        since: seconds(standing.since),
        way: match standing.way {
            vpn::Way::Udp => "udp".to_owned(),
            vpn::Way::Tls => "tls".to_owned(),
        },
        concentrator: u64::try_from(standing.concentrator).unwrap_or(u64::MAX),
        handshake: seconds(standing.handshake),
        lost_permille: standing.lost_percent.map(|percent| u64::from(percent) * 10),
        tried: u64::from(standing.tried),
        trouble: standing.trouble.map(trouble).unwrap_or_default().to_owned(),
    }
}

/// The word for why the tunnel is down.
fn trouble(trouble: vpn::Trouble) -> &'static str {
    match trouble {
        vpn::Trouble::ClockAhead => "clock-ahead",
        vpn::Trouble::ClockBehind => "clock-behind",
        vpn::Trouble::NoInterface => "no-interface",
        vpn::Trouble::NameUnknown => "name-unknown",
        vpn::Trouble::Captive => "captive",
        vpn::Trouble::LineDown => "line-down",
        vpn::Trouble::Refused => "refused",
        vpn::Trouble::Silent => "silent",
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
        Fault::DownloadWaits(_) => "download-waits",
        Fault::CertificateEnded => "certificate-ended",
        Fault::CertificateEnds { .. } => "certificate-ends",
        Fault::ConfigurationRefused => "configuration-refused",
        Fault::CertificateAwaited => "certificate-awaited",
        Fault::MachinesDoubled { .. } => "machines-doubled",
        Fault::TunnelsHeld { .. } => "tunnels-held",
        Fault::TunnelDown(_) => "tunnel-down",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        admin::{CalendarEnd, Download, TunnelDown, Until},
        protocol::line::FINDING_CODES,
    };

    #[test]
    fn every_word_for_a_fault_is_one_that_central_knows() {
        let at = Moment::from_unix_seconds(0);
        let faults = [
            Fault::GateClosed,
            Fault::JournalSilent,
            Fault::LineDown { since: at },
            Fault::ResolverSilent { since: at },
            Fault::EntAway { since: at },
            Fault::Directory(DirectoryFault::Unreadable),
            Fault::Directory(DirectoryFault::FeedsHeld { count: 1 }),
            Fault::Directory(DirectoryFault::RecordsQuarantined { count: 1 }),
            Fault::Directory(DirectoryFault::CalendarEnds(CalendarEnd::Behind)),
            Fault::ClockInDoubt,
            Fault::DiskNearlyFull { free_percent: 1 },
            Fault::ListsOld { days: 40 },
            Fault::DownloadWaits(Download { megabytes: 12, until: Until::Hours }),
            Fault::CertificateEnded,
            Fault::CertificateEnds { at },
            Fault::ConfigurationRefused,
            Fault::CertificateAwaited,
            Fault::MachinesDoubled { count: 1 },
            Fault::TunnelsHeld { count: 1 },
            Fault::TunnelDown(TunnelDown { since: at, by_clock: false }),
        ];
        let told: Vec<_> = faults.map(code).into_iter().chain(["channel-damaged"]).collect();
        assert_eq!(told, FINDING_CODES);
    }
}
