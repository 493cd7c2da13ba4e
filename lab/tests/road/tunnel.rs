//! The tunnel to the académie: the office reaches its applications through it and no other way, pupils never do, and nothing
//! of it is seen on the line, whatever is broken.

use std::{
    fs,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use preau_lab::{
    Concentrators, Lab, Running,
    plan::{APPLICATION_ADDRESSES, APPLICATION_NAME, BOX, INTERNET, LINE_V4},
    wait_for,
};
use serde_json::Value;
use tokio::time::Instant;

use crate::asking::{OPEN, beside_others, box_status, dig, get, on_the_box, until};

/// The school for these stories: its box is enrolled and has a tunnel to two concentrators; a pupil and the office have
/// signed in.
static STAGE: Mutex<Option<(Lab, Concentrators)>> = Mutex::new(None);

/// Who must never reach the académie.
const OTHERS: [&str; 4] = ["eleve", "enseignant", "invite", "tableau"];

/// Plays a story in the school. A story that fails takes the school with it.
fn play(story: impl FnOnce(&mut Lab, &mut Concentrators)) {
    let mut stage = STAGE.lock().unwrap_or_else(PoisonError::into_inner);
    let _shared = beside_others();
    let (mut lab, mut concentrators) = stage.take().unwrap_or_else(|| {
        let mut lab = Lab::start().expect("the lab must start");
        lab.start_central().expect("central must start");
        lab.enrol_box().expect("the box must be enrolled");
        for who in ["eleve", "bureau"] {
            lab.sign_in_user(who).expect("the machine's user must be able to sign in");
        }
        let concentrators = Concentrators::open(&lab).expect("the concentrators must start");
        (lab, concentrators)
    });
    until_up(&lab, 30);
    story(&mut lab, &mut concentrators);
    *stage = Some((lab, concentrators));
}

/// How the tunnel stands.
pub(crate) fn tunnel(lab: &Lab) -> Value {
    box_status(lab)["tunnel"].clone()
}

#[track_caller]
pub(crate) fn until_up(lab: &Lab, seconds: u64) {
    let up = wait_for(Duration::from_secs(seconds), || (tunnel(lab)["up"] == true).then_some(()));
    assert!(up.is_some(), "the tunnel is not up: {}\n{}", tunnel(lab), lab.box_log());
}

/// Whether the machine gets the application's page, by its name.
pub(crate) fn reaches(lab: &Lab, who: &str, more: &[&str]) -> bool {
    let more = [&["--max-time", "3"], more].concat();
    get(lab, who, &format!("http://{APPLICATION_NAME}/"), &more).stdout.contains(Concentrators::SECRET)
}

/// Whether the machine gets anything of the application at its addresses, which it was told by a friend.
fn reaches_by_address(lab: &Lab, who: &str) -> bool {
    APPLICATION_ADDRESSES.iter().any(|address| {
        let host = if address.contains(':') { format!("[{address}]") } else { (*address).to_owned() };
        let at = format!("http://{host}/");
        let named = format!("{APPLICATION_NAME}:80:{host}");
        get(lab, who, &at, &["--max-time", "2"]).stdout.contains(Concentrators::SECRET)
            || reaches(lab, who, &["--max-time", "2", "--resolve", &named])
            || lab.run(who, &["ping", "-c", "1", "-W", "1", address]).unwrap().succeeded()
    })
}

/// What leaves the school by the line meanwhile, seen from outside.
pub(crate) struct Capture {
    _running: Running,
    name: String,
}

impl Capture {
    pub(crate) fn begin(lab: &Lab, name: &str) -> Self {
        let name = format!("{name}.pcap");
        // At once: by itself it waits until it has many.
        let arguments =
            ["tcpdump", "-i", "ecole", "--immediate-mode", "-U", "-Z", "root", "-s", "0", "-w", &name];
        let running = lab.spawn(INTERNET, "capture", &arguments).unwrap();
        until(5, "tcpdump listens", || lab.door().file_path(&format!("internet/{name}")).exists());
        Self { _running: running, name }
    }

    /// Nothing of the académie's is in it: no page, no name, no address inside; and it saw something at all.
    #[track_caller]
    pub(crate) fn assert_clean(self, lab: &Lab) {
        let name = &self.name;
        std::thread::sleep(Duration::from_millis(300));
        let bytes = fs::read(lab.door().file_path(&format!("internet/{name}"))).unwrap();
        assert!(bytes.len() > 200, "{name}: nothing was captured");
        for needle in [Concentrators::SECRET.as_bytes(), b"intra", b"appli"] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle), "{name}: in clear");
        }
        let inside = "net 10.200.0.0/16 or net 10.128.0.0/16 or net fd00:200::/48 or net fd00:80::/48 or net 10.20.0.0/22";
        let shown = lab.run(INTERNET, &["tcpdump", "-n", "-r", name, inside]).unwrap().stdout;
        assert_eq!(shown, "", "{name}: packets of the inside on the line");
    }
}

/// In the state that `name` tells, nothing of the académie's gets out by the line, whoever asks and however.
#[track_caller]
fn assert_nothing_leaks(lab: &Lab, name: &str) {
    let capture = Capture::begin(lab, name);
    // Something that may be seen.
    lab.run(INTERNET, &["ping", "-c", "2", LINE_V4.0.trim_end_matches("/30")]).unwrap();
    assert!(!reaches_by_address(lab, "bureau"), "{name}: the office reaches the académie");
    assert!(!reaches_by_address(lab, "eleve"), "{name}: a pupil reaches the académie");
    let _ = reaches(lab, "bureau", &[]);
    capture.assert_clean(lab);
}

#[test]
fn the_office_reaches_the_application_and_nobody_else_does() {
    play(|lab, _| {
        let capture = Capture::begin(lab, "up");
        for family in ["-4", "-6"] {
            assert!(reaches(lab, "bureau", &[family]), "{family}: {}\n{}", tunnel(lab), lab.box_log());
        }
        assert!(lab.preau(&["status"]).unwrap().stdout.contains("tunnel    up since"));
        for who in OTHERS {
            assert_eq!(dig(lab, who, &[APPLICATION_NAME, "A"]), "", "{who}");
            assert!(!reaches(lab, who, &[]) && !reaches_by_address(lab, who), "{who}");
        }
        let asked = lab.upstream_questions().unwrap();
        assert!(!asked.iter().any(|question| question.contains("intra")), "the line's resolver is asked");
        assert!(get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded());
        capture.assert_clean(lab);
    });
}

#[test]
fn before_somebody_has_signed_in_at_the_office_the_application_is_closed() {
    play(|lab, _| {
        crate::asking::sign_out(lab, "bureau");
        assert!(!reaches(lab, "bureau", &[]));
        until(5, "what was open is cut", || !reaches_by_address(lab, "bureau"));
        lab.sign_in_user("bureau").unwrap();
        until(5, "it opens again", || reaches(lab, "bureau", &[]));
    });
}

#[test]
fn with_the_tunnel_down_the_daemon_killed_and_the_box_booting_nothing_leaks() {
    play(|lab, concentrators| {
        concentrators.kill(0);
        concentrators.kill(1);
        // One that was not questioned for long is given 25 seconds.
        until(45, "the box knows that the tunnel is down", || tunnel(lab)["up"] == false);
        assert_nothing_leaks(lab, "down");
        on_the_box(lab, "ip link del academie0");
        assert_nothing_leaks(lab, "no-interface");
        concentrators.start(0).unwrap();
        concentrators.start(1).unwrap();
        until_up(lab, 60);
        lab.kill_box().unwrap();
        assert_nothing_leaks(lab, "killed");
        // The first seconds of a start, again and again.
        let capture = Capture::begin(lab, "booting");
        lab.restart_box().unwrap();
        for _ in 0..3 {
            let _ = (reaches_by_address(lab, "bureau"), reaches_by_address(lab, "eleve"));
        }
        capture.assert_clean(lab);
        until_up(lab, 30);
        until(10, "the office reaches the application again", || reaches(lab, "bureau", &[]));
    });
}

#[test]
fn while_the_box_is_updated_and_before_the_program_has_begun_nothing_leaks() {
    play(|lab, _| {
        until(10, "the page comes", || reaches(lab, "bureau", &[]));
        lab.stop_box().unwrap();
        assert_nothing_leaks(lab, "updating");
        // What a kernel has that was started just now.
        let fresh = "nft flush ruleset; for family in -4 -6; do ip $family route flush table 101
            while ip $family rule del table 101 2> /dev/null; do :; done; done
            sysctl -qw net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0";
        on_the_box(lab, fresh);
        assert_nothing_leaks(lab, "before-the-program");
        let capture = Capture::begin(lab, "from-the-first-moment");
        let asked: Vec<Running> = ["bureau", "eleve"].map(|who| ask_without_end(lab, who)).into();
        lab.restart_box().unwrap();
        until_up(lab, 30);
        drop(asked);
        capture.assert_clean(lab);
        until(30, "the office reaches the application again", || {
            reaches(lab, "bureau", &[]) || lab.sign_in_user("bureau").is_ok_and(|_| false)
        });
    });
}

/// Asks for the application at its addresses ten times a second, until dropped.
fn ask_without_end(lab: &Lab, who: &str) -> Running {
    let [v4, v6] = APPLICATION_ADDRESSES;
    let script = "while sleep 0.1; do
        for to in $0 $1; do ping -c 1 -W 1 -p 696e747261 $to & done
        for to in $0 [$1]; do curl -s -m 1 http://$2/ --connect-to ::$to & done
        done > /dev/null 2>&1";
    lab.spawn(who, &format!("asks-{who}"), &["sh", "-c", script, v4, v6, APPLICATION_NAME]).unwrap()
}

#[test]
fn a_concentrator_that_is_killed_is_left_for_the_other_and_gone_back_to() {
    play(|lab, concentrators| {
        until(10, "the page comes", || reaches(lab, "bureau", &[]));
        // The preferred one, once it was probed for a while.
        until(180, "the first concentrator is used", || tunnel(lab)["concentrator"] == 1);
        std::thread::sleep(Duration::from_secs(8));
        let begun = Instant::now();
        concentrators.kill(0);
        until(30, "the page comes by the second", || {
            tunnel(lab)["concentrator"] == 2 && reaches(lab, "bureau", &[])
        });
        println!(
            "page by the second concentrator {} ms after the first was killed",
            begun.elapsed().as_millis()
        );
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
        concentrators.start(0).unwrap();
        until(240, "the first is gone back to", || tunnel(lab)["concentrator"] == 1);
        until(10, "the page comes by the first", || reaches(lab, "bureau", &[]));
    });
}

#[test]
fn a_line_that_was_cut_and_one_that_flaps_bring_the_tunnel_back_with_them() {
    play(|lab, _| {
        lab.cut_line().unwrap();
        until(60, "the box knows that the tunnel is down", || tunnel(lab)["up"] == false);
        assert!(tunnel(lab)["trouble"].as_str().is_some_and(|why| why.contains("line")), "{}", tunnel(lab));
        lab.restore_line().unwrap();
        let begun = Instant::now();
        until_up(lab, 15);
        println!("up {} ms after the line came back", begun.elapsed().as_millis());
        for _ in 0..5 {
            lab.cut_line().unwrap();
            std::thread::sleep(Duration::from_millis(700));
            lab.restore_line().unwrap();
            std::thread::sleep(Duration::from_millis(900));
        }
        until(30, "the page comes after all that", || reaches(lab, "bureau", &[]));
    });
}

#[test]
fn a_connection_outlives_another_key_and_the_end_of_the_program_that_carries_it() {
    play(|lab, concentrators| {
        until(10, "the page comes", || reaches(lab, "bureau", &[]));
        let url = format!("http://{APPLICATION_NAME}/long");
        let download =
            ["curl", "--silent", "--show-error", "--fail", "--limit-rate", "30k", "--output", "long", &url];
        let mut running = lab.spawn("bureau", "download", &download).unwrap();
        std::thread::sleep(Duration::from_secs(3));
        concentrators.change_box_key().unwrap();
        std::thread::sleep(Duration::from_secs(8));
        let find = "for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline | grep -q '[/]preau wireguard academie0 ' && kill -9 ${p#/proc/}; done
            true";
        on_the_box(lab, find);
        assert!(running.is_running(), "the download is over too early: {}\n{}", running.log(), tunnel(lab));
        assert_eq!(running.wait(Duration::from_secs(120)).unwrap(), Some(0), "{}", running.log());
        let got = fs::metadata(lab.door().file_path("bureau/long")).unwrap().len();
        assert_eq!(got, 2_000_000);
        until_up(lab, 15);
    });
}

#[test]
fn garbage_at_the_tunnels_port_changes_nothing() {
    play(|lab, _| {
        let port = on_the_box(lab, "wg show academie0 listen-port");
        let script = "for i in $(seq 200); do head -c $((RANDOM % 1400 + 1)) /dev/urandom > /dev/udp/$0/$1; done
            for first in 1 2 3 4; do { printf \"\\\\x0$first\\\\0\\\\0\\\\0\"; head -c 144 /dev/urandom; } > /dev/udp/$0/$1; done";
        let address = LINE_V4.0.trim_end_matches("/30");
        lab.run(INTERNET, &["bash", "-c", script, address, port.trim()]).unwrap().checked().unwrap();
        assert!(reaches(lab, "bureau", &[]));
        assert_eq!(tunnel(lab)["up"], true);
    });
}

#[test]
fn a_clock_too_far_ahead_is_shown_to_no_concentrator_and_the_tunnel_stands_once_it_is_right() {
    play(|lab, _| {
        let path = lab.door().file_path("box/state/latest-time");
        let before = fs::read_to_string(&path).ok();
        lab.kill_box().unwrap();
        // What the box remembers makes its clock lie years ahead.
        fs::write(&path, "2020-01-01T00:00:00Z\n").unwrap();
        lab.restart_box().unwrap();
        until(15, "the tunnel waits for the clock", || {
            tunnel(lab)["trouble"].as_str().is_some_and(|why| why.contains("too far ahead"))
        });
        assert_eq!(on_the_box(lab, "wg show academie0 peers").trim(), "");
        lab.kill_box().unwrap();
        match before {
            Some(before) => fs::write(&path, before).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        lab.restart_box().unwrap();
        until_up(lab, 30);
        let latest = lab.run(BOX, &["cat", "/run/preau-lab/box/state/tunnel/latest-handshake"]).unwrap();
        assert!(latest.stdout.starts_with("20"), "{latest:?}");
    });
}
