//! The lab itself, measured behind a plain router: what a test of the box takes for granted.
//!
//! Needs root or user namespaces; without either, every test here fails and says what to do.

use std::{sync::OnceLock, time::Duration};

use preau_lab::{Browser, Gateway, Lab, Output, plan::POSTS};

/// One school for all tests of this file; it ends with this process.
fn lab() -> &'static Lab {
    static LAB: OnceLock<Lab> = OnceLock::new();
    LAB.get_or_init(|| Lab::start_with(Gateway::PlainRouter, &mut |_| {}).expect("the lab must start"))
}

fn run(who: &str, arguments: &[&str]) -> String {
    lab().run(who, arguments).and_then(Output::checked).expect("the command must succeed")
}

#[test]
fn every_machine_has_an_address_of_each_family() {
    for post in &POSTS {
        let addresses = lab().addresses(post.name).unwrap();
        assert!(addresses.iter().any(|address| address.starts_with("10.")), "{}: {addresses:?}", post.name);
        assert!(addresses.iter().any(|address| address.starts_with("fd00:")), "{}: {addresses:?}", post.name);
    }
}

#[test]
fn any_name_answers_over_https_in_both_families_with_a_trusted_certificate() {
    for (family, from) in [("-4", "from 100.64.0.2"), ("-6", "from [2001:db8:1::2]")] {
        let page =
            run("eleve", &["curl", "--silent", "--show-error", family, "https://un.nom.quelconque.fr/echo"]);
        assert!(page.contains(from) && page.contains("server name un.nom.quelconque.fr"), "{page}");
    }
}

#[test]
fn a_server_without_a_name_answers_at_its_address() {
    let page = run("invite", &["curl", "--silent", "--show-error", "https://203.0.113.250/echo"]);
    assert!(page.contains("server name -"), "{page}");
}

#[test]
fn the_academie_is_a_host_of_its_own() {
    let page = run("bureau", &["curl", "--silent", "https://www.ac-exemple.fr/echo"]);
    assert!(page.contains("to 198.51.100.66:443"), "{page}");
}

#[test]
fn names_resolve_over_tls_and_over_https() {
    let plain = run("eleve", &["dig", "+short", "www.exemple.fr", "A"]);
    let tls = run(
        "eleve",
        &["kdig", "+tls-ca", "+tls-hostname=dot.exemple.net", "@dot.exemple.net", "+short", "www.exemple.fr"],
    );
    let https = run("eleve", &["kdig", "+https", "+tls-ca", "@doh.exemple.net", "+short", "www.exemple.fr"]);
    assert_eq!(plain, tls);
    assert_eq!(plain, https);
}

#[test]
fn a_long_answer_comes_over_tcp_after_udp_cut_it() {
    let answer = run("eleve", &["dig", "+short", "@198.51.100.53", "grand.exemple.fr", "TXT"]);
    assert!(answer.len() > 4000, "{} bytes", answer.len());
    let questions = lab().upstream_questions().unwrap();
    for transport in ["udp", "tcp"] {
        assert!(
            questions.contains(&format!("{transport} grand.exemple.fr TXT")),
            "no question over {transport}"
        );
    }
}

#[test]
fn bytes_come_back_over_udp_and_tcp() {
    for place in
        ["/dev/udp/echo.exemple.net/7", "/dev/udp/ntp.exemple.net/123", "/dev/tcp/courrier.exemple.fr/5222"]
    {
        let script = format!("exec 3<>{place}; echo bonjour >&3; timeout 3 head -n 1 <&3");
        assert_eq!(run("eleve", &["bash", "-c", &script]), "bonjour\n", "{place}");
    }
}

#[test]
fn bodies_have_the_length_and_the_pace_asked() {
    let size = run(
        "eleve",
        &["curl", "-s", "-o", "/dev/null", "-w", "%{size_download}", "http://a.fr/octets/3000000"],
    );
    assert_eq!(size, "3000000");
    let slow = lab().run("eleve", &["curl", "-s", "http://a.fr/lent/3"]).unwrap();
    assert!(slow.elapsed > Duration::from_secs(2) && slow.stdout == "...", "{slow:?}");
}

#[test]
fn a_command_that_takes_too_long_is_ended() {
    let output = lab().run_for("eleve", &["sleep", "30"], Duration::from_millis(300)).unwrap();
    assert_eq!(output.status, Some(124));
}

#[test]
fn chromium_shows_a_page_and_asks_for_nothing_else() {
    if !lab().has_browser().unwrap() {
        assert!(std::env::var_os("CI").is_none(), "CI must have chromium and chromium-driver");
        println!("not run: no chromium and chromium-driver here");
        return;
    }
    let browser = Browser::open(lab(), "enseignant", (800, 600)).unwrap();
    browser.go("https://fr.vikidia.example/").unwrap();
    assert!(browser.text().unwrap().contains("Un préau est la partie couverte"));
    assert!(browser.screenshot().unwrap().starts_with(b"\x89PNG"));
    let questions = lab().upstream_questions().unwrap();
    assert!(!questions.iter().any(|question| question.contains("google")), "{questions:?}");
}
