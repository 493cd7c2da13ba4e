//! A clock in doubt: what depends on the hour falls to its stricter side, and it shows.

use preau_lab::{Lab, Output, plan::PORTAL};

use crate::asking::{CLOSED, OPEN, Stage, box_status, get, page, until};

static STAGE: Stage = Stage::new();

/// Starts the box again with what it remembers of the time: the box cannot know it but from this file.
fn start_remembering(lab: &mut Lab, latest: Option<&str>) {
    lab.kill_box().unwrap();
    let path = lab.door().file_path("box/state/latest-time");
    match latest {
        Some(latest) => std::fs::write(path, format!("{latest}\n")).unwrap(),
        None => std::fs::remove_file(path).unwrap(),
    }
    lab.restart_box().unwrap();
}

fn opens(lab: &Lab, site: &str) -> bool {
    get(lab, "eleve", &format!("https://{site}/"), &[]).succeeded()
}

fn doubt(lab: &Lab) -> Option<String> {
    box_status(lab)["clock_in_doubt"].as_str().map(str::to_owned)
}

/// Rules for every hour: one that blocks outside a timetable that is always open, and one that allows during it.
const AT_EVERY_HOUR: &str = r#"
[[rule]]
id = "jamais"
effect = "block"
sites = ["strict.exemple.fr"]
outside = "toujours"
reason = "Jamais, à l'heure juste."

[[rule]]
id = "aussi-la-nuit"
effect = "allow"
sites = ["jeux-en-ligne.example"]
roles = ["eleve"]
during = "toujours"

[[search]]
id = "libre"
youtube = "off"
roles = ["eleve"]
during = "toujours"
"#;

#[test]
fn a_clock_behind_the_time_already_seen_closes_what_a_timetable_opens_and_nothing_else() {
    STAGE.play(|lab| {
        let usual = lab.read_box_file("etablissement.toml").unwrap();
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        let always = days.map(|day| format!("{day} = [\"00:00-24:00\"]")).join(", ");
        let rules = usual.replace("[timetables]\n", &format!("[timetables]\ntoujours = {{ {always} }}\n"));
        lab.write_box_file("etablissement.toml", &(rules + AT_EVERY_HOUR)).unwrap();
        until(4, "what is open at every hour opens", || {
            opens(lab, CLOSED) && opens(lab, "strict.exemple.fr")
        });
        assert_eq!(doubt(lab), None);

        start_remembering(lab, Some("2030-09-01T08:00:00Z"));
        let why = doubt(lab).expect("the box doubts its clock");
        assert!(why.contains("behind a time already seen (2030-09-01"), "{why}");
        assert!(!opens(lab, CLOSED), "a timed opening runs");
        assert!(!opens(lab, "strict.exemple.fr"), "a timed block is silent");
        assert!(opens(lab, OPEN), "what depends on no hour stays open, and nobody is signed out");
        let home = page(lab, "eleve", &format!("https://{PORTAL}/"), &[]);
        assert!(home.contains("L’heure du réseau n’est pas sûre"), "{home}");
        let told = lab.preau(&["explain", "--role", "eleve", CLOSED]).and_then(Output::checked).unwrap();
        assert!(told.contains("clock    in doubt") && told.contains("refused by rule `jeux`"), "{told}");

        start_remembering(lab, None);
        assert_eq!(doubt(lab), None);
        assert!(opens(lab, CLOSED) && opens(lab, "strict.exemple.fr"));
        lab.write_box_file("etablissement.toml", &usual).unwrap();
    });
}
