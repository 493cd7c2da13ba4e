//! Figures by what was seen, and the files that are made of them.

use std::{collections::BTreeSet, fs, path::Path, time::Duration};

use preau::{
    model::Moment,
    protocol::line::{Finding, InForce, Refused},
};

use super::*;
use crate::{
    channel::Concern,
    fleet::{
        policy::{Counts, Plan, Progress, Release, State},
        requests::Level,
        schools::School,
    },
};

const NOON: Moment = Moment::from_unix_seconds(1_780_000_000);

fn seen(uai: &str, silent: bool, findings: &[(&str, &str)], view: u64) -> Seen {
    let finding =
        |(code, severity): &(&str, &str)| Finding { code: (*code).into(), severity: (*severity).into() };
    let report = Report {
        version: "0.4.0".into(),
        open: true,
        findings: findings.iter().map(finding).collect(),
        in_force: InForce { view, ..InForce::default() },
        ..Report::default()
    };
    Seen { school: Uai::new(uai).unwrap(), at: NOON, first: NOON, silent, report }
}

fn halted() -> Progress {
    let release = Release {
        id: 3,
        undoes: None,
        places: Vec::new(),
        plan: Plan::at_once(),
        state: State::Halted,
        stage: 0,
        since: NOON,
        forgiven: NOON,
        halt: None,
        ended_by: None,
        author: "x".into(),
        reason: "x".into(),
        at: NOON,
    };
    let counts = Counts { left: 0, effective: 2, refusing: 1, underway: 0, silent: 1 };
    Progress { release, schools: 4, stages: vec![counts], behind: Vec::new(), due: None }
}

/// Every figure has at least one value in it.
fn stood() -> Stood {
    let codes = ["0800001A", "0800002B", "0800003C", "0800004D"];
    let valid =
        |code: &str| ('A'..='Z').find_map(|letter| Uai::new(&format!("{}{letter}", code.get(..7)?))).unwrap();
    let schools = codes.map(|code| School {
        uai: valid(code),
        name: "Collège d'Exemple".into(),
        kind: "clg".into(),
        town: "Amiens".into(),
        departement: crate::words::DepartementCode::new("80").unwrap(),
    });
    let uai = |place: usize| schools[place].uai.as_str().to_owned();
    let mut refusing = seen(&uai(2), false, &[], 7);
    refusing.report.in_force.refused =
        Some(Refused { what: "policy".into(), number: 8, why: "unreadable".into(), sentence: "x".into() });
    let seen = vec![
        seen(&uai(0), false, &[("line-down", "wrong"), ("lists-old", "warning")], 7),
        seen(&uai(1), true, &[("line-down", "wrong")], 3),
        refusing,
    ];
    Stood {
        published: schools.iter().map(|school| (school.uai.clone(), 8)).collect(),
        boxes: vec![KnownBox {
            school: schools[3].uai.clone(),
            version: "0.4.0".into(),
            enrolled: NOON,
            revoked: None,
            certificate_ends: Some(NOON + Duration::from_secs(86_400)),
        }],
        schools: schools.to_vec(),
        seen,
        views: 4,
        due: (2, Duration::from_secs(90)),
        releases: vec![halted()],
        requests: vec![(Level::Head, 3)],
        concerns: vec![Concern { severity: Severity::Wrong, code: "keys-wrong", sentence: "x".into() }],
        signed_until: [("root", NOON), ("targets", NOON), ("system", NOON)],
    }
}

fn look(stood: anyhow::Result<Stood>) -> Look {
    Look { at: NOON, stood, ends: vec![("console", NOON), ("authority", NOON)], waiting: 5, answers: 9 }
}

#[test]
fn each_school_counts_once_and_a_silent_one_says_nothing_else() {
    let text = figures(&look(Ok(stood()))).unwrap();
    for line in [
        "preau_central_database_reachable 1",
        "preau_central_schools{state=\"wrong\"} 1",
        "preau_central_schools{state=\"silent\"} 1",
        "preau_central_schools{state=\"warning\"} 1",
        "preau_central_schools{state=\"awaited\"} 1",
        "preau_central_schools{state=\"well\"} 0",
        "preau_central_boxes_by_version{version=\"0.4.0\"} 2",
        "preau_central_findings{code=\"line-down\",severity=\"wrong\"} 1",
        "preau_central_refusing{what=\"policy\",why=\"unreadable\"} 1",
        "preau_central_schools_behind 2",
        "preau_central_box_certificates_ending 1",
        "preau_central_views_due 2",
        "preau_central_views_due_seconds 90",
        "preau_central_requests_open{level=\"head\"} 3",
        "preau_central_releases{state=\"halted\"} 1",
        "preau_central_release_schools{release=\"3\",state=\"refusing\"} 1",
        "preau_central_channel_concerns{code=\"keys-wrong\",severity=\"wrong\"} 1",
        "preau_central_line_waiting 5",
        "preau_central_line_answers_total 9",
        "preau_central_end_timestamp_seconds{of=\"root\"} 1780000000",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is missing in\n{text}");
    }
}

#[test]
fn without_the_database_the_rest_is_told() {
    let text = figures(&look(Err(anyhow::anyhow!("gone")))).unwrap();
    assert!(text.contains("preau_central_database_reachable 0\n"), "{text}");
    assert!(text.contains("preau_central_end_timestamp_seconds{of=\"console\"}"), "{text}");
    assert!(!text.contains("preau_central_schools"), "{text}");
}

#[test]
fn words_that_boxes_make_up_are_bounded() {
    let words = (0..10_000).map(|number| [format!("x{number}"), "wrong".to_owned()]);
    let counts = counted(words, [OTHER, "warning"]);
    assert_eq!(counts.len(), WORDS_MAX + 1);
    assert_eq!(counts.iter().map(|(_, count)| count).sum::<i64>(), 10_000);
}

/// The words of a text that look like a figure of central's.
fn named(text: &str) -> BTreeSet<String> {
    let word = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '_');
    text.split(word).filter(|word| word.starts_with("preau_central_")).map(str::to_owned).collect()
}

#[test]
fn every_figure_of_the_alerts_and_of_the_board_exists_and_is_described() {
    let told = named(&figures(&look(Ok(stood()))).unwrap());
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    for file in ["supervision/alerts.yml", "supervision/board.json", "supervision.md"] {
        let text = fs::read_to_string(dir.join(file)).unwrap();
        let unknown: Vec<_> = named(&text).difference(&told).cloned().collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
    }
    let described = named(&fs::read_to_string(dir.join("supervision.md")).unwrap());
    let families = told.iter().filter(|name| !described.contains(*name));
    let missing: Vec<_> = families.filter(|name| !described.contains(&format!("{name}_total"))).collect();
    assert!(missing.is_empty(), "supervision.md does not describe {missing:?}");
}
