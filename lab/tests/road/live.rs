//! What runs is cut when it is not allowed any more, within seconds and alone.

use std::time::Duration;

use preau::{model::Moment, system::clock::Clock};
use preau_lab::{Lab, Running};

use crate::asking::{OPEN, Stage, get, page, sign_out, until};

static STAGE: Stage = Stage::new();

/// How long a cut may take: the change is noticed, read, and every live connection asked about.
const CUT_SECONDS_MAX: u64 = 4;

/// A download of a byte a second that runs; `name` is unique.
fn download(lab: &Lab, name: &str, url: &str) -> Running {
    download_by(lab, "eleve", name, url)
}

fn download_by(lab: &Lab, who: &str, name: &str, url: &str) -> Running {
    let slow = lab.spawn(who, name, &["curl", "--silent", "--no-buffer", "--output", name, url]);
    let mut slow = slow.expect("curl must start");
    let file = lab.door().file_path(who).join(name);
    until(8, "the first byte", || std::fs::metadata(&file).is_ok_and(|file| file.len() > 0));
    assert!(slow.is_running(), "{url} ends at once");
    slow
}

/// The usual rules, and `more`.
fn with_rules(lab: &Lab, more: &str) -> String {
    format!("{}\n{more}", lab.read_box_file("etablissement.toml").expect("the box has rules"))
}

pub(crate) fn block(id: &str, site: &str, when: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\neffect = \"block\"\nsites = [\"{site}\"]\n{when}\nreason = \"Fermé.\"\n"
    )
}

#[test]
fn a_site_that_the_rules_close_is_cut_and_another_runs_on() {
    STAGE.play(|lab| {
        let mut cut = [
            download(lab, "closed-tls", "https://ferme.exemple.fr/lent/60"),
            download(lab, "closed-http", "http://ferme.exemple.fr/lent/60"),
            download(lab, "closed-tls6", "https://sans-adresse-v4.ferme.exemple.fr/lent/60"),
        ];
        let mut stays = [
            download(lab, "open-tls", "https://ouvert.exemple.fr/lent/60"),
            download(lab, "open-http", "http://ouvert.exemple.fr/lent/60"),
        ];
        let usual = lab.read_box_file("etablissement.toml").unwrap();
        let rules = with_rules(lab, &block("essai", "ferme.exemple.fr", ""));
        lab.write_box_file("etablissement.toml", &rules).unwrap();
        until(CUT_SECONDS_MAX, "every connection to the closed site is cut", || {
            cut.iter_mut().all(|download| !download.is_running())
        });
        assert!(stays.iter_mut().all(Running::is_running), "a connection to another site was cut too");
        assert!(!get(lab, "eleve", "https://ferme.exemple.fr/", &[]).succeeded());
        lab.write_box_file("etablissement.toml", &usual).unwrap();
        until(CUT_SECONDS_MAX, "the site opens again", || {
            get(lab, "eleve", "https://ferme.exemple.fr/", &[]).succeeded()
        });
    });
}

#[test]
fn an_alias_is_cut_with_the_site_it_leads_to() {
    STAGE.play(|lab| {
        lab.sign_in_user("enseignant").unwrap();
        let mut cut = [
            download_by(lab, "enseignant", "alias-tls", "https://alias.exemple.fr/lent/60"),
            download_by(lab, "enseignant", "alias-http", "http://alias.exemple.fr/lent/60"),
        ];
        let usual = lab.read_box_file("etablissement.toml").unwrap();
        let rules = with_rules(lab, &block("essai", "jeux-en-ligne.example", ""));
        lab.write_box_file("etablissement.toml", &rules).unwrap();
        until(CUT_SECONDS_MAX, "every connection by the alias is cut", || {
            cut.iter_mut().all(|download| !download.is_running())
        });
        lab.write_box_file("etablissement.toml", &usual).unwrap();
        until(CUT_SECONDS_MAX, "the alias opens again", || {
            get(lab, "enseignant", "https://alias.exemple.fr/", &[]).succeeded()
        });
    });
}

#[test]
fn sign_out_cuts_what_runs() {
    STAGE.play(|lab| {
        let mut cut = [
            download(lab, "out-tls", &format!("https://{OPEN}/lent/60")),
            download(lab, "out-http", &format!("http://{OPEN}/lent/60")),
        ];
        sign_out(lab, "eleve");
        until(CUT_SECONDS_MAX, "every connection is cut", || {
            cut.iter_mut().all(|download| !download.is_running())
        });
        assert!(!get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded());
        lab.sign_in_user("eleve").unwrap();
    });
}

/// The next full minute that leaves time to begin before it: when it is, and its hour and minute in Paris. Not midnight,
/// which no slot reaches across.
pub(crate) fn next_minute(now: Moment) -> (Moment, u16) {
    let mut minute = now.unix_seconds() / 60 + 1;
    loop {
        let at = Moment::from_unix_seconds(minute * 60);
        let of_day = paris_minute(at);
        if at.since(now) > Duration::from_secs(8) && of_day > 0 && of_day < 24 * 60 - 2 {
            return (at, of_day);
        }
        minute += 1;
    }
}

/// The minute of the day in Paris: one hour before UTC's in winter, two in summer.
fn paris_minute(at: Moment) -> u16 {
    let zone = "TZ=CET-1CEST,M3.5.0,M10.5.0/3 date -d @$0 '+%-H %-M'";
    let shown = std::process::Command::new("sh").args(["-c", zone, &at.unix_seconds().to_string()]).output();
    let shown = String::from_utf8(shown.expect("`date` must run").stdout).expect("`date` writes numbers");
    let (hour, minute) = shown.trim().split_once(' ').expect("an hour and a minute");
    hour.parse::<u16>().expect("an hour") * 60 + minute.parse::<u16>().expect("a minute")
}

pub(crate) fn every_day(name: &str, from: u16, to: u16) -> String {
    let slot = format!("[\"{:02}:{:02}-{:02}:{:02}\"]", from / 60, from % 60, to / 60, to % 60);
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let days = days.map(|day| format!("{day} = {slot}")).join(", ");
    format!("{name} = {{ {days} }}\n")
}

#[test]
fn a_slot_that_begins_or_ends_cuts_what_runs_at_that_minute() {
    STAGE.play(|lab| {
        let clock = Clock::of_the_machine();
        let usual = lab.read_box_file("etablissement.toml").unwrap();
        let (boundary, minute) = next_minute(clock.now());
        let slots = every_day("avant", 0, minute) + &every_day("apres", minute, 24 * 60);
        let rules = usual.replace("[timetables]\n", &format!("[timetables]\n{slots}"))
            + &block("commence", "commence.exemple.fr", "during = \"apres\"")
            + &block("finit", "finit.exemple.fr", "outside = \"avant\"")
            + &block("ouvre", "ouvre.exemple.fr", "during = \"avant\"")
            + "[[search]]\nid = \"libre\"\nyoutube = \"off\"\nduring = \"avant\"\n";
        lab.write_box_file("etablissement.toml", &rules).unwrap();
        until(CUT_SECONDS_MAX, "the rules are in force", || {
            !get(lab, "eleve", "https://ouvre.exemple.fr/", &[]).succeeded()
        });
        let mut cut = [
            download(lab, "begins-tls", "https://commence.exemple.fr/lent/200"),
            download(lab, "begins-http", "http://commence.exemple.fr/lent/200"),
            download(lab, "ends-tls", "https://finit.exemple.fr/lent/200"),
            download(lab, "ends-http", "http://finit.exemple.fr/lent/200"),
            download(lab, "mode-tls", "https://www.youtube.com/lent/200"),
        ];
        let mut stays = download(lab, "stays-tls", "https://ouvert.exemple.fr/lent/200");
        while clock.now() < boundary - Duration::from_millis(1500) {
            assert!(cut.iter_mut().all(Running::is_running), "cut before its minute");
            std::thread::sleep(Duration::from_millis(200));
        }
        until(CUT_SECONDS_MAX + 2, "every connection whose time is over is cut", || {
            cut.iter_mut().all(|download| !download.is_running())
        });
        assert!(clock.now() >= boundary, "cut before its minute");
        assert!(stays.is_running(), "a connection without a slot was cut too");
        assert!(!get(lab, "eleve", "https://commence.exemple.fr/", &[]).succeeded());
        // The refusal may be kept for ten seconds; curl asks anew each time.
        assert!(page(lab, "eleve", "https://ouvre.exemple.fr/", &[]).contains("<title>"));
        lab.write_box_file("etablissement.toml", &usual).unwrap();
    });
}

#[test]
fn a_search_mode_that_begins_or_ends_cuts_what_runs_by_the_other_name() {
    STAGE.play(|lab| {
        let usual = lab.read_box_file("etablissement.toml").unwrap();
        let mut cut = [
            download(lab, "moderate-tls", "https://www.youtube.com/lent/60"),
            download(lab, "moderate-http", "http://m.youtube.com/lent/60"),
        ];
        let mut stays = download(lab, "google-tls", "https://www.google.com/lent/60");
        let off = "[[search]]\nid = \"sans\"\nyoutube = \"off\"\n";
        lab.write_box_file("etablissement.toml", &with_rules(lab, off)).unwrap();
        until(CUT_SECONDS_MAX, "every connection to the moderate level is cut", || {
            cut.iter_mut().all(|download| !download.is_running())
        });
        assert!(stays.is_running(), "a connection whose mode stays was cut too");
        let mut again = download(lab, "free-tls", "https://www.youtube.com/lent/60");
        lab.write_box_file("etablissement.toml", &usual).unwrap();
        until(CUT_SECONDS_MAX, "the connection past the mode is cut", || !again.is_running());
        assert!(stays.is_running(), "a connection whose mode stays was cut too");
    });
}
