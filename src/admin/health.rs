//! What is wrong with the box, as the school's digital referent is told: one finding a fault, the worst first.
//!
//! The daemon takes a [`Snapshot`]; [`findings`] judges it, purely; the portal has the sentences.

use std::time::Duration;

use jiff::civil::Date;

use crate::model::Moment;

/// The box at one moment, as far as somebody in the school can do something about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Whether the kernel lets new connections pass.
    pub gate_open: bool,
    /// Whether the journal takes records; if not, everybody is refused everything.
    pub journal_writes: bool,
    /// Since when the line's cable or box of the provider gives no signal.
    pub line_down_since: Option<Moment>,
    /// Since when none of the provider's name servers has answered.
    pub resolver_silent_since: Option<Moment>,
    /// Since when the school's ENT has not answered.
    pub ent_away_since: Option<Moment>,
    /// The directory of the school.
    pub directory: DirectoryHealth,
    /// Whether something speaks against the clock.
    pub clock_in_doubt: bool,
    /// The room on the disk that holds the records; none where it cannot be read.
    pub disk: Option<Disk>,
    /// The day of the lists of categories; none where there are none.
    pub lists_of: Option<Moment>,
    /// When the portal's certificate ends; none where that cannot be read.
    pub certificate_ends: Option<Moment>,
    /// What the académie has for the box and is fetched later.
    pub download: Option<Download>,
    /// Whether the last change of the configuration was refused.
    pub configuration_refused: bool,
    /// Whether central is still to obtain the portal's certificate.
    pub certificate_awaited: bool,
    /// Hardware addresses that two machines used at once within the last hour.
    pub machines_doubled: usize,
    /// Clients held back because they carry data in DNS names.
    pub tunnels_held: usize,
    /// That the tunnel to the académie is down, if so.
    pub tunnel_down: Option<TunnelDown>,
}

/// A tunnel that is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TunnelDown {
    /// Since when.
    pub since: Moment,
    /// Whether the clock is why.
    pub by_clock: bool,
}

/// Something large that waits for its turn on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Download {
    /// How large it is, in megabytes.
    pub megabytes: u64,
    /// Until when it waits.
    pub until: Until,
}

/// Until when something large waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The hours set for what is large.
    Hours,
    /// The next day, for what may be fetched in one is used up.
    Tomorrow,
}

/// The directory of the school, as far as the referent has something to do about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirectoryHealth {
    /// Whether it cannot be read or written: who was in force before still is.
    pub is_unreadable: bool,
    /// Deliveries that are held until somebody says yes.
    pub held: usize,
    /// Records that could not be taken and that nobody dismissed.
    pub quarantined: u64,
    /// That the school calendar does not reach far enough, if so.
    pub calendar: Option<CalendarEnd>,
}

/// Where the school calendar ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalendarEnd {
    /// Soon: on that day.
    On(Date),
    /// It has ended, or never knew the school's zone.
    Behind,
}

/// The room on a disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// All of it.
    pub total_bytes: u64,
    /// What the box can still write.
    pub free_bytes: u64,
}

/// How soon somebody must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// People are cut off, or will be: at once.
    Urgent,
    /// Today.
    Soon,
    /// To know.
    Notice,
}

/// Something that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The gate is closed though the journal writes: the box starts, or its own test fails.
    GateClosed,
    /// The journal takes nothing, so nobody gets anything.
    JournalSilent,
    /// The line gives no signal.
    LineDown {
        /// Since when.
        since: Moment,
    },
    /// The line is there, but no name server of the provider answers.
    ResolverSilent {
        /// Since when.
        since: Moment,
    },
    /// The line is there, but the ENT does not answer.
    EntAway {
        /// Since when.
        since: Moment,
    },
    /// The line is there, but the tunnel to the académie is down.
    TunnelDown(TunnelDown),
    /// Something is wrong with the directory.
    Directory(DirectoryFault),
    /// The time is not sure.
    ClockInDoubt,
    /// The disk is nearly full.
    DiskNearlyFull {
        /// What is left, in whole percent.
        free_percent: u8,
    },
    /// The lists of categories are old.
    ListsOld {
        /// How old, in days.
        days: u64,
    },
    /// Something large waits for its turn on the line.
    DownloadWaits(Download),
    /// The portal's certificate has ended: every page of the portal warns.
    CertificateEnded,
    /// The portal's certificate ends soon.
    CertificateEnds {
        /// When.
        at: Moment,
    },
    /// A change of the configuration was refused.
    ConfigurationRefused,
    /// Central has not obtained the portal's certificate yet: browsers warn of the box's own.
    CertificateAwaited,
    /// Machines copy each other's address.
    MachinesDoubled {
        /// How many addresses.
        count: usize,
    },
    /// Machines carry data in DNS names.
    TunnelsHeld {
        /// How many machines.
        count: usize,
    },
}

/// Something that is wrong with the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DirectoryFault {
    /// It cannot be read or written.
    Unreadable,
    /// Deliveries wait for somebody to say yes.
    FeedsHeld {
        /// How many.
        count: usize,
    },
    /// Records of deliveries could not be taken.
    RecordsQuarantined {
        /// How many.
        count: u64,
    },
    /// The school calendar ends soon, or has ended.
    CalendarEnds(CalendarEnd),
}

/// A fault and how soon somebody must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How soon.
    pub severity: Severity,
    /// What.
    pub fault: Fault,
}

/// A disk with less than this is nearly full; with less than a third of it, people are soon cut off.
const DISK_FREE_PERCENT: u8 = 10;
const DISK_URGENT_PERCENT: u8 = 3;

/// Lists older than this miss the sites that matter.
const LISTS_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 3600);

/// A certificate that ends within this time is renewed today.
const CERTIFICATE_WARNED: Duration = Duration::from_secs(14 * 24 * 3600);

/// An ENT that is away for a shorter time is not told: after a start the box has not looked yet.
const ENT_AWAY_UNTOLD: Duration = Duration::from_secs(60);

/// A tunnel that is down for a shorter time is not told: it goes to another concentrator meanwhile.
const TUNNEL_DOWN_UNTOLD: Duration = Duration::from_secs(60);

/// What is wrong at `now`, the most urgent first. Where a fault explains another, only the first is told.
#[must_use]
pub fn findings(snapshot: &Snapshot, now: Moment) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |severity, fault| findings.push(Finding { severity, fault });
    if !snapshot.journal_writes {
        find(Severity::Urgent, Fault::JournalSilent);
    } else if !snapshot.gate_open {
        find(Severity::Urgent, Fault::GateClosed);
    }
    match (snapshot.line_down_since, snapshot.resolver_silent_since) {
        (Some(since), _) => find(Severity::Urgent, Fault::LineDown { since }),
        (None, Some(since)) => find(Severity::Urgent, Fault::ResolverSilent { since }),
        (None, None) => {
            let away = snapshot.ent_away_since.filter(|since| now.since(*since) >= ENT_AWAY_UNTOLD);
            away.into_iter().for_each(|since| find(Severity::Urgent, Fault::EntAway { since }));
            let down = snapshot.tunnel_down.filter(|down| now.since(down.since) >= TUNNEL_DOWN_UNTOLD);
            down.into_iter().for_each(|down| find(Severity::Urgent, Fault::TunnelDown(down)));
        }
    }
    of_directory(snapshot.directory, &mut find);
    if let Some(free_percent) = snapshot.disk.map(Disk::free_percent).filter(|free| *free < DISK_FREE_PERCENT)
    {
        let is_urgent = free_percent < DISK_URGENT_PERCENT;
        let severity = if is_urgent { Severity::Urgent } else { Severity::Soon };
        find(severity, Fault::DiskNearlyFull { free_percent });
    }
    if snapshot.clock_in_doubt {
        find(Severity::Soon, Fault::ClockInDoubt);
    } else {
        // By a clock in doubt nothing is old, and nothing ends.
        match snapshot.certificate_ends {
            Some(at) if at <= now => find(Severity::Urgent, Fault::CertificateEnded),
            Some(at) if at.since(now) <= CERTIFICATE_WARNED => {
                find(Severity::Soon, Fault::CertificateEnds { at });
            }
            Some(_) | None => {}
        }
        if let Some(age) = snapshot.lists_of.map(|day| now.since(day)).filter(|age| *age > LISTS_AGE_MAX) {
            find(Severity::Notice, Fault::ListsOld { days: age.as_secs() / (24 * 3600) });
        }
    }
    if let Some(download) = snapshot.download {
        find(Severity::Notice, Fault::DownloadWaits(download));
    }
    if snapshot.configuration_refused {
        find(Severity::Soon, Fault::ConfigurationRefused);
    }
    if snapshot.certificate_awaited {
        find(Severity::Notice, Fault::CertificateAwaited);
    }
    if snapshot.machines_doubled > 0 {
        find(Severity::Soon, Fault::MachinesDoubled { count: snapshot.machines_doubled });
    }
    if snapshot.tunnels_held > 0 {
        find(Severity::Soon, Fault::TunnelsHeld { count: snapshot.tunnels_held });
    }
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// What is wrong with the directory; of one that cannot be read nothing else is known.
fn of_directory(directory: DirectoryHealth, find: &mut impl FnMut(Severity, Fault)) {
    let DirectoryHealth { is_unreadable, held, quarantined, calendar } = directory;
    let mut find = |severity, fault| find(severity, Fault::Directory(fault));
    if is_unreadable {
        return find(Severity::Soon, DirectoryFault::Unreadable);
    }
    if held > 0 {
        find(Severity::Soon, DirectoryFault::FeedsHeld { count: held });
    }
    if quarantined > 0 {
        find(Severity::Notice, DirectoryFault::RecordsQuarantined { count: quarantined });
    }
    if let Some(end) = calendar {
        find(Severity::Notice, DirectoryFault::CalendarEnds(end));
    }
}

impl Disk {
    /// What is left, in whole percent; a disk of no size is full.
    fn free_percent(self) -> u8 {
        let percent = u128::from(self.free_bytes) * 100 / u128::from(self.total_bytes).max(1);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_unix_seconds(1_795_417_500);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    const DOWNLOAD: Download = Download { megabytes: 12, until: Until::Hours };

    fn sound() -> Snapshot {
        Snapshot {
            gate_open: true,
            journal_writes: true,
            disk: Some(Disk { total_bytes: 1000, free_bytes: 100 }),
            lists_of: Some(NOW - 30 * DAY),
            certificate_ends: Some(NOW + 15 * DAY),
            ..Snapshot::default()
        }
    }

    #[track_caller]
    fn check(snapshot: &Snapshot, expected: &[(Severity, Fault)]) {
        let found: Vec<_> =
            findings(snapshot, NOW).into_iter().map(|finding| (finding.severity, finding.fault)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_sound_box_has_no_finding() {
        check(&sound(), &[]);
        let silent = Snapshot { disk: None, lists_of: None, certificate_ends: None, ..sound() };
        check(&silent, &[]);
    }

    #[test]
    fn each_fault_is_found_alone() {
        let disk = |free_bytes| Snapshot { disk: Some(Disk { total_bytes: 1000, free_bytes }), ..sound() };
        let since = NOW - DAY;
        for (snapshot, severity, fault) in [
            (
                Snapshot { journal_writes: false, gate_open: false, ..sound() },
                Severity::Urgent,
                Fault::JournalSilent,
            ),
            (Snapshot { gate_open: false, ..sound() }, Severity::Urgent, Fault::GateClosed),
            (
                Snapshot { line_down_since: Some(since), ..sound() },
                Severity::Urgent,
                Fault::LineDown { since },
            ),
            (
                Snapshot { resolver_silent_since: Some(since), ..sound() },
                Severity::Urgent,
                Fault::ResolverSilent { since },
            ),
            (Snapshot { ent_away_since: Some(since), ..sound() }, Severity::Urgent, Fault::EntAway { since }),
            (
                Snapshot { tunnel_down: Some(TunnelDown { since, by_clock: false }), ..sound() },
                Severity::Urgent,
                Fault::TunnelDown(TunnelDown { since, by_clock: false }),
            ),
            (Snapshot { clock_in_doubt: true, ..sound() }, Severity::Soon, Fault::ClockInDoubt),
            (disk(99), Severity::Soon, Fault::DiskNearlyFull { free_percent: 9 }),
            (disk(29), Severity::Urgent, Fault::DiskNearlyFull { free_percent: 2 }),
            (
                Snapshot { lists_of: Some(NOW - 31 * DAY), ..sound() },
                Severity::Notice,
                Fault::ListsOld { days: 31 },
            ),
            (Snapshot { certificate_ends: Some(NOW), ..sound() }, Severity::Urgent, Fault::CertificateEnded),
            (
                Snapshot { certificate_ends: Some(NOW + DAY), ..sound() },
                Severity::Soon,
                Fault::CertificateEnds { at: NOW + DAY },
            ),
            (
                Snapshot { configuration_refused: true, ..sound() },
                Severity::Soon,
                Fault::ConfigurationRefused,
            ),
            (
                Snapshot { download: Some(DOWNLOAD), ..sound() },
                Severity::Notice,
                Fault::DownloadWaits(DOWNLOAD),
            ),
            (Snapshot { certificate_awaited: true, ..sound() }, Severity::Notice, Fault::CertificateAwaited),
            (
                Snapshot { machines_doubled: 2, ..sound() },
                Severity::Soon,
                Fault::MachinesDoubled { count: 2 },
            ),
            (Snapshot { tunnels_held: 1, ..sound() }, Severity::Soon, Fault::TunnelsHeld { count: 1 }),
        ] {
            check(&snapshot, &[(severity, fault)]);
        }
    }

    #[test]
    fn the_directory_tells_each_of_its_faults_and_one_that_cannot_be_read_nothing_else() {
        let check = |directory, expected: &[(Severity, DirectoryFault)]| {
            let expected: Vec<_> =
                expected.iter().map(|(severity, fault)| (*severity, Fault::Directory(*fault))).collect();
            check(&Snapshot { directory, ..sound() }, &expected);
        };
        let troubled = DirectoryHealth {
            is_unreadable: false,
            held: 2,
            quarantined: 3,
            calendar: Some(CalendarEnd::Behind),
        };
        check(
            troubled,
            &[
                (Severity::Soon, DirectoryFault::FeedsHeld { count: 2 }),
                (Severity::Notice, DirectoryFault::RecordsQuarantined { count: 3 }),
                (Severity::Notice, DirectoryFault::CalendarEnds(CalendarEnd::Behind)),
            ],
        );
        let unreadable = DirectoryHealth { is_unreadable: true, ..troubled };
        check(unreadable, &[(Severity::Soon, DirectoryFault::Unreadable)]);
    }

    #[test]
    fn an_ent_is_called_away_after_a_minute() {
        let away = |seconds| Snapshot { ent_away_since: Some(NOW - Duration::from_secs(seconds)), ..sound() };
        check(&away(59), &[]);
        check(&away(60), &[(Severity::Urgent, Fault::EntAway { since: NOW - Duration::from_secs(60) })]);
    }

    #[test]
    fn the_most_urgent_comes_first_and_causes_hide_their_effects() {
        let snapshot = Snapshot {
            certificate_awaited: true,
            tunnels_held: 3,
            line_down_since: Some(NOW),
            resolver_silent_since: Some(NOW),
            ent_away_since: Some(NOW - DAY),
            tunnel_down: Some(TunnelDown { since: NOW - DAY, by_clock: false }),
            clock_in_doubt: true,
            certificate_ends: Some(NOW),
            ..sound()
        };
        check(
            &snapshot,
            &[
                (Severity::Urgent, Fault::LineDown { since: NOW }),
                (Severity::Soon, Fault::ClockInDoubt),
                (Severity::Soon, Fault::TunnelsHeld { count: 3 }),
                (Severity::Notice, Fault::CertificateAwaited),
            ],
        );
    }
}
