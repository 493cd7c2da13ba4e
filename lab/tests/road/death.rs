//! The box is killed, comes back, and is stopped: closed in between, and nothing of it left behind.

use std::time::Duration;

use preau_lab::{
    Lab,
    plan::{ECHO_SERVERS, PEDAGOGIQUE, PORTAL},
};

use crate::asking::{OPEN, Stage, box_status, dig, echoes, get, on_the_box, page, places, resolve, until};

static STAGE: Stage = Stage::new();

/// How many dnsmasq there are on the box.
fn dnsmasqs(lab: &Lab) -> usize {
    let state = lab.door().file_path("box/state").exists();
    assert!(state, "the lab is gone");
    on_the_box(lab, "grep -l '^Name:.dnsmasq$' /proc/[0-9]*/status 2>/dev/null || true").lines().count()
}

/// Whether the dead man's switch holds anything.
fn is_alive(lab: &Lab) -> bool {
    on_the_box(lab, "nft list set inet preau alive").contains("elements")
}

/// Nothing new opens: no answer by DNS, HTTP, TLS, portal, in either family.
fn assert_closed(lab: &Lab) {
    for server in PEDAGOGIQUE {
        let server = format!("@{server}");
        let answer = lab.run("eleve", &["dig", "+time=1", "+tries=1", &server, OPEN]).unwrap();
        assert!(!answer.succeeded(), "{}", answer.stdout);
    }
    for (scheme, port) in [("http", 80), ("https", 443)] {
        for place in places(OPEN) {
            let place = resolve(OPEN, port, &place);
            let more = ["--max-time", "2", "--resolve", &place];
            let seen = get(lab, "eleve", &format!("{scheme}://{OPEN}/"), &more);
            assert!(!seen.succeeded(), "{place}: {seen:?}");
        }
    }
    let place = resolve(PORTAL, 443, PEDAGOGIQUE[0]);
    let more = ["--max-time", "2", "--resolve", &place];
    assert!(!get(lab, "eleve", &format!("https://{PORTAL}/"), &more).succeeded(), "the portal answers");
}

#[test]
fn a_killed_box_lets_nothing_through_and_comes_back_with_its_sessions() {
    STAGE.play(|lab| {
        let echo_server = ECHO_SERVERS[0];
        dig(lab, "eleve", &["echo.exemple.net", "A"]);
        until(3, "the service opens", || echoes(lab, "eleve", "udp", echo_server, 5222));
        lab.kill_box().unwrap();
        assert_closed(lab);
        until(6, "the dead man's switch closes", || !is_alive(lab));
        assert!(!echoes(lab, "eleve", "udp", echo_server, 5222), "a forwarded service opens");
        until(3, "dnsmasq ends with the daemon", || dnsmasqs(lab) == 0);
        let back = lab.restart_box().unwrap();
        println!("start to gate open after a kill: {} ms", back.as_millis());
        assert!(back < Duration::from_secs(10), "{back:?}");
        assert_eq!(dnsmasqs(lab), 1);
        assert_eq!(box_status(lab)["sessions"], 1);
        for family in ["-4", "-6"] {
            assert!(page(lab, "eleve", &format!("https://{OPEN}/"), &[family]).contains("<title>"));
        }
        // What the resolver gave before the kill is not vouched for: asked anew, the service opens again.
        dig(lab, "eleve", &["echo.exemple.net", "A"]);
        until(3, "the service opens again", || echoes(lab, "eleve", "udp", echo_server, 5222));
    });
}

#[test]
fn a_box_killed_and_started_at_once_again_and_again_always_comes_back() {
    STAGE.play(|lab| {
        for _ in 0..3 {
            lab.kill_box().unwrap();
            let back = lab.restart_box().unwrap();
            assert!(back < Duration::from_secs(10), "{back:?}");
        }
        assert_eq!(dnsmasqs(lab), 1);
        assert!(page(lab, "eleve", &format!("https://{OPEN}/"), &[]).contains("<title>"));
    });
}

#[test]
fn a_stopped_box_ends_in_order_and_closed() {
    STAGE.play(|lab| {
        assert!(is_alive(lab), "the gate is not open to begin with");
        let status = lab.stop_box().unwrap();
        assert_eq!(status, Some(0), "{}", lab.box_log());
        assert!(!is_alive(lab), "the dead man's switch is left to run out");
        assert_eq!(dnsmasqs(lab), 0);
        assert_closed(lab);
        lab.restart_box().unwrap();
        assert!(page(lab, "eleve", &format!("https://{OPEN}/"), &[]).contains("<title>"));
    });
}

#[test]
fn a_cut_line_leaves_the_portal_and_the_web_comes_back_with_it() {
    STAGE.play(|lab| {
        lab.cut_line().unwrap();
        let portal = page(lab, "eleve", &format!("https://{PORTAL}/"), &[]);
        let seen = get(lab, "eleve", "https://sans-ligne.exemple.fr/", &["--max-time", "3"]);
        lab.restore_line().unwrap();
        assert!(portal.contains("Alix Exemple"), "{portal}");
        assert!(!seen.succeeded());
        until(15, "the web comes back", || get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded());
    });
}
