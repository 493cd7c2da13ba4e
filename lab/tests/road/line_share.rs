//! What the académie's channel takes of the line: what is large waits for its hours and for the next day's budget, and goes
//! no faster than it may.

use std::fmt::Write as _;

use preau_lab::{
    Lab,
    plan::{BOX, CENTRAL, PORTAL},
};
use tokio::time::Instant;

use crate::asking::{Stage, box_status, on_the_box, page, run, until};

static STAGE: Stage = Stage::new();

/// Names of the list: their digests are some 1.5 MB that no compression makes shorter.
const NAMES: u64 = 200_000;

/// Starts the box with these settings of the channel.
fn start_with(lab: &mut Lab, settings: &str) {
    let usual = lab.read_box_file("box.toml").unwrap();
    let (before, rest) = usual.split_once("\n[central]\n").unwrap();
    let (_, behind) = rest.split_once("\n\n").unwrap();
    lab.write_box_file("box.toml", &format!("{before}\n[central]\n{settings}\n\n{behind}")).unwrap();
    lab.stop_box().unwrap();
    lab.restart_box().unwrap();
}

/// What `preau status` says of what waits.
fn waits(lab: &Lab) -> String {
    box_status(lab)["central"]["waits"].as_str().unwrap_or_default().to_owned()
}

/// An hour of the day, two hours from now, in which large things may be fetched.
fn later(lab: &Lab) -> String {
    let hour: u32 = run(lab, BOX, &["env", "TZ=Europe/Paris", "date", "+%H"]).trim().parse().unwrap();
    format!("{:02}:00-{:02}:00", (hour + 2) % 24, (hour + 3) % 24)
}

#[test]
fn what_is_large_waits_for_its_hours_and_its_budget_says_so_and_goes_no_faster_than_it_may() {
    STAGE.play(|lab| {
        lab.start_central().unwrap();
        let accounts = lab.read_box_file("accounts.csv").unwrap();
        let accounts = accounts.replace("Modèle,enseignant", "Modèle,referent");
        lab.write_box_file("accounts.csv", &accounts).unwrap();
        let window = later(lab);
        start_with(lab, &format!("windows = [\"{window}\"]"));
        lab.enrol_box().unwrap();
        lab.sign_in_user("enseignant").unwrap();
        let mut state = 1_u64;
        let names = (0..NAMES).fold(String::new(), |mut names, _| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let more = state.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            writeln!(names, "{:08x}{more:016x}.nouveau.example", state >> 32).unwrap();
            names
        });
        lab.write_central_file("lists/nouveau/domains", &names).unwrap();
        let lists = format!("/run/preau-lab/{CENTRAL}/lists");
        lab.central(&["lists", "add", &lists]).unwrap().checked().unwrap();
        until(60, "the list waits for its window", || waits(lab).ends_with("MB wait for their window"));
        let referent = || page(lab, "enseignant", &format!("https://{PORTAL}/referent"), &[]);
        until(20, "the referent is told", || referent().contains("attendent les heures prévues"));

        start_with(lab, "budget_mb_a_day = 1");
        until(60, "the rest waits for tomorrow", || {
            waits(lab).ends_with("MB wait for the next day's budget")
        });
        assert_eq!(box_status(lab)["central"]["lists"], 0);

        on_the_box(lab, &format!("rm -r /run/preau-lab/{BOX}/state/central/parts"));
        start_with(lab, "rate_kbit = 1000");
        let begun = Instant::now();
        until(120, "the list is in force", || box_status(lab)["central"]["lists"] == 1);
        let taken = begun.elapsed().as_secs();
        assert!(taken >= 8, "more than a megabyte at 125 kB a second came in {taken} s");
        assert_eq!(waits(lab), "");
    });
}
