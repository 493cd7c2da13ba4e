//! What a teacher decides from a phone counts within a second for the pupils it is for, and for no others; what pupils
//! ask is answered, with and without a line.

use std::time::Duration;

use preau_lab::{Lab, Running, plan::PORTAL};
use tokio::time::Instant;

use crate::asking::{CLOSED, OPEN, Stage, get, on_the_box, page, status, until};

static STAGE: Stage = Stage::new();

/// A site that is locked for minors.
const LOCKED: &str = "adulte.example";

/// Sends a form of the portal as the browser at `who` would, and says the status and where it leads.
#[track_caller]
fn send(lab: &Lab, who: &str, path: &str, fields: &[&str]) -> String {
    let mut more = vec!["--header", "Sec-Fetch-Site: same-origin"];
    for field in fields {
        more.extend(["--data-urlencode", field]);
    }
    status(lab, who, &format!("https://{PORTAL}{path}"), &more)
}

/// Decides as the teacher; says the number by which it is undone.
#[track_caller]
fn decide(lab: &Lab, fields: &[&str]) -> String {
    let answer = send(lab, "enseignant", "/enseignant/decider", fields);
    assert!(answer.starts_with("303 "), "{fields:?}: {answer}");
    answer.split("fait=").nth(1).expect("the page says what was done").to_owned()
}

#[track_caller]
fn undo(lab: &Lab, number: &str) {
    let answer = send(lab, "enseignant", "/enseignant/annuler", &[&format!("numero={number}")]);
    assert!(answer.starts_with("303 ") && answer.contains("annule"), "{answer}");
}

fn portal(lab: &Lab, who: &str, path: &str) -> String {
    page(lab, who, &format!("https://{PORTAL}{path}"), &[])
}

fn reaches(lab: &Lab, who: &str, site: &str) -> bool {
    get(lab, who, &format!("https://{site}/"), &["--max-time", "3"]).succeeded()
}

/// Waits until `who` does or does not reach `site`, and says how long it took.
#[track_caller]
fn counts(lab: &Lab, who: &str, site: &str, expected: bool) {
    let began = Instant::now();
    until(5, &format!("{who} reaches {site}: {expected}"), || reaches(lab, who, site) == expected);
    println!("{who}, {site}, {expected}: {} ms", began.elapsed().as_millis());
}

/// A school where both pupils and the teacher are signed in.
fn play(story: impl FnOnce(&mut Lab)) {
    STAGE.play(|lab| {
        for who in ["eleve", "eleve2", "enseignant"] {
            lab.sign_in_user(who).expect("the machine's user must be able to sign in");
        }
        story(lab);
    });
}

fn download(lab: &Lab, who: &str, name: &str, url: &str) -> Running {
    let slow = lab.spawn(who, name, &["curl", "--silent", "--no-buffer", "--output", name, url]);
    let mut slow = slow.expect("curl must start");
    let file = lab.door().file_path(who).join(name);
    until(8, "the first byte", || std::fs::metadata(&file).is_ok_and(|file| file.len() > 0));
    assert!(slow.is_running(), "{url} ends at once");
    slow
}

#[test]
fn a_site_opened_for_a_class_is_open_to_it_alone_until_it_is_undone() {
    play(|lab| {
        assert!(!reaches(lab, "eleve", CLOSED) && !reaches(lab, "eleve2", CLOSED));
        let site = format!("sites=https://www.{CLOSED}/page");
        let number = decide(lab, &["pour=classe", "nom=6A", "acte=site", &site, "duree=15"]);
        counts(lab, "eleve", CLOSED, true);
        assert!(!reaches(lab, "eleve2", CLOSED), "the other class reaches it too");
        let told = portal(lab, "enseignant", &format!("/enseignant/classe/6A?fait={number}"));
        assert!(told.contains("pour la classe 6A jusqu’à") && told.contains("Annuler"), "{told}");

        let mut slow = download(lab, "eleve", "opened", &format!("https://{CLOSED}/lent/60"));
        let began = Instant::now();
        undo(lab, &number);
        until(3, "the running connection is cut", || !slow.is_running());
        println!("cut after {} ms", began.elapsed().as_millis());
        counts(lab, "eleve", CLOSED, false);
        assert_eq!(send(lab, "enseignant", "/enseignant/annuler", &[&format!("numero={number}")]), "404 ");
    });
}

#[test]
fn what_is_locked_stays_closed_and_the_teacher_reads_who_may_open_it() {
    play(|lab| {
        let fields = ["pour=classe", "nom=6A", "acte=site", &format!("sites={LOCKED}"), "duree=5"];
        assert_eq!(send(lab, "enseignant", "/enseignant/decider", &fields), "422 ");
        let more = ["--data", "pour=classe", "--data", "nom=6A", "--data", "acte=site", "--data", "duree=5"];
        let site = format!("sites={LOCKED}");
        let more = [&more[..], &["--data", &site]].concat();
        let told = page(lab, "enseignant", &format!("https://{PORTAL}/enseignant/decider"), &more);
        assert!(told.contains("est fermé par l&#39;académie, vous ne pouvez pas l’ouvrir"), "{told}");
        let number = decide(lab, &["pour=classe", "nom=6A", "acte=ouvrir", "duree=5"]);
        counts(lab, "eleve", CLOSED, true);
        assert!(!reaches(lab, "eleve", LOCKED), "a locked site opens with the web");
        undo(lab, &number);
    });
}

#[test]
fn an_exam_closes_all_but_its_sites_and_spares_the_teacher_and_the_probes() {
    play(|lab| {
        let mut running = download(lab, "eleve", "exam", "https://ouvert.exemple.fr/lent/60");
        let exam = ["pour=classe", "nom=6A", "acte=examen", &format!("sites={CLOSED}"), "duree=30"];
        let number = decide(lab, &exam);
        until(2, "what runs is cut", || !running.is_running());
        counts(lab, "eleve", OPEN, false);
        counts(lab, "eleve", CLOSED, true);
        for who in ["eleve2", "enseignant"] {
            assert!(reaches(lab, who, OPEN), "{who}");
        }
        assert!(portal(lab, "eleve", "/").contains("<h1"));
        let probe = status(lab, "eleve", "http://connectivitycheck.gstatic.com/generate_204", &[]);
        assert_eq!(probe, "204 ", "phones think that there is no network");
        let overview = portal(lab, "enseignant", "/enseignant");
        assert!(overview.contains("Examen") && overview.contains("1 connecté sur 1"), "{overview}");
        undo(lab, &number);
        counts(lab, "eleve", OPEN, true);
    });
}

#[test]
fn a_closing_outlives_a_restart_and_ends_by_itself() {
    play(|lab| {
        let number = decide(lab, &["pour=classe", "nom=6A", "acte=fermer", "duree=1"]);
        let began = Instant::now();
        counts(lab, "eleve", OPEN, false);
        lab.restart_box().unwrap();
        until(5, "the teacher is still signed in", || {
            portal(lab, "enseignant", "/enseignant").contains("6A")
        });
        assert!(portal(lab, "enseignant", "/enseignant").contains("Web fermé"), "forgotten");
        assert!(!reaches(lab, "eleve", OPEN), "open after a restart");
        assert!(reaches(lab, "eleve2", OPEN));
        until(75, "the closing ends", || reaches(lab, "eleve", OPEN));
        let lasted = began.elapsed();
        assert!(lasted > Duration::from_secs(55) && lasted < Duration::from_secs(66), "{lasted:?}");
        assert_eq!(send(lab, "enseignant", "/enseignant/annuler", &[&format!("numero={number}")]), "404 ");
    });
}

#[test]
fn a_reload_of_the_rules_loses_no_decision() {
    play(|lab| {
        let number = decide(lab, &["pour=classe", "nom=6A", "acte=fermer", "duree=15"]);
        counts(lab, "eleve", OPEN, false);
        lab.reload_box().unwrap();
        std::thread::sleep(Duration::from_millis(800));
        assert!(!reaches(lab, "eleve", OPEN), "the reload opened it");
        undo(lab, &number);
        counts(lab, "eleve", OPEN, true);
    });
}

#[test]
fn with_the_line_cut_a_pupil_asks_the_teacher_answers_and_the_pupil_sees_it() {
    play(|lab| {
        let blocked = portal(lab, "eleve", &format!("/bloque?u={CLOSED}"));
        assert!(blocked.contains(&format!("/demander?u={CLOSED}")), "{blocked}");
        lab.cut_line().unwrap();
        let fields = [&format!("site={CLOSED}"), "classe=6A", "raison=Pour l’exposé de SVT"];
        let asked = send(lab, "eleve", "/demander", &fields);
        assert!(asked.starts_with("303 ") && asked.contains("/demandes"), "{asked}");
        assert!(portal(lab, "eleve", "/demandes").contains("En attente"));
        let waiting = portal(lab, "enseignant", "/enseignant/demandes");
        for text in [CLOSED, "6A", "Alix Exemple", "Pour l’exposé de SVT"] {
            assert!(waiting.contains(text), "{text}: {waiting}");
        }
        assert!(!portal(lab, "eleve2", "/demandes").contains(CLOSED), "another pupil sees it");
        let number = waiting.split("name=\"numero\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let number = format!("numero={}", number.expect("the form names the request"));
        let answer =
            send(lab, "enseignant", "/enseignant/demandes", &[&number, "reponse=ouvrir", "duree=30"]);
        assert!(answer.contains("/enseignant/demandes?fait="), "{answer}");
        assert!(portal(lab, "eleve", "/demandes").contains("Ouvert jusqu’à"));
        assert_eq!(
            send(lab, "enseignant", "/enseignant/demandes", &[&number, "reponse=transmettre"]),
            "404 "
        );
        lab.restore_line().unwrap();
        until(20, "the site is reached once the line is back", || reaches(lab, "eleve", CLOSED));
        undo(lab, answer.split("fait=").nth(1).unwrap());
        counts(lab, "eleve", CLOSED, false);
    });
}

#[test]
fn pupils_and_offices_read_in_plain_french_that_a_page_is_not_theirs() {
    play(|lab| {
        lab.sign_in_user("bureau").unwrap();
        lab.sign_in_user("invite").unwrap();
        for who in ["eleve", "bureau", "invite"] {
            for path in ["/enseignant", "/enseignant/classe/6A", "/enseignant/demandes", "/enseignant/flux"] {
                let answer = status(lab, who, &format!("https://{PORTAL}{path}"), &[]);
                assert_eq!(answer, "403 ", "{who} {path}");
                assert!(portal(lab, who, path).contains("Cette page n’est pas pour vous"));
            }
            let fields = ["pour=classe", "nom=6A", "acte=ouvrir", "duree=15"];
            assert_eq!(send(lab, who, "/enseignant/decider", &fields), "403 ", "{who}");
        }
        assert!(!reaches(lab, "eleve", CLOSED));
        assert!(portal(lab, "invite", "/demandes").contains("pas pour les visites"));
        // A form of another site's page decides nothing.
        let foreign =
            ["--header", "Sec-Fetch-Site: cross-site", "--data", "pour=classe&nom=6A&acte=ouvrir&duree=5"];
        let url = format!("https://{PORTAL}/enseignant/decider");
        assert_eq!(status(lab, "enseignant", &url, &foreign), "403 ");
        let fields = ["pour=classe", "nom=6C", "acte=ouvrir", "duree=15"];
        assert_eq!(send(lab, "enseignant", "/enseignant/decider", &fields), "403 ");
    });
}

#[test]
fn a_page_that_listens_hears_of_a_decision_at_once() {
    play(|lab| {
        let url = format!("https://{PORTAL}/enseignant/flux");
        let listening = ["curl", "--silent", "--no-buffer", "--max-time", "20", &url];
        let mut stream = lab.spawn("enseignant", "flux", &listening).unwrap();
        until(5, "the stream stands", || stream.log().contains("retry"));
        assert!(!stream.log().contains("event"));
        let number = decide(lab, &["pour=classe", "nom=6B", "acte=ouvrir", "duree=5"]);
        until(1, "the event", || stream.log().contains("event: change"));
        assert!(!stream.log().contains("6B"), "the stream says what changed");
        assert!(stream.is_running());
        undo(lab, &number);
        drop(stream);
        on_the_box(lab, "true");
    });
}
