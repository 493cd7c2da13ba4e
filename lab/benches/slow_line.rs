//! What a pupil waits for a page while a list comes from the académie over a line of 512 kbit/s.
//!
//! ```text
//! cargo bench -p preau-lab --bench slow_line
//! ```
//!
//! Three times in one run: with the line to oneself, while the box fetches the list, and while curl fetches on the box
//! from the same machine as it, which is what another program's download does to the line. The line holds 64 KB before it
//! drops, a second's worth.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

use std::{fmt::Write as _, thread, time::Duration};

use preau_lab::{
    Lab,
    plan::{BOX, CENTRAL, CENTRAL_ADDRESSES, INTERNET, LINE_INTERFACE},
    wait_for,
};

/// One direction of the line.
const SHAPE: &str = "ip link set IF gso_max_size 1500 && ip link set IF gso_max_segs 1 && \
                     tc qdisc add dev IF root handle 1: htb default 1 && \
                     tc class add dev IF parent 1: classid 1:1 htb rate 512kbit burst 2kb cburst 2kb && \
                     tc qdisc add dev IF parent 1:1 pfifo limit 43";

/// Names of the list: their digests are some 3 MB that no compression makes shorter, most of a minute of the line.
const NAMES: u64 = 400_000;

/// Pages that are opened, one every so often.
const PAGES: usize = 25;
const PAGE_EVERY: Duration = Duration::from_secs(4);

/// A short page of 3 kB, in clear so that the filter reads it.
const PAGE: &str = "http://www.exemple.fr/octets/3000";

/// Where the académie's machine serves curl more than the line brings in the time of the measurement.
const DOWNLOAD_PORT: &str = "8800";

fn main() {
    let mut lab = Lab::start().expect("the lab must start");
    lab.start_central().expect("central must start");
    lab.enrol_box().expect("the box must be enrolled");
    lab.sign_in_user("eleve").expect("the pupil must sign in");
    for (machine, interface) in [(BOX, LINE_INTERFACE), (INTERNET, "ecole")] {
        shell(&lab, machine, &SHAPE.replace("IF", interface));
    }
    println!("{:<32}{:>10}{:>10}{:>10}", "a page of a pupil, ms", "median", "9 of 10", "longest");
    tell("with the line to oneself", pages(&lab));

    lab.write_central_file("lists/nouveau/domains", &random_list()).expect("a list must be written");
    let lists = format!("/run/preau-lab/{CENTRAL}/lists");
    lab.central(&["lists", "add", &lists]).unwrap().checked().unwrap();
    let sizes = format!("cat /run/preau-lab/{BOX}/state/central/parts/*.part 2> /dev/null | wc -c");
    let fetched = || shell(&lab, BOX, &sizes).trim().parse::<u64>().unwrap_or(0);
    wait_for(Duration::from_secs(60), || (fetched() > 0).then_some(())).expect("the list must begin to come");
    let before = fetched();
    tell("while the box fetches a list", pages(&lab));
    match fetched().checked_sub(before) {
        Some(bytes) => println!("  {} KB of it came meanwhile", bytes / 1000),
        None => println!("  all of it came meanwhile"),
    }
    lab.stop_central();

    let zeroes = format!("truncate -s 20M /run/preau-lab/{CENTRAL}/zeroes");
    shell(&lab, CENTRAL, &zeroes);
    let dir = format!("/run/preau-lab/{CENTRAL}");
    let serve = ["python3", "-m", "http.server", "--directory", &dir, DOWNLOAD_PORT];
    let _server = lab.spawn(CENTRAL, "files", &serve).unwrap();
    let url = format!("http://{}:{DOWNLOAD_PORT}/zeroes", CENTRAL_ADDRESSES[0]);
    let mut download = lab
        .spawn(
            BOX,
            "download",
            &["curl", "--silent", "--retry", "5", "--retry-connrefused", "--output", "/dev/null", &url],
        )
        .unwrap();
    tell("while curl fetches on the box", pages(&lab));
    assert!(download.is_running(), "the download ended before the measurement");
}

/// How long each of the pages took to come, in milliseconds, the shortest first.
fn pages(lab: &Lab) -> Vec<f64> {
    let page = ["curl", "--silent", "--output", "/dev/null", "--write-out", "%{time_total}", PAGE];
    let mut taken: Vec<f64> = (0..PAGES)
        .map(|_| {
            thread::sleep(PAGE_EVERY);
            let seconds = lab.run("eleve", &page).unwrap().checked().unwrap();
            seconds.trim().parse::<f64>().unwrap() * 1000.0
        })
        .collect();
    taken.sort_by(f64::total_cmp);
    taken
}

fn tell(what: &str, taken: Vec<f64>) {
    let [median, most, longest] = [PAGES / 2, PAGES * 9 / 10, PAGES - 1].map(|place| taken[place]);
    println!("{what:<32}{median:>10.0}{most:>10.0}{longest:>10.0}");
}

fn shell(lab: &Lab, machine: &str, script: &str) -> String {
    lab.run(machine, &["sh", "-c", script]).unwrap().checked().unwrap()
}

/// Names that have nothing in common.
fn random_list() -> String {
    let mut state = 1_u64;
    (0..NAMES).fold(String::new(), |mut names, _| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let more = state.rotate_left(29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        writeln!(names, "{:08x}{more:016x}.nouveau.example", state >> 32).unwrap();
        names
    })
}
