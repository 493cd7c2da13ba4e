//! The box in front of the ENT's lessons: one fetch for a class, the line down for a day, and nobody's page for another.

use std::{thread, time::Duration};

use preau_lab::{
    Browser, Lab,
    internet::lessons::whole_film,
    plan::{INTERNET, LESSONS_NAME},
};

use crate::asking::{ALERT, Stage, box_status, get, page, run, status, until};

/// How long a class of browsers may take on a busy machine with two cores.
const CLASS_WAIT_MAX: Duration = Duration::from_mins(8);

/// Where a class sits.
const MACHINES: [&str; 3] = ["eleve", "eleve2", "enseignant"];

/// A rule of the school that closes the lessons to pupils.
const CLOSING: &str = "
[[rule]]
id = \"lecons\"
effect = \"block\"
sites = [\"lecons.exemple.fr\"]
roles = [\"eleve\"]
reason = \"Les leçons sont fermées pendant le contrôle.\"
";

static STAGE: Stage = Stage::new();

/// Plays a story in a school whose box fronts the lessons; two pupils have signed in.
pub(crate) fn play(story: impl FnOnce(&mut Lab)) {
    STAGE.play(|lab| story(with_lessons(lab)));
}

/// The same for a story of thirty browsers, which leave no time to any other.
fn play_alone(story: impl FnOnce(&mut Lab)) {
    STAGE.play_alone(|lab| story(with_lessons(lab)));
}

fn with_lessons(lab: &mut Lab) -> &mut Lab {
    if !lab.fronts_lessons() {
        lab.tell_box_of_lessons().expect("the box must start with the lessons");
        for who in ["eleve", "eleve2", "enseignant"] {
            lab.sign_in_user(who).expect("the machine's user must be able to sign in");
        }
    }
    lab
}

fn lesson(path: &str) -> String {
    format!("https://{LESSONS_NAME}{path}")
}

/// What the origin itself says of `path`.
fn at_the_origin(lab: &Lab, path: &str) -> String {
    let resolve = format!("{LESSONS_NAME}:443:203.0.113.250");
    run(lab, INTERNET, &["curl", "--silent", "--insecure", "--resolve", &resolve, &lesson(path)])
}

/// How often the origin was asked for `path` so far.
fn asked(lab: &Lab, path: &str) -> u64 {
    let counts = at_the_origin(lab, "/comptes");
    let line = counts.lines().find_map(|line| line.strip_suffix(&format!(" GET {path}")));
    line.map_or(0, |count| count.parse().unwrap())
}

#[test]
fn a_class_that_opens_a_lesson_at_once_costs_one_fetch() {
    play(|lab| {
        let before = asked(lab, "/film");
        let film = lesson("/film");
        let script = format!(
            "for i in $(seq 30); do curl --silent --show-error --max-time 60 {film} | sha256sum & done; wait"
        );
        let sums = run(lab, "eleve", &["bash", "-c", &script]);
        let sums: Vec<_> = sums.lines().collect();
        assert_eq!(sums.len(), 30);
        assert!(sums.iter().all(|sum| sum == &sums[0]), "{sums:?}");
        assert_eq!(asked(lab, "/film") - before, 1);
    });
}

/// Chromiums open the lesson with the film called `name` at once, so many on `each` of the machines, while `trouble` comes over
/// the line. Gives how often the origin was asked for a film meanwhile.
fn browsers_watch(lab: &Lab, name: &str, each: usize, trouble: impl FnOnce(&Lab) + Send) -> u64 {
    let before = asked(lab, "/film");
    let url = lesson(&format!("/seance?/film?{name}"));
    // Browsers that start leave the lab's origin no time to answer: all they need of it is the film.
    page(lab, "eleve", &url, &[]);
    let shown: Vec<String> = thread::scope(|scope| {
        let url = &url;
        let crowds = MACHINES
            .map(|who| scope.spawn(move || Browser::crowd(lab, who, each, url, CLASS_WAIT_MAX).unwrap()));
        scope.spawn(|| trouble(lab));
        crowds.into_iter().map(|crowd| crowd.join().unwrap()).collect()
    });
    let whole = whole_film();
    for (who, shown) in MACHINES.iter().zip(&shown) {
        assert_eq!(shown.matches(&whole).count(), each, "{who}: {whole} is not what all show: {shown}");
    }
    asked(lab, "/film") - before
}

/// Makes the line towards the school as thin as `rate`, as tc writes it.
fn narrow_line(lab: &Lab, rate: &str) {
    let shape = ["dev", "ecole", "root", "tbf", "rate", rate, "burst", "32kb", "latency", "400ms"];
    run(lab, INTERNET, &[&["tc", "qdisc", "add"], &shape[..]].concat());
}

fn widen_line(lab: &Lab) {
    run(lab, INTERNET, &["tc", "qdisc", "del", "dev", "ecole", "root"]);
}

#[test]
fn a_class_on_a_thin_line_waits_no_tenth_longer_than_one_pupil_alone() {
    play(|lab| {
        let rate = std::env::var("PREAU_LAB_LINE").unwrap_or_else(|_| String::from("8mbit"));
        narrow_line(lab, &rate);
        let watch = |clients: u32, name: &str| {
            let film = lesson(&format!("/film?{name}"));
            let shown = "%{size_download} %{time_total}\\n";
            let script = format!(
                "for i in $(seq {clients}); do curl --silent --show-error --max-time 300 --output /dev/null \
                 --write-out '{shown}' '{film}' & done; wait"
            );
            let said =
                lab.run_for("eleve", &["bash", "-c", &script], CLASS_WAIT_MAX).unwrap().checked().unwrap();
            let seconds = said.lines().filter_map(|line| line.strip_prefix("20000000 ")?.parse::<f64>().ok());
            let seconds: Vec<f64> = seconds.collect();
            assert_eq!(seconds.len(), usize::try_from(clients).unwrap(), "{said}");
            seconds.into_iter().fold(0.0, f64::max)
        };
        let (alone, class) = (watch(1, "seul"), watch(30, "classe"));
        widen_line(lab);
        println!(
            "20 MB at {rate}: one pupil {alone:.2} s, the last of thirty {class:.2} s: {:.3}",
            class / alone
        );
        assert!(class <= 1.1 * alone, "one pupil {alone} s, thirty {class} s");
    });
}

#[test]
fn thirty_browsers_get_one_film_by_one_fetch_and_every_byte_of_it() {
    play_alone(|lab| assert_eq!(browsers_watch(lab, "entier", 10, |_| {}), 1));
}

#[test]
fn browsers_get_every_byte_of_a_film_whose_fetch_is_broken_off_and_whose_line_is_cut() {
    play_alone(|lab| {
        // The film takes eight seconds.
        narrow_line(lab, "20mbit");
        let before = asked(lab, "/film");
        let asks = browsers_watch(lab, "rompu", 2, |lab| {
            until(240, "the film is on its way", || asked(lab, "/film") > before);
            thread::sleep(Duration::from_secs(2));
            run(lab, INTERNET, &["ss", "--kill", "--tcp", "--no-header", "sport", "=", ":443"]);
            thread::sleep(Duration::from_secs(1));
            lab.cut_line().unwrap();
            thread::sleep(Duration::from_secs(2));
            lab.restore_line().unwrap();
        });
        widen_line(lab);
        assert!(
            (2..=4).contains(&asks),
            "asked {asks} times: the first time, and once for each piece that was missing"
        );
    });
}

#[test]
fn a_lesson_stays_when_the_line_is_cut_and_says_so_and_is_fresh_when_it_is_back() {
    play(|lab| {
        let text = page(lab, "eleve", &lesson("/lecon/7"), &[]);
        assert!(text.contains("Leçon /lecon/7") && !text.contains("ligne est coup"), "{text}");
        lab.cut_line().unwrap();
        until(20, "the copy is served as one", || {
            let text = get(lab, "eleve2", &lesson("/lecon/7"), &[]).stdout;
            text.contains("Leçon /lecon/7") && text.contains("la ligne est coup")
        });
        let answer = page(
            lab,
            "eleve",
            &lesson("/lecon/jamais-vue"),
            &["--max-time", "20", "--write-out", "%{http_code}"],
        );
        assert!(answer.ends_with("504") && answer.contains("La ligne est coupée"), "{answer}");
        lab.restore_line().unwrap();
        until(30, "the page is the origin's again", || {
            let text = get(lab, "eleve", &lesson("/lecon/7"), &[]).stdout;
            text.contains("Leçon /lecon/7") && !text.contains("la ligne est coup")
        });
    });
}

#[test]
fn a_lesson_that_nobody_opened_is_there_after_a_night_though_the_line_is_cut() {
    play(|lab| {
        until(60, "the night's work is done", || {
            let warm = &box_status(lab)["warm"];
            warm["kept"].as_u64() >= Some(20) && warm["refused"].as_u64() >= Some(2)
        });
        assert_eq!(asked(lab, "/lecon/nuit-13"), 1);
        lab.cut_line().unwrap();
        until(20, "the copy is served", || {
            let text = get(lab, "eleve2", &lesson("/lecon/nuit-13"), &[]).stdout;
            text.contains("Leçon /lecon/nuit-13") && text.contains("la ligne est coup")
        });
        lab.restore_line().unwrap();
        until(30, "the line is back", || get(lab, "eleve", &lesson("/lecon/1"), &[]).succeeded());
    });
}

#[test]
fn nobodys_page_is_shown_to_another() {
    play(|lab| {
        for path in ["/notes", "/agenda"] {
            for (who, name) in [("eleve", "alix"), ("eleve2", "camille"), ("eleve", "alix")] {
                let cookie = format!("session={name}");
                let text = page(lab, who, &lesson(path), &["--cookie", &cookie]);
                assert!(text.ends_with(&format!("de {name}\n")), "{path} {who}: {text}");
            }
        }
    });
}

#[test]
fn the_lessons_are_judged_like_any_site() {
    play(|lab| {
        assert_eq!(status(lab, "eleve", &lesson("/lecon/1"), &[]), "200 ");
        let answer = get(lab, "invite", &lesson("/lecon/1"), &[]);
        assert!(answer.stderr.contains(ALERT), "nobody has signed in: {answer:?}");
        let usual = lab.read_box_file("etablissement.toml").unwrap();
        lab.write_box_file("etablissement.toml", &format!("{usual}{CLOSING}")).unwrap();
        until(10, "the pupil is refused", || {
            get(lab, "eleve", &lesson("/lecon/1"), &[]).stderr.contains(ALERT)
        });
        assert_eq!(status(lab, "enseignant", &lesson("/lecon/1"), &[]), "200 ");
        lab.write_box_file("etablissement.toml", &usual).unwrap();
        until(10, "the pupil is let in again", || get(lab, "eleve", &lesson("/lecon/1"), &[]).succeeded());
    });
}

#[test]
fn plain_http_leads_to_the_site_itself_in_tls() {
    play(|lab| {
        let answer = status(lab, "eleve", &format!("http://{LESSONS_NAME}/lecon/1?a=b"), &[]);
        assert_eq!(answer, format!("302 https://{LESSONS_NAME}/lecon/1?a=b"));
    });
}

#[test]
fn homework_handed_in_without_a_line_gets_a_receipt_and_arrives_once() {
    play(|lab| {
        let hand_in = |path: &str, text: &str| {
            let more = [
                "--max-time",
                "30",
                "--cookie",
                "session=alix",
                "--header",
                "Accept: text/html",
                "--data",
                text,
            ];
            page(lab, "eleve", &lesson(path), &[&more[..], &["--write-out", "\n%{http_code}"]].concat())
        };
        assert!(hand_in("/devoirs", "avec la ligne").ends_with("201"));
        lab.cut_line().unwrap();
        let told = hand_in("/devoirs", "sans la ligne");
        assert!(told.ends_with("202") && told.contains("votre envoi est gardé"), "{told}");
        let receipt = told.split("<strong>").nth(1).and_then(|rest| rest.split('<').next()).unwrap();
        let refused = hand_in("/messages", "perdu");
        assert!(refused.ends_with("503") && refused.contains("n’est pas parti"), "{refused}");
        lab.restore_line().unwrap();
        let line = format!("{receipt} sans la ligne\n");
        until(60, "the homework arrives", || at_the_origin(lab, "/devoirs").contains(&line));
        let all = at_the_origin(lab, "/devoirs");
        assert_eq!(all.matches("sans la ligne").count(), 1, "{all}");
        assert_eq!(all.matches("avec la ligne").count(), 1, "{all}");
        assert!(!all.contains("perdu"), "{all}");
    });
}
