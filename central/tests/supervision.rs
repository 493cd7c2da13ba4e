//! The files for those who watch are what their programs read. `.ci/install` brings promtool.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;

fn docs() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"))
}

#[test]
fn prometheus_reads_the_alerts() {
    let mut command = Command::new("promtool");
    command.args(["check", "rules"]).arg(docs().join("supervision/alerts.yml"));
    let output = command.output().expect("promtool is missing; `.ci/install` has it (install_for_tests)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn each_alert_has_its_line_on_what_to_do() {
    let alerts = fs::read_to_string(docs().join("supervision/alerts.yml")).unwrap();
    let described = fs::read_to_string(docs().join("supervision.md")).unwrap();
    let names = alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    let names: Vec<_> =
        names.filter(|name| !name.starts_with("PreauBox") || *name == "PreauBoxCertificatesEnding").collect();
    assert!(!names.is_empty());
    for name in names {
        assert!(described.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_board_has_panels_that_do_not_cover_each_other() {
    let board: Value =
        serde_json::from_str(&fs::read_to_string(docs().join("supervision/board.json")).unwrap()).unwrap();
    let (mut taken, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for panel in board["panels"].as_array().unwrap() {
        assert!(ids.insert(panel["id"].as_i64().unwrap()), "{panel}");
        let at = |side: &str| panel["gridPos"][side].as_i64().unwrap();
        for x in at("x")..at("x") + at("w") {
            assert!(x < 24, "{panel}");
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{panel}");
            }
        }
        assert!(
            panel["targets"].as_array().unwrap().iter().all(|target| target["expr"].is_string()),
            "{panel}"
        );
    }
}
