//! Somebody joins and has not signed in: addresses, the portal, and nothing else.

use std::sync::OnceLock;

use preau_lab::{
    Browser, Lab,
    plan::{ECHO_SERVERS, NAMELESS_SERVERS, OTHER_RESOLVERS, PASSWORD, PEDAGOGIQUE, PORTAL, SIGN_IN_FIELDS},
};
use serde_json::Value;

use crate::asking::{ALERT, OPEN, connects, dig, echoes, get, page, places, resolve, run, status};

/// A school where nobody signs in but the visitor.
fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| Lab::start().expect("the lab must start"))
}

/// The probe of each system.
const PROBES: [&str; 5] = [
    "http://connectivitycheck.gstatic.com/generate_204",
    "http://captive.apple.com/hotspot-detect.html",
    "http://www.msftconnecttest.com/connecttest.txt",
    "http://detectportal.firefox.com/canonical.html",
    "http://www.gstatic.com/generate_204",
];

#[test]
fn dhcp_gives_an_address_a_router_a_resolver_and_the_portal() {
    let lease = run(lab(), "eleve", &["cat", "lease"]);
    let field = |name: &str| lease.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    assert!(field("ip=").starts_with("10.10."), "{lease}");
    assert_eq!((field("router="), field("dns=")), (PEDAGOGIQUE[0], PEDAGOGIQUE[0]));
    // RFC 8910: option 114 is the address of the portal's API.
    let api: String =
        format!("https://{PORTAL}/api/captive").bytes().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(field("opt114="), api);
}

#[test]
fn router_advertisements_give_an_address_a_way_out_and_a_resolver_that_answers() {
    let addresses = lab().addresses("eleve").unwrap();
    assert!(addresses.iter().any(|address| address.starts_with("fd00:10:")), "{addresses:?}");
    let way = run(lab(), "eleve", &["ip", "-6", "route", "show", "default"]);
    assert!(way.contains("proto ra"), "{way}");
    let server = format!("@{}", PEDAGOGIQUE[1]);
    assert_eq!(dig(lab(), "eleve", &[&server, PORTAL, "AAAA"]), PEDAGOGIQUE[1]);
}

#[test]
fn every_name_leads_to_the_box_and_is_asked_of_nobody() {
    let name = "personne.encore-inconnu.fr";
    for (kind, address) in [("A", PEDAGOGIQUE[0]), ("AAAA", PEDAGOGIQUE[1])] {
        assert_eq!(dig(lab(), "eleve", &[name, kind]), address);
        for resolver in OTHER_RESOLVERS {
            assert_eq!(dig(lab(), "eleve", &[&format!("@{resolver}"), name, kind]), address, "{resolver}");
        }
    }
    let questions = lab().upstream_questions().unwrap();
    assert!(!questions.iter().any(|question| question.contains(name)), "{questions:?}");
}

#[test]
fn plain_web_leads_to_the_portal_in_both_families_by_name_and_by_address() {
    let mut urls = vec![format!("http://{OPEN}/page"), format!("http://{}/", NAMELESS_SERVERS[0])];
    urls.push(format!("http://[{}]/", NAMELESS_SERVERS[1]));
    let portal = format!("302 https://{PORTAL}/");
    for url in &urls {
        assert!(status(lab(), "eleve", url, &[]).starts_with(&portal), "{url}");
    }
    for place in places(OPEN) {
        let place = resolve(OPEN, 80, &place);
        let seen = status(lab(), "eleve", &urls[0], &["--resolve", &place]);
        assert!(seen.starts_with(&portal), "{place}: {seen}");
    }
}

#[test]
fn secure_web_is_refused_at_once_in_both_families_by_name_and_by_address() {
    let mut ways = vec![(format!("https://{OPEN}/"), None)];
    ways.extend(places(OPEN).map(|place| (format!("https://{OPEN}/"), Some(resolve(OPEN, 443, &place)))));
    ways.push((format!("https://{}/", NAMELESS_SERVERS[0]), None));
    ways.push((format!("https://[{}]/", NAMELESS_SERVERS[1]), None));
    // Mail speaks TLS, too, and goes the same way.
    ways.push((format!("https://{}:993/", NAMELESS_SERVERS[0]), None));
    ways.extend(places(OPEN).map(|place| (format!("https://{OPEN}:993/"), Some(resolve(OPEN, 993, &place)))));
    for (url, place) in &ways {
        let place = place.as_ref().map(|place| vec!["--resolve", place]).unwrap_or_default();
        let seen = get(lab(), "eleve", url, &[&["--insecure"], place.as_slice()].concat());
        // 35 is curl's "TLS handshake failed": an alert, not a silence.
        assert_eq!(seen.status, Some(35), "{url} {place:?}: {seen:?}");
        assert!(seen.stderr.contains(ALERT), "{url} {place:?}: {seen:?}");
        assert!(seen.elapsed.as_secs() < 3, "{url}: {:?}", seen.elapsed);
    }
}

#[test]
fn no_other_port_of_the_internet_answers_in_either_family() {
    for address in NAMELESS_SERVERS {
        for port in [7, 53 + 800, 2222, 5222, 8080, 8443] {
            assert!(!connects(lab(), "eleve", address, port), "tcp {port} at {address}");
        }
        let reply = lab().run("eleve", &["ping", "-c", "1", "-W", "1", address]).unwrap();
        assert!(!reply.succeeded(), "{address} answers a ping");
    }
    for address in ECHO_SERVERS {
        for port in [7, 123, 3478, 5222] {
            assert!(!echoes(lab(), "eleve", "udp", address, port), "udp {port} at {address}");
        }
    }
}

#[test]
fn the_captive_portal_api_says_captive_with_a_valid_certificate() {
    for family in ["-4", "-6"] {
        let answer = page(lab(), "eleve", &format!("https://{PORTAL}/api/captive"), &["--include", family]);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.to_ascii_lowercase().contains("\r\ncontent-type: application/captive+json\r\n"),
            "{head}"
        );
        let state: Value = serde_json::from_str(body).unwrap();
        assert_eq!(state["captive"], true);
        assert_eq!(state["user-portal-url"], format!("https://{PORTAL}/"));
    }
}

#[test]
fn each_systems_probe_is_led_to_the_portal() {
    for url in PROBES {
        let seen = status(lab(), "eleve", url, &[]);
        assert_eq!(seen, format!("302 https://{PORTAL}/"), "{url}");
    }
}

#[test]
fn a_person_signs_in_with_chromium_through_the_probe_and_signs_out_again() {
    if !lab().has_browser().unwrap() {
        assert!(std::env::var_os("CI").is_none(), "CI must have chromium and chromium-driver");
        println!("not run: no chromium and chromium-driver here");
        return;
    }
    let browser = Browser::open(lab(), "invite", (480, 640)).unwrap();
    browser.go(PROBES[0]).unwrap();
    assert!(browser.current_url().unwrap().starts_with(&format!("https://{PORTAL}/")));
    let [login, password] = SIGN_IN_FIELDS;
    browser.type_into(login, "charlie.visiteur").unwrap();
    browser.type_into(password, PASSWORD).unwrap();
    browser.click("[type=submit]").unwrap();
    browser.go(&format!("https://{OPEN}/")).unwrap();
    assert!(browser.text().unwrap().contains("Un préau est la partie couverte"));
    browser.go(&format!("https://{PORTAL}/")).unwrap();
    assert!(browser.text().unwrap().contains("Charlie Visiteur"));
    browser.click("form [type=submit]").unwrap();
    assert!(get(lab(), "invite", &format!("https://{OPEN}/"), &[]).status != Some(0), "still signed in");
}
