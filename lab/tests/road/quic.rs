//! QUIC: refused at once where a zone does not ask for it; read, judged and relayed where it does.

use preau_lab::{
    Browser, Lab, Output, Running, internet,
    plan::{BOX, OTHER_RESOLVERS},
};

use crate::asking::{CLOSED, OPEN, Stage, get, page, places, run, until};

static USUAL: Stage = Stage::new();
static FILTERING: Stage = Stage::new();

/// What the first datagram of a real client to `www.exemple.fr` looks like (see the fuzz corpus, a length before it).
const REAL_INITIAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/quic_initial/real-aioquic");

/// Plays a story in a school whose classrooms filter QUIC, two pupils signed in.
fn filtering(story: impl FnOnce(&mut Lab)) {
    FILTERING.play(|lab| {
        let settings = lab.read_box_file("box.toml").unwrap();
        if !settings.contains("quic") {
            let settings =
                settings.replacen("default = \"allow\"", "default = \"allow\"\nquic = \"filter\"", 1);
            lab.write_box_file("box.toml", &settings).unwrap();
            lab.stop_box().unwrap();
            lab.restart_box().unwrap();
            for who in ["eleve", "eleve2"] {
                lab.sign_in_user(who).unwrap();
            }
        }
        story(lab);
    });
}

fn program() -> String {
    let path = std::env::current_exe().unwrap();
    path.ancestors().nth(2).unwrap().join("preau-lab").display().to_string()
}

fn arguments<'a>(program: &'a str, name: &'a str, address: &'a str, path: &'a str) -> [&'a str; 9] {
    [program, "load", "http3", "--name", name, "--address", address, "--path", path]
}

/// A page over HTTP/3 by our own client, which goes to `place` whatever DNS says.
fn http3(lab: &Lab, who: &str, name: &str, place: &str, path: &str) -> Output {
    lab.run(who, &arguments(&program(), name, &format!("{place}:443"), path)).unwrap()
}

#[track_caller]
fn echo(lab: &Lab, who: &str, name: &str, place: &str) -> String {
    http3(lab, who, name, place, "/echo").checked().expect("the page must come over HTTP/3")
}

/// What the kernel tells a program that sends what `bytes` (a shell command) prints to UDP 443 and waits for an answer.
fn answer_to(lab: &Lab, who: &str, place: &str, bytes: &str) -> String {
    let script = format!(
        "exec 3<>/dev/udp/$0/443 && {{ {bytes}; }} | dd bs=9000 iflag=fullblock >&3 2>/dev/null && timeout 3 cat <&3"
    );
    let place = place.trim_matches(['[', ']']);
    lab.run(who, &["bash", "-c", &script, place]).unwrap().stderr
}

#[track_caller]
fn check_refused_at_once(lab: &Lab, who: &str, place: &str, bytes: &str) {
    // The program waits for three seconds, and says nothing when no refusal comes meanwhile.
    let said = answer_to(lab, who, place, bytes);
    assert!(said.contains("refused"), "{place}: {said:?}");
}

fn real_initial() -> String {
    format!("tail -c +3 {REAL_INITIAL}")
}

/// A download of a byte a second over HTTP/3 that runs.
fn download(lab: &Lab, name: &str, site: &str) -> Running {
    let program = program();
    let place = format!("{}:443", internet::names::addresses(site).0);
    let running = lab.spawn("eleve", name, &arguments(&program, site, &place, "/lent/60")).unwrap();
    until(8, "the first byte", || !running.log().is_empty());
    running
}

fn records(lab: &Lab) -> String {
    let script =
        "for file in /run/preau-lab/box/state/journal/decisions-*; do \"$0\" journal show \"$file\"; done";
    let preau = program().replace("preau-lab", "preau");
    run(lab, BOX, &["bash", "-c", script, &preau])
}

#[test]
fn a_zone_that_does_not_ask_for_it_refuses_quic_at_once_and_chromium_takes_tcp() {
    USUAL.play(|lab| {
        for place in places(OPEN) {
            check_refused_at_once(lab, "eleve", &place, &real_initial());
        }
        assert!(page(lab, "eleve", &format!("https://{OPEN}/"), &["--include"]).contains("alt-svc: h3="));
        let browser = Browser::open_with_quic(lab, "eleve", (800, 600)).unwrap();
        for _ in 0..3 {
            browser.go(&format!("https://{OPEN}/echo")).unwrap();
            assert!(browser.text().unwrap().contains("HTTP/2"));
        }
    });
}

#[test]
fn an_allowed_site_is_reached_over_http3_in_both_families() {
    filtering(|lab| {
        for place in places(OPEN) {
            let echo = echo(lab, "eleve", OPEN, &place);
            assert!(echo.contains(&format!("to {place}:443 server name {OPEN}")), "{echo}");
            assert!(echo.contains("HTTP/3"), "{echo}");
        }
        assert!(records(lab).lines().any(|line| line.contains(&format!("\tquic\t{OPEN}\tallowed"))));
    });
}

#[test]
fn a_hard_coded_address_leads_to_our_own_answer_for_the_name() {
    filtering(|lab| {
        let (v4, v6) = internet::names::addresses(OPEN);
        for (wrong, own) in places(CLOSED).iter().zip([v4.to_string(), format!("[{v6}]")]) {
            let echo = echo(lab, "eleve", OPEN, wrong);
            assert!(echo.contains(&format!("to {own}:443 server name {OPEN}")), "{echo}");
        }
    });
}

#[test]
fn a_closed_site_is_refused_at_every_address() {
    filtering(|lab| {
        for place in places(CLOSED).iter().chain(&places(OPEN)) {
            let seen = http3(lab, "eleve", CLOSED, place, "/");
            assert!(!seen.succeeded() && seen.stdout.is_empty(), "{place}: {seen:?}");
        }
        assert!(
            records(lab).lines().any(|line| line.contains(&format!("\tquic\t{CLOSED}\trefused by rule")))
        );
    });
}

#[test]
fn a_refused_name_is_answered_at_once_and_opens_again_with_the_rule() {
    filtering(|lab| {
        let usual = lab.read_box_file("etablissement.toml").unwrap();
        let rule = "\n[[rule]]\nid = \"essai\"\neffect = \"block\"\nsites = [\"www.exemple.fr\"]\nreason = \"Fermé.\"\n";
        lab.write_box_file("etablissement.toml", &format!("{usual}{rule}")).unwrap();
        until(4, "the rule is in force", || !get(lab, "eleve", "https://www.exemple.fr/", &[]).succeeded());
        for place in places("www.exemple.fr") {
            check_refused_at_once(lab, "eleve", &place, &real_initial());
        }
        lab.write_box_file("etablissement.toml", &usual).unwrap();
        until(4, "the site opens again", || get(lab, "eleve", "https://www.exemple.fr/", &[]).succeeded());
        let said = answer_to(lab, "eleve", "192.0.2.1", &real_initial());
        assert!(!said.contains("refused"), "the site answers in its way: {said}");
    });
}

#[test]
fn what_is_no_beginning_of_a_connection_is_refused_at_once() {
    filtering(|lab| {
        for place in places(OPEN) {
            for bytes in [
                "echo bonjour",
                "head -c 1200 /dev/zero",
                "head -c 1200 /dev/urandom",
                "printf '\\300\\377\\0\\0\\35'; head -c 1195 /dev/urandom",
                "printf '\\300\\0\\0\\0\\1\\10abcdefgh\\0\\0\\104\\236'; head -c 1182 /dev/urandom",
            ] {
                check_refused_at_once(lab, "eleve", &place, bytes);
            }
        }
    });
}

#[test]
fn two_clients_reach_one_site_at_once_each_by_its_own_flow() {
    filtering(|lab| {
        let place = &places(OPEN)[0];
        std::thread::scope(|scope| {
            let lab = &*lab;
            let both = ["eleve", "eleve2"].map(|who| {
                scope.spawn(move || http3(lab, who, OPEN, place, "/octets/3000000").checked().unwrap().len())
            });
            for bytes in both {
                assert_eq!(bytes.join().unwrap(), 3_000_000);
            }
        });
    });
}

#[test]
fn a_live_flow_is_cut_with_its_permission_and_another_runs_on() {
    filtering(|lab| {
        let mut cut = download(lab, "closed-quic", "ferme.exemple.fr");
        let mut stays = download(lab, "open-quic", "ouvert.exemple.fr");
        let usual = lab.read_box_file("etablissement.toml").unwrap();
        let rule = "\n[[rule]]\nid = \"essai\"\neffect = \"block\"\nsites = [\"ferme.exemple.fr\"]\nreason = \"Fermé.\"\n";
        lab.write_box_file("etablissement.toml", &format!("{usual}{rule}")).unwrap();
        // The client notices by its own silence of four seconds: it does not listen to refusals.
        until(9, "the flow to the closed site is cut", || !cut.is_running());
        assert!(stays.is_running(), "a flow to another site was cut too");
        lab.write_box_file("etablissement.toml", &usual).unwrap();
    });
}

#[test]
fn chromium_takes_quic_to_an_allowed_site_and_the_alert_of_tcp_at_a_closed_one() {
    filtering(|lab| {
        let browser = Browser::open_with_quic_to(lab, "eleve", (800, 600), OPEN).unwrap();
        browser.go(&format!("https://{OPEN}/echo")).unwrap();
        let echo = browser.text().unwrap();
        assert!(echo.contains("HTTP/3") && echo.contains(&format!("server name {OPEN}")), "{echo}");
        assert!(browser.go(&format!("https://{CLOSED}/")).is_err());
    });
}

#[test]
fn dns_over_quic_stays_refused() {
    filtering(|lab| {
        let server = OTHER_RESOLVERS[0];
        let asked = ["kdig", "+quic", "+time=2", "+retry=0", &format!("@{server}"), OPEN];
        assert!(!lab.run("eleve", &asked).unwrap().succeeded());
    });
}
