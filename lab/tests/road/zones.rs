//! Zones keep to themselves, and machines in a zone without sign-in get what their rules give them.

use std::sync::OnceLock;

use preau_lab::{
    Lab,
    plan::{ADMINISTRATION, EQUIPEMENTS, INVITES, NAMELESS_SERVERS, PEDAGOGIQUE},
};

use crate::asking::{OPEN, connects, dig, get, page, places, resolve, signed_in};

const WHITEBOARD_SITE: &str = "tableau.exemple.fr";

#[test]
fn office_and_pupils_do_not_reach_each_other_in_either_family() {
    let _server = signed_in().spawn("bureau", "office-server", &["nc", "-l", "-k", "-p", "8000"]).unwrap();
    let _other = signed_in().spawn("eleve", "pupil-server", &["nc", "-l", "-k", "-p", "8000"]).unwrap();
    for (from, to) in [("bureau", "eleve"), ("eleve", "bureau")] {
        for address in signed_in().addresses(to).unwrap() {
            let reply = signed_in().run(from, &["ping", "-c", "1", "-W", "1", &address]).unwrap();
            assert!(!reply.succeeded(), "`{from}` pings `{to}` at {address}");
            for port in [80, 443, 8000] {
                assert!(!connects(signed_in(), from, &address, port), "`{from}` reaches {address}:{port}");
            }
        }
    }
}

#[test]
fn the_boxs_addresses_of_other_zones_are_closed() {
    for (from, others) in [
        ("eleve", [ADMINISTRATION, INVITES, EQUIPEMENTS]),
        ("bureau", [PEDAGOGIQUE, INVITES, EQUIPEMENTS]),
        ("tableau", [PEDAGOGIQUE, ADMINISTRATION, INVITES]),
    ] {
        for address in others.iter().flatten() {
            let reply = signed_in().run(from, &["ping", "-c", "1", "-W", "1", address]).unwrap();
            assert!(!reply.succeeded(), "`{from}` pings {address}");
            for port in [22, 80, 443] {
                assert!(!connects(signed_in(), from, address, port), "`{from}` reaches {address}:{port}");
            }
        }
    }
}

#[test]
fn the_office_gets_only_what_its_rules_open() {
    assert!(get(signed_in(), "bureau", "https://www.ac-exemple.fr/", &[]).succeeded());
    assert!(!get(signed_in(), "bureau", &format!("https://{OPEN}/"), &[]).succeeded());
}

#[test]
fn the_whiteboard_works_without_sign_in_in_both_families() {
    for family in ["-4", "-6"] {
        let site = page(signed_in(), "tableau", &format!("https://{WHITEBOARD_SITE}/"), &[family]);
        assert!(site.contains("Tableau interactif"), "{site}");
    }
}

#[test]
fn the_whiteboard_gets_nothing_but_its_site() {
    assert_eq!(dig(signed_in(), "tableau", &[OPEN, "A"]), EQUIPEMENTS[0]);
    for place in places(OPEN) {
        let secure = resolve(OPEN, 443, &place);
        let seen = get(signed_in(), "tableau", &format!("https://{OPEN}/"), &["--resolve", &secure]);
        assert_eq!(seen.status, Some(35), "{secure}: {seen:?}");
        let plain = resolve(OPEN, 80, &place);
        let shown =
            page(signed_in(), "tableau", &format!("http://{OPEN}/"), &["--include", "--resolve", &plain]);
        assert!(shown.starts_with("HTTP/1.1 403"), "{plain}: {shown}");
    }
    for address in NAMELESS_SERVERS {
        for port in [7, 5222, 8080, 8443] {
            assert!(!connects(signed_in(), "tableau", address, port), "tcp {port} at {address}");
        }
    }
}

/// A school with one more machine, of a hardware address that nobody registered, on the whiteboard's wire.
fn lab_with_a_stranger() -> &'static Lab {
    static READY: OnceLock<()> = OnceLock::new();
    let lab = signed_in();
    READY.get_or_init(|| {
        let script = "ip netns add autre\n\
                      ip -n tableau link add link eth0 name fil netns autre type macvlan mode bridge\n\
                      ip -n autre link set fil address 02:00:5e:99:00:01 up\n\
                      ip -n autre addr add 10.40.0.9/22 dev fil\n\
                      ip -n autre addr add fd00:40::9/64 dev fil nodad\n\
                      ip -n autre route add default via 10.40.0.1\n\
                      ip -n autre -6 route replace default via fd00:40::1 metric 1\n";
        lab.door().script(script).expect("another machine must fit on the wire");
    });
    lab
}

/// What a command on that machine came to.
fn stranger(arguments: &[&str]) -> (Option<i32>, String) {
    let output = lab_with_a_stranger().door().command_on("autre", None, arguments).output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_machine_nobody_registered_gets_nothing_in_the_whiteboards_zone() {
    let (status, _) = stranger(&["ping", "-c", "1", "-W", "2", EQUIPEMENTS[0]]);
    assert_eq!(status, Some(0), "the machine must reach the box, or this test shows nothing");
    for (family, own) in EQUIPEMENTS.iter().enumerate() {
        let kind = ["A", "AAAA"][family];
        let (_, answer) = stranger(&["dig", "+short", &format!("@{own}"), WHITEBOARD_SITE, kind]);
        assert_eq!(answer.trim(), *own);
        let place = &places(WHITEBOARD_SITE)[family];
        let secure = resolve(WHITEBOARD_SITE, 443, place);
        let url = format!("https://{WHITEBOARD_SITE}/");
        let (status, _) = stranger(&["curl", "-s", "--max-time", "5", "--resolve", &secure, &url]);
        assert_eq!(status, Some(35), "{secure}");
        let plain = resolve(WHITEBOARD_SITE, 80, place);
        let url = format!("http://{WHITEBOARD_SITE}/");
        let (_, shown) = stranger(&["curl", "-si", "--max-time", "5", "--resolve", &plain, &url]);
        assert!(shown.starts_with("HTTP/1.1 403"), "{plain}: {shown}");
    }
}
