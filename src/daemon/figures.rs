//! How the box stands, as figures for whoever watches it with tools of their own.

use super::Status;
use crate::{
    admin::Snapshot,
    model::Moment,
    protocol::line::{InForce, Report},
    system::metrics::Figures,
};

/// What the figures are made of.
pub(super) struct Told<'a> {
    pub(super) status: &'a Status,
    pub(super) snapshot: &'a Snapshot,
    /// What central is told: its findings and what of the channel is in force.
    pub(super) report: &'a Report,
    pub(super) started: Moment,
    /// Questions whose answer the resolver keeps.
    pub(super) cached: usize,
}

/// The figures, in OpenMetrics.
pub(super) fn text(told: &Told<'_>) -> anyhow::Result<String> {
    let Told { status, snapshot, report, started, cached } = told;
    let mut figures = Figures::new("preau");
    machine(&mut figures, status, snapshot);
    figures.gauge("start_timestamp_seconds", "When the daemon started, in Unix time", started.unix_seconds());
    figures.gauge("clock_trusted", "1 where the clock is believed", yes(report.clock_trusted));
    figures.gauge("dns_cache_entries", "Questions the resolver keeps an answer to", number(*cached));
    let findings = report.findings.iter().map(|found| ([found.code.clone(), found.severity.clone()], 1));
    figures.gauges("findings", "What is wrong, by its word", ["code", "severity"], findings);
    let central = &status.central;
    figures.gauge("enrolled", "1 where the box is enrolled at the académie", yes(central.enrolled));
    figures.gauge("academie_reached", "1 where the académie's central answered last", yes(central.reached));
    if let Some(tunnel) = &status.tunnel {
        figures.gauge("tunnel_up", "1 where the tunnel reaches the académie", yes(tunnel.up));
        let help = "How much of what was asked through the tunnel within a minute was lost, in percent";
        figures.gauge("tunnel_lost_percent", help, i64::from(tunnel.lost_percent.unwrap_or(100)));
    }
    let InForce { view, policy, lists, accounts, refused } = &report.in_force;
    let help = "What of the académie's channel is in force; 0 for none";
    for (name, value) in [
        ("channel_view", view),
        ("channel_policy", policy),
        ("channel_lists", lists),
        ("channel_accounts", accounts),
    ] {
        figures.gauge(name, help, i64::try_from(*value).unwrap_or(i64::MAX));
    }
    let help = "1 where something newer in the channel was not taken";
    figures.gauge("channel_refused", help, yes(refused.is_some()));
    figures.text()
}

fn machine(figures: &mut Figures, status: &Status, snapshot: &Snapshot) {
    figures.gauge("gate_open", "1 where the web is open", yes(status.gate_open));
    figures.gauge("journal_open", "1 where the journal takes records", yes(status.journal_open));
    figures.gauge("line_up", "1 where the line carries", yes(snapshot.line_down_since.is_none()));
    let resolver_up = snapshot.resolver_silent_since.is_none();
    figures.gauge("resolver_up", "1 where a name server upstream answers", yes(resolver_up));
    if let Some(answers) = status.ent_answers {
        figures.gauge("ent_up", "1 where the school's ENT answers", yes(answers));
    }
    figures.gauge("sessions", "Persons signed in", number(status.sessions));
    figures.gauge("leases", "Addresses given", number(status.leases));
    let persons = i64::try_from(status.directory.persons).unwrap_or(i64::MAX);
    figures.gauge("persons", "Persons who may sign in", persons);
    let quarantined = i64::try_from(status.directory.quarantined).unwrap_or(i64::MAX);
    figures.gauge("quarantined", "Records of feeds of persons that were not taken", quarantined);
    figures.gauge("tunnels_held", "Clients held for data in DNS names", number(status.tunnels_held));
    let help = "Hardware addresses two machines used within the last hour";
    figures.gauge("machines_doubled", help, number(status.machines_doubled));
    if let Some(warm) = &status.warm {
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        figures.gauge(
            "warm_kept",
            "Addresses of the ENT fetched ahead last night and kept",
            count(warm.kept),
        );
        figures.gauge("warm_refused", "Addresses that lists name and that are not kept", count(warm.refused));
        figures.gauge("warm_bytes", "What came over the line for it, in bytes", count(warm.bytes));
    }
    let rules = status.rules.iter().map(|file| ([file.level.clone()], number(file.rules)));
    figures.gauges("rules", "Rules in force, by level", ["level"], rules);
    if let Some(disk) = snapshot.disk {
        let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        figures.gauge("disk_bytes", "The disk of the state, in bytes", bytes(disk.total_bytes));
        figures.gauge("disk_free_bytes", "What of it is free, in bytes", bytes(disk.free_bytes));
    }
    if let Some(end) = snapshot.certificate_ends {
        let help = "When the portal's certificate ends, in Unix time";
        figures.gauge("certificate_end_timestamp_seconds", help, end.unix_seconds());
    }
}

fn yes(is_so: bool) -> i64 {
    i64::from(is_so)
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;
    use crate::{
        admin::Disk,
        daemon::{CentralStatus, DirectoryStatus, RuleFileStatus, TunnelStatus, WarmStatus},
        protocol::line::Finding,
    };

    const NOON: Moment = Moment::from_unix_seconds(1_780_000_000);

    /// Every figure has a value; whatever has a name or a path has `Exemple` in it.
    fn told() -> String {
        let status = Status {
            version: "0.4.0".to_owned(),
            started: String::new(),
            school: "Collège d'Exemple".to_owned(),
            gate_open: true,
            journal_open: true,
            clock_in_doubt: None,
            sessions: 3,
            leases: 4,
            tunnels_held: 0,
            machines_doubled: 0,
            ent_answers: Some(true),
            central: CentralStatus { enrolled: true, ..CentralStatus::default() },
            tunnel: Some(TunnelStatus { up: true, lost_percent: Some(3), ..TunnelStatus::default() }),
            directory: DirectoryStatus { persons: 612, ..DirectoryStatus::default() },
            rules: vec![RuleFileStatus {
                path: "/etc/Exemple.toml".into(),
                level: "academie".into(),
                rules: 7,
            }],
            configured: String::new(),
            reload_refused: None,
            certificate: None,
            warm: Some(WarmStatus::default()),
        };
        let snapshot = Snapshot {
            disk: Some(Disk { total_bytes: 1000, free_bytes: 90 }),
            certificate_ends: Some(NOON),
            line_down_since: Some(NOON),
            ..Snapshot::default()
        };
        let finding = Finding { code: "line-down".into(), severity: "wrong".into() };
        let in_force = InForce { policy: 12, ..InForce::default() };
        let report = Report { findings: vec![finding], in_force, ..Report::default() };
        text(&Told { status: &status, snapshot: &snapshot, report: &report, started: NOON, cached: 21 })
            .unwrap()
    }

    #[test]
    fn figures_are_told_and_no_name_is_among_them() {
        let text = told();
        for line in [
            "preau_gate_open 1",
            "preau_line_up 0",
            "preau_sessions 3",
            "preau_persons 612",
            "preau_rules{level=\"academie\"} 7",
            "preau_disk_free_bytes 90",
            "preau_findings{code=\"line-down\",severity=\"wrong\"} 1",
            "preau_channel_policy 12",
            "preau_enrolled 1",
            "preau_dns_cache_entries 21",
            "preau_tunnel_up 1",
            "preau_tunnel_lost_percent 3",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is missing in\n{text}");
        }
        assert!(!text.contains("Exemple"), "{text}");
    }

    /// The words of a text that look like a figure of a box.
    fn named(text: &str) -> BTreeSet<String> {
        let word = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
        let words = text.split(word).filter(|word| word.starts_with("preau_"));
        words.filter(|word| !word.starts_with("preau_central_")).map(str::to_owned).collect()
    }

    #[test]
    fn every_figure_of_the_alerts_exists_and_every_figure_is_described() {
        let told = named(&told());
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        let read = |file: &str| named(&fs::read_to_string(docs.join(file)).unwrap());
        let alerts = read("supervision/alerts.yml");
        assert!(alerts.is_subset(&told), "{:?}", alerts.difference(&told));
        assert_eq!(read("supervision.md"), told);
    }
}
