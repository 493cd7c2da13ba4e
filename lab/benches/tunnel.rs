//! What goes through the tunnel in a second, from an office to the académie's application and back.
//!
//! ```text
//! cargo build --workspace --release && cargo bench -p preau-lab --bench tunnel        needs iperf3
//! ```
//!
//! Five things in one run, by one connection of iperf3: from the box to a machine of the Internet without a tunnel; between two
//! machines of the Internet by wireguard-go alone, and by what the box runs where the kernel has no WireGuard alone; from the box
//! to the application; and from the office to the application, through packet filter and address translation. The median of
//! five, each four seconds. All programs share the machine's processors, each hop more with the others.

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on has failed")]

use std::time::Duration;

use preau_lab::{
    CentralConcentrators, Lab, Output, Running,
    plan::{ACADEMIE, ACADEMIE_SITE, APPLICATION_ADDRESSES, APPLICATION_NAME, BOX, FAR, FAR_ADDRESSES},
    wait_for,
};
use serde_json::Value;

/// Measurements of each.
const RUNS: usize = 5;

/// How long one takes at most, and how long the tunnel may take to stand and to know what the line carries.
const RUN_MAX: Duration = Duration::from_secs(20);
const READY_WAIT_MAX: Duration = Duration::from_secs(60);

/// The two ends of a tunnel without a box: machine, interface, address on the Internet and inside.
const ENDS: [(&str, &str, &str, &str); 2] =
    [(FAR, "far0", FAR_ADDRESSES[0], "10.99.0.1"), (ACADEMIE, "academie1", ACADEMIE_SITE[0], "10.99.0.2")];

/// Makes the end `$0` with the private key `$1`, for the other end's public key `$2` and address `$3`; its own inside is `$4`.
const MAKE_END: &str = "for i in $(seq 100); do wg show \"$0\" > /dev/null 2>&1 && break; sleep 0.1; done
    echo \"$1\" > \"$0.key\"
    wg set \"$0\" listen-port 51999 private-key \"$0.key\" peer \"$2\" endpoint \"$3:51999\" allowed-ips 10.99.0.0/24
    ip address add \"$4/24\" dev \"$0\" && ip link set \"$0\" mtu 1420 up";

fn main() {
    let mut lab = Lab::start().expect("the lab must start");
    lab.start_central().expect("central must start");
    let concentrators = CentralConcentrators::open(&lab).expect("the concentrators must start");
    lab.enrol_box().expect("the box must be enrolled");
    lab.sign_in_user("bureau").expect("the office must sign in");
    let carried = || lab.preau(&["status"]).ok()?.stdout.contains("up to 1420 bytes").then_some(());
    wait_for(READY_WAIT_MAX, carried).expect("the tunnel must stand");
    let serve = ["iperf3", "--server"];
    println!("{:<40}{:>12}{:>12}", "Gbit/s", "to", "from");
    let server = lab.spawn(FAR, "iperf3-far", &serve).unwrap();
    measure(&lab, "the line without a tunnel", BOX, &["--client", FAR_ADDRESSES[0]]);
    let own = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("preau");
    for (what, program) in [
        ("wireguard-go alone", &["wireguard-go", "--foreground"][..]),
        ("this program's WireGuard alone", &[own.to_str().unwrap(), "wireguard"]),
    ] {
        let ends = make_ends(&lab, program);
        measure(&lab, what, ACADEMIE, &["--client", ENDS[0].3]);
        drop(ends);
    }
    drop(server);
    let _server = concentrators.spawn_behind("iperf3-behind", &serve).unwrap();
    let own = "ip -brief -4 address show academie0 | awk '{ print $3 }' | cut -d / -f 1";
    let own = shell(&lab, BOX, &[own]);
    measure(&lab, "the box to the application", BOX, &["--bind", &own, "--client", APPLICATION_ADDRESSES[0]]);
    measure(&lab, "the office to the application", "bureau", &["--client", APPLICATION_NAME]);
}

/// A tunnel between two machines of the Internet by a program that is told the interface's name.
fn make_ends(lab: &Lab, program: &[&str]) -> [Running; 2] {
    let keys = ENDS.map(|_| shell(lab, FAR, &["wg genkey"]));
    let public = keys.each_ref().map(|key| shell(lab, FAR, &["echo \"$0\" | wg pubkey", key]));
    let [first, second] = &ENDS;
    let ends = [(first, second, &keys[0], &public[1]), (second, first, &keys[1], &public[0])];
    ends.map(|((machine, name, _, inside), (_, _, other, _), key, others_key)| {
        let running = lab.spawn(machine, name, &[program, &[name]].concat()).unwrap();
        shell(lab, machine, &[MAKE_END, name, key, others_key, other, inside]);
        running
    })
}

/// Prints the medians in both directions between the machine `from` and the `server`, as iperf3 is told of it.
fn measure(lab: &Lab, what: &str, from: &str, server: &[&str]) {
    let medians = [&[][..], &["--reverse"]].map(|direction| {
        let command = [&["iperf3", "--json", "--time", "4"], server, direction].concat();
        let mut rates: Vec<f64> = (0..RUNS)
            .map(|_| {
                let ended = || lab.run_for(from, &command, RUN_MAX).and_then(Output::checked).ok();
                let told = wait_for(RUN_MAX, ended).expect("iperf3 must come through");
                let told: Value = serde_json::from_str(&told).unwrap();
                told["end"]["sum_received"]["bits_per_second"].as_f64().unwrap() / 1e9
            })
            .collect();
        rates.sort_by(f64::total_cmp);
        rates[RUNS / 2]
    });
    println!("{what:<40}{:>12.2}{:>12.2}", medians[0], medians[1]);
}

fn shell(lab: &Lab, machine: &str, command: &[&str]) -> String {
    let said = lab.run(machine, &[&["sh", "-c"], command].concat()).unwrap().checked().unwrap();
    said.trim().to_owned()
}
