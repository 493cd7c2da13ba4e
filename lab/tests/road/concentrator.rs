//! The tunnel to the concentrators that central runs itself: on a line that carries no UDP, that is cut, that is narrow, that is
//! a hotel's; while a key is changed; and after a clock that was in 2099.

use std::{
    fs,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use preau_lab::{
    CentralConcentrators, Lab, Output, Running,
    plan::{APPLICATION_NAME, BOX, CONCENTRATORS, FAR, INTERNET, UAI},
};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    asking::{beside_others, run, until},
    tunnel::{Capture, reaches, tunnel, until_up},
};

/// The school for these stories: its box is enrolled and has a tunnel to the concentrators of its central; a pupil and the
/// office have signed in.
static STAGE: Mutex<Option<(Lab, CentralConcentrators)>> = Mutex::new(None);

/// The size of the application's long page, in bytes.
const LONG_BYTES: u64 = 2_000_000;

/// Shows a concentrator a handshake of 2099.
const HANDSHAKE: &str = include_str!("../../data/handshake.py");

/// Plays a story in the school. A story that fails takes the school with it.
fn play(story: impl FnOnce(&mut Lab, &mut CentralConcentrators)) {
    let mut stage = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let _shared = beside_others();
    let (mut lab, mut concentrators) = stage.take().unwrap_or_else(|| {
        let mut lab = Lab::start().expect("the lab must start");
        lab.start_central().expect("central must start");
        let concentrators = CentralConcentrators::open(&lab).expect("the concentrators must start");
        lab.enrol_box().expect("the box must be enrolled");
        for who in ["eleve", "bureau"] {
            lab.sign_in_user(who).expect("the machine's user must be able to sign in");
        }
        (lab, concentrators)
    });
    until_up(&lab, 60);
    // Concentrators hide the school behind addresses of their own: a change from one to the other, such as back to the preferred one
    // after the story before, is the end of what is connected.
    if tunnel(&lab)["concentrator"] != 1 {
        lab.kill_box().expect("the box must run");
        lab.restart_box().expect("the box must start again");
        until_up(&lab, 60);
    }
    until(20, "the page comes", || reaches(&lab, "bureau", &[]));
    story(&mut lab, &mut concentrators);
    *stage = Some((lab, concentrators));
}

/// Has the line's provider do what `rules` say, a table of nft, until [`free_line`].
fn bind_line(lab: &Lab, rules: &str) {
    run(lab, INTERNET, &["nft", &format!("table inet provider {{ {rules} }}")]);
}

fn free_line(lab: &Lab) {
    run(lab, INTERNET, &["nft", "delete table inet provider"]);
}

/// Nothing of WireGuard's own passes.
const NO_UDP: &str =
    "chain through { type filter hook forward priority 0; udp dport 51820 drop; udp sport 51820 drop; };";

/// The office fetches the long page, at some hundred kilobytes a second.
fn begin_download(lab: &Lab, name: &str, rate: &str) -> Running {
    let url = format!("http://{APPLICATION_NAME}/long");
    let download =
        ["curl", "--silent", "--show-error", "--fail", "--limit-rate", rate, "--output", name, &url];
    lab.spawn("bureau", name, &download).unwrap()
}

/// It came whole, by the one connection that was begun.
#[track_caller]
fn assert_whole(lab: &Lab, name: &str, mut running: Running, seconds: u64) {
    let ended = running.wait(Duration::from_secs(seconds)).unwrap();
    assert_eq!(ended, Some(0), "{}\n{}\n{}", running.log(), tunnel(lab), lab.box_log());
    let read = |path: String| fs::read(lab.door().file_path(&path)).unwrap();
    let (sent, got) = (read("appli/site/long".to_owned()), read(format!("bureau/{name}")));
    assert_eq!(u64::try_from(sent.len()).unwrap(), LONG_BYTES);
    assert!(sent == got, "{name}: {} bytes came, or others than were sent", got.len());
}

#[test]
fn where_the_line_carries_no_udp_the_tunnel_goes_through_tcp_and_comes_back_by_itself() {
    play(|lab, concentrators| {
        let capture = Capture::begin(lab, "tcp");
        // A tunnel that was questioned for a while is known to be silent the sooner.
        std::thread::sleep(Duration::from_secs(8));
        bind_line(lab, NO_UDP);
        let begun = Instant::now();
        until(120, "the tunnel goes through TCP", || {
            let tunnel = tunnel(lab);
            tunnel["up"] == true && tunnel["way"] == "tls"
        });
        println!("through TCP {} ms after the line carried no UDP any more", begun.elapsed().as_millis());
        until(10, "the page comes through TCP", || reaches(lab, "bureau", &[]));
        let said = lab.preau(&["status"]).and_then(Output::checked).unwrap();
        assert!(said.contains("over tls"), "{said}");
        assert!(!reaches(lab, "eleve", &[]));
        let running = begin_download(lab, "through-tcp", "1M");
        assert_whole(lab, "through-tcp", running, 30);
        capture.assert_clean(lab);
        free_line(lab);
        let begun = Instant::now();
        until(120, "the tunnel goes over UDP again", || {
            let tunnel = tunnel(lab);
            tunnel["up"] == true && tunnel["way"] == "udp"
        });
        println!("over UDP {} ms after the line carried it again", begun.elapsed().as_millis());
        until(10, "the page comes over UDP", || reaches(lab, "bureau", &[]));
        assert_eq!(concentrators.peers(0).unwrap().len(), 1);
    });
}

#[test]
fn a_connection_outlives_the_change_of_keys_that_central_orders() {
    play(|lab, concentrators| {
        let before = concentrators.peers(0).unwrap();
        let running = begin_download(lab, "change", "100k");
        let told = lab.central(&["tunnel", "rotate", "--school", UAI]).and_then(Output::checked).unwrap();
        assert!(told.contains("1 boxes"), "{told}");
        let begun = Instant::now();
        until(60, "the concentrator has the other key alone", || {
            concentrators.peers(0).is_ok_and(|now| now.len() == 1 && now != before)
        });
        println!("the other key alone {} ms after the order", begun.elapsed().as_millis());
        assert_whole(lab, "change", running, 60);
        until(20, "the page comes by the other key", || reaches(lab, "bureau", &[]));
        let public = run(lab, BOX, &["wg", "show", "academie0", "public-key"]);
        assert_eq!(concentrators.peers(0).unwrap(), [public.trim()]);
    });
}

#[test]
fn a_connection_outlives_a_line_that_is_cut_again_and_again_and_nothing_of_it_is_seen() {
    play(|lab, _| {
        let capture = Capture::begin(lab, "cut");
        let running = begin_download(lab, "cut", "150k");
        for seconds in [1, 2, 1, 3] {
            std::thread::sleep(Duration::from_secs(1));
            lab.cut_line().unwrap();
            std::thread::sleep(Duration::from_secs(seconds));
            lab.restore_line().unwrap();
        }
        assert_whole(lab, "cut", running, 60);
        capture.assert_clean(lab);
    });
}

#[test]
fn a_line_that_drops_long_packets_and_says_nothing_carries_the_tunnel() {
    play(|lab, _| {
        bind_line(
            lab,
            "chain out { type filter hook output priority 0; icmp type destination-unreachable drop; \
             icmpv6 type packet-too-big drop; };",
        );
        until(30, "what a usual line carries is found", || tunnel(lab)["mtu"] == 1420);
        // A cable end takes nothing longer than its own size: what the box sends longer is gone without a word.
        run(lab, INTERNET, &["ip", "link", "set", "ecole", "mtu", "1400"]);
        // Under IPv4's headers it carries 1344 bytes, the four of a VLAN included that a cable end takes besides; 1312 under IPv6's.
        let found = || tunnel(lab)["mtu"].as_u64().filter(|mtu| [1312, 1344].contains(mtu));
        until(60, "what this one carries is found", || found().is_some());
        let mtu = found().unwrap();
        until(10, "the segments of offices are cut to it", || {
            let rules = run(lab, BOX, &["nft", "list", "chain", "inet", "preau", "from_tunnel_to_zone"]);
            [40, 60].iter().all(|headers| rules.contains(&format!("maxseg size set {}", mtu - headers)))
        });
        let running = begin_download(lab, "narrow", "2M");
        assert_whole(lab, "narrow", running, 30);
        let long = format!("X-Long: {}", "a".repeat(6000));
        assert!(reaches(lab, "bureau", &["--header", &long]), "what the office sends is lost");
        let said = lab.preau(&["status"]).and_then(Output::checked).unwrap();
        assert!(said.contains(&format!("packets of up to {mtu} bytes")), "{said}");
        run(lab, INTERNET, &["ip", "link", "set", "ecole", "mtu", "1500"]);
        free_line(lab);
    });
}

#[test]
fn a_line_that_asks_for_a_page_to_be_confirmed_is_told_as_such() {
    play(|lab, _| {
        bind_line(
            lab,
            &format!(
                "{NO_UDP} chain in {{ type nat hook prerouting priority -100; iifname ecole tcp dport {{ 80, 443 }} redirect; }};"
            ),
        );
        until(120, "the line's page is told", || {
            tunnel(lab)["trouble"].as_str().is_some_and(|why| why.contains("page to be confirmed"))
        });
        assert!(!reaches(lab, "bureau", &[]));
        free_line(lab);
        until_up(lab, 60);
        until(20, "the page comes again", || reaches(lab, "bureau", &[]));
    });
}

/// The private key that the box holds.
fn box_key(lab: &Lab) -> String {
    let read = |name: &str| -> Option<Value> {
        let path = lab.door().file_path(&format!("box/state/central/{name}"));
        serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
    };
    let own = read("tunnel.json").and_then(|known| Some(known["own"]["key"].as_str()?.to_owned()));
    own.unwrap_or_else(|| read("enrolment.json").unwrap()["tunnel_key"].as_str().unwrap().to_owned())
}

#[test]
fn after_a_clock_that_was_in_2099_another_key_is_made_and_the_tunnel_stands() {
    play(|lab, concentrators| {
        let before = concentrators.peers(0).unwrap();
        let key = box_key(lab);
        for (place, (machine, _, [address, _])) in CONCENTRATORS.into_iter().enumerate() {
            let public = concentrators.public_key(place).unwrap();
            let said = run(lab, FAR, &["python3", "-c", HANDSHAKE, &key, &public, address]);
            assert_eq!(said.trim(), "answered", "{machine}");
        }
        lab.kill_box().unwrap();
        // What the box remembers of that start.
        let path = lab.door().file_path("box/state/tunnel/latest-handshake");
        let kept = fs::read_to_string(&path).unwrap();
        let (_, of) = kept.split_once(' ').unwrap();
        fs::write(&path, format!("2099-01-01T00:00:00Z {of}")).unwrap();
        lab.restart_box().unwrap();
        until(30, "the box says that its clock is behind", || {
            tunnel(lab)["trouble"].as_str().is_some_and(|why| why.contains("behind an earlier handshake"))
        });
        let begun = Instant::now();
        until_up(lab, 150);
        println!("up by another key after {} ms", begun.elapsed().as_millis());
        let public = run(lab, BOX, &["wg", "show", "academie0", "public-key"]);
        assert_ne!(before, [public.trim()], "the key of 2099 is taken all the same");
        until(30, "another key alone counts", || {
            concentrators.peers(0).is_ok_and(|now| now.len() == 1 && now != before)
        });
        until(20, "the page comes by another key", || reaches(lab, "bureau", &[]));
    });
}
