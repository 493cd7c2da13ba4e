//! A technician of the académie at the school's box: with central's authorisation, for a reason and a time, seen by the school.

use preau_lab::{
    Concentrators, Lab,
    plan::{PORTAL, UAI},
};

use crate::asking::{OPEN, Stage, box_status, get, on_the_box, page, status, until};

static STAGE: Stage = Stage::new();

/// The school of the story with a tunnel.
static WITH_TUNNEL: Stage = Stage::new();

const PATH: &str = "/referent/interventions";

/// Has the box meet central.
fn meet(lab: &mut Lab) {
    lab.start_central().unwrap();
    lab.enrol_box().unwrap();
    until(30, "the box meets central", || box_status(lab)["central"]["reached"] == true);
}

/// Makes the teacher the referent, and has the box meet central.
fn prepare(lab: &mut Lab) {
    let accounts = lab.read_box_file("accounts.csv").unwrap();
    lab.write_box_file("accounts.csv", &accounts.replace("Modèle,enseignant", "Modèle,referent")).unwrap();
    lab.sign_in_user("enseignant").unwrap();
    until(10, "the referent has their pages", || {
        status(lab, "enseignant", &at(PATH), &[]).starts_with("200")
    });
    meet(lab);
}

fn at(path: &str) -> String {
    format!("https://{PORTAL}{path}")
}

/// Whether the referent reads this of technicians.
fn says(lab: &Lab, what: &str) -> bool {
    page(lab, "enseignant", &at(PATH), &[]).contains(what)
}

/// Runs `preau-central repair ARGUMENTS`.
fn repair(lab: &Lab, arguments: &[&str]) -> preau_lab::Output {
    lab.central(&[&["repair"], arguments].concat()).unwrap()
}

/// What central shows of the school's sessions.
fn shown(lab: &Lab) -> String {
    repair(lab, &["show", UAI]).checked().unwrap()
}

/// Orders an act and waits for what comes of it.
#[track_caller]
fn done(lab: &Lab, act: &str, state: &str) -> String {
    let ordered = repair(lab, &["do", UAI, act]).checked().unwrap();
    let order = ordered.split_whitespace().nth(1).unwrap().to_owned();
    until(60, "the act has its outcome", || shown(lab).contains(&format!("order {order}\t{state}")));
    let all = shown(lab);
    let from = all.find(&format!("order {order}")).unwrap();
    let told: Vec<_> = all[from..].lines().skip(1).take_while(|line| line.starts_with("    ")).collect();
    told.join("\n")
}

#[test]
fn a_technician_at_work_is_seen_by_the_school_which_ends_it_and_then_nothing_is_done_any_more() {
    STAGE.play(|lab| {
        prepare(lab);
        assert!(says(lab, "Aucune intervention n’est en cours"));
        repair(lab, &["open", UAI, "--reason", "Plus de ligne", "--minutes", "15"]).checked().unwrap();
        until(60, "the school sees it", || says(lab, "Une intervention est en cours"));
        assert!(says(lab, "Plus de ligne") && says(lab, "service technique de l’académie"));
        let log = done(lab, "log", "done");
        assert!(log.contains("the gate is open") && log.contains("central answers"), "{log}");
        let line = done(lab, "line", "done");
        assert!(line.contains("has signal") && line.contains("a resolver of the line answers"), "{line}");
        assert!(done(lab, "rules", "done").contains("the kernel held what is meant"));
        on_the_box(lab, "nft flush chain inet preau to_proxy");
        assert!(!get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded());
        let rules = done(lab, "rules", "done");
        assert!(rules.contains("held something else") && rules.contains("to_proxy"), "{rules}");
        until(10, "the web is back", || get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded());
        assert!(done(lab, "tunnel", "FAILED").contains("this box has no tunnel"));
        assert!(!repair(lab, &["do", UAI, "shell"]).succeeded(), "the list is closed");
        let text = page(lab, "enseignant", &at(PATH), &[]);
        let (_, rest) = text.split_once("name=\"intervention\" value=\"").unwrap();
        let session = rest.split('"').next().unwrap();
        let form = format!("intervention={session}");
        let sent = status(lab, "enseignant", &at(PATH), &["--data-urlencode", &form]);
        assert!(sent.starts_with("303 ") && sent.ends_with("fait=terminee"), "{sent}");
        until(60, "central knows that the school ended it", || shown(lab).contains("(school)"));
        assert!(!repair(lab, &["do", UAI, "log"]).succeeded());
        assert!(says(lab, "par l’établissement") && says(lab, "Aucune intervention n’est en cours"));
    });
}

#[test]
fn a_technician_raises_the_tunnel_anew_and_it_stands_again() {
    WITH_TUNNEL.play(|lab| {
        meet(lab);
        let _concentrators = Concentrators::open(lab).unwrap();
        until(60, "the tunnel is up", || box_status(lab)["tunnel"]["up"] == true);
        let before = box_status(lab)["tunnel"]["since"].clone();
        repair(lab, &["open", UAI, "--reason", "Tunnel lent"]).checked().unwrap();
        let told = done(lab, "tunnel", "done");
        assert!(told.contains("raised anew"), "{told}");
        until(60, "the tunnel is up again", || box_status(lab)["tunnel"]["up"] == true);
        assert_ne!(box_status(lab)["tunnel"]["since"], before);
        repair(lab, &["end", UAI]).checked().unwrap();
        assert!(shown(lab).contains("(central)"));
    });
}
