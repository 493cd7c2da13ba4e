//! People who have signed in: what opens, what does not, by every way to ask for it.

use preau_lab::plan::{BOX, OTHER_RESOLVERS, PEDAGOGIQUE, PORTAL};
use serde_json::Value;

use crate::asking::{
    ALERT, AUTHORITY, CLOSED, OPEN, REASON, dig, get, page, places, resolve, run, signed_in, status,
};

/// What somebody who asks for `name` at `place` over TLS is shown: issuer and fingerprint of a verified certificate.
fn certificate(who: &str, name: &str, place: &str) -> String {
    let script = "openssl s_client -connect \"$1:443\" -servername \"$0\" -verify_hostname \"$0\" -verify_return_error \
                  -CAfile \"$SSL_CERT_FILE\" < /dev/null | openssl x509 -noout -issuer -fingerprint -sha256";
    run(signed_in(), who, &["bash", "-o", "pipefail", "-c", script, name, place])
}

#[test]
fn an_allowed_sites_certificate_is_its_own_end_to_end() {
    for place in places(OPEN) {
        let at_the_pupil = certificate("eleve", OPEN, &place);
        // On the box nothing stands between: what the site itself shows.
        assert_eq!(at_the_pupil, certificate(BOX, OPEN, &place));
        assert!(at_the_pupil.to_lowercase().contains(AUTHORITY), "{at_the_pupil}");
    }
}

#[test]
fn an_allowed_site_opens_in_both_families_over_http_and_https() {
    for family in ["-4", "-6"] {
        for scheme in ["http", "https"] {
            let echo = page(signed_in(), "eleve", &format!("{scheme}://{OPEN}/echo"), &[family]);
            assert!(echo.contains(&format!("host: {OPEN}")) || echo.contains("HTTP/2"), "{echo}");
        }
    }
}

#[test]
fn a_closed_sites_name_leads_to_the_box_with_the_reason() {
    for server in PEDAGOGIQUE.iter().chain(&OTHER_RESOLVERS) {
        for (kind, address) in [("A", PEDAGOGIQUE[0]), ("AAAA", PEDAGOGIQUE[1])] {
            for transport in ["+notcp", "+tcp"] {
                let answer =
                    run(signed_in(), "eleve", &["dig", transport, &format!("@{server}"), CLOSED, kind]);
                assert!(answer.contains("EDE: 17") && answer.contains("Les jeux en ligne"), "{answer}");
                assert!(answer.lines().any(|line| line.starts_with(CLOSED) && line.ends_with(address)));
            }
        }
    }
    assert_eq!(dig(signed_in(), "eleve", &[CLOSED, "HTTPS"]), "");
}

#[test]
fn a_name_the_academie_closes_says_so() {
    let answer = run(signed_in(), "eleve", &["dig", "casino.example", "A"]);
    assert!(answer.contains("EDE: 15"), "{answer}");
}

#[test]
fn a_closed_site_is_refused_by_its_server_name_at_its_address() {
    for place in places(CLOSED) {
        let place = resolve(CLOSED, 443, &place);
        let seen = get(signed_in(), "eleve", &format!("https://{CLOSED}/"), &["--resolve", &place]);
        assert_eq!(seen.status, Some(35), "{place}: {seen:?}");
        assert!(seen.stderr.contains(ALERT) && seen.elapsed.as_secs() < 3, "{place}: {seen:?}");
    }
}

#[test]
fn a_closed_site_over_http_shows_rule_and_reason_by_name_and_by_address() {
    let mut ways: Vec<Vec<String>> = vec![vec!["-4".to_owned()], vec!["-6".to_owned()]];
    ways.extend(places(CLOSED).map(|place| vec!["--resolve".to_owned(), resolve(CLOSED, 80, &place)]));
    for way in &ways {
        let way: Vec<&str> = way.iter().map(String::as_str).collect();
        let url = format!("http://{CLOSED}/page");
        let shown = page(signed_in(), "eleve", &url, &[&["--include"], way.as_slice()].concat());
        assert!(shown.starts_with("HTTP/1.1 403"), "{way:?}: {shown}");
        assert!(shown.contains(REASON) && shown.contains("jeux"), "{way:?}: {shown}");
    }
}

/// The first line of the echo says which address of the server was reached.
fn reached(echo: &str) -> String {
    echo.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_forged_address_still_leads_to_the_named_site() {
    let (real_v4, real_v6) = preau_lab::internet::names::addresses(OPEN);
    for (scheme, port) in [("http", 80), ("https", 443)] {
        for forged in places(CLOSED) {
            let place = resolve(OPEN, port, &forged);
            let echo = page(signed_in(), "eleve", &format!("{scheme}://{OPEN}/echo"), &["--resolve", &place]);
            let first = reached(&echo);
            let own = [format!("to {real_v4}:{port}"), format!("to [{real_v6}]:{port}")];
            assert!(own.iter().any(|own| first.contains(own)), "{place}: {first}");
        }
    }
}

#[test]
fn a_forged_host_or_server_name_opens_nothing() {
    for place in places(OPEN) {
        let url = format!("http://{place}/echo");
        let shown = page(signed_in(), "eleve", &url, &["--header", &format!("Host: {CLOSED}"), "--include"]);
        assert!(shown.starts_with("HTTP/1.1 403") && shown.contains(REASON), "{place}: {shown}");
        let place = resolve(CLOSED, 443, &place);
        let seen = get(signed_in(), "eleve", &format!("https://{CLOSED}/"), &["--resolve", &place]);
        assert_eq!(seen.status, Some(35), "{place}: {seen:?}");
    }
}

#[test]
fn teacher_and_pupil_get_their_own_answers_also_from_the_cache_and_behind_aliases() {
    for (name, target) in
        [("billes.example", "billes.example"), ("alias.exemple.fr", CLOSED), ("chaine.exemple.fr", CLOSED)]
    {
        let (real_v4, real_v6) = preau_lab::internet::names::addresses(target);
        for (kind, real, own) in
            [("A", real_v4.to_string(), PEDAGOGIQUE[0]), ("AAAA", real_v6.to_string(), PEDAGOGIQUE[1])]
        {
            for _ in 0..2 {
                let teacher = dig(signed_in(), "enseignant", &[name, kind]);
                assert_eq!(teacher.lines().last(), Some(real.as_str()), "{name}");
                assert_eq!(dig(signed_in(), "eleve", &[name, kind]), own, "{name}");
            }
        }
    }
}

#[test]
fn two_classes_get_their_own_answers() {
    let url = "https://chats.example/";
    assert!(get(signed_in(), "eleve", url, &[]).succeeded(), "6A may");
    assert!(!get(signed_in(), "eleve2", url, &[]).succeeded(), "6B may not");
}

#[test]
fn thirty_who_ask_for_one_site_at_once_cost_one_question_a_family() {
    let script = "for i in $(seq 30); do curl --silent --fail --max-time 15 -o /dev/null https://foule.exemple.fr/ & \
                  pids=\"$pids $!\"; done; for pid in $pids; do wait $pid || exit 1; done";
    run(signed_in(), "eleve", &["bash", "-c", script]);
    let questions = signed_in().upstream_questions().unwrap();
    for kind in ["A", "AAAA"] {
        let asked = questions.iter().filter(|question| **question == format!("udp foule.exemple.fr {kind}"));
        assert_eq!(asked.count(), 1, "{kind}: {questions:?}");
    }
}

#[test]
fn after_sign_in_each_systems_probe_finds_a_free_line() {
    for (url, expected) in [
        ("http://connectivitycheck.gstatic.com/generate_204", "204 "),
        ("http://captive.apple.com/hotspot-detect.html", "200 "),
        ("http://www.msftconnecttest.com/connecttest.txt", "200 "),
        ("http://detectportal.firefox.com/canonical.html", "200 "),
        ("http://www.gstatic.com/generate_204", "204 "),
    ] {
        assert_eq!(status(signed_in(), "eleve", url, &[]), expected, "{url}");
    }
}

#[test]
fn after_sign_in_the_captive_portal_api_says_free_and_for_how_long() {
    for family in ["-4", "-6"] {
        let answer = page(signed_in(), "eleve", &format!("https://{PORTAL}/api/captive"), &[family]);
        let state: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(state["captive"], false, "{answer}");
        assert!(state["seconds-remaining"].as_u64().is_some_and(|left| left > 11 * 3600), "{answer}");
    }
}
