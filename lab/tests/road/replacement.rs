//! Hardware that is replaced, and the portal's certificate: what a box comes up with, and what it takes over while it runs.

use preau_lab::{
    Lab,
    plan::{BOX, CENTRAL, PORTAL, UAI},
};

use crate::asking::{Stage, get, on_the_box, run, status, until};

static STAGE: Stage = Stage::new();

/// A site that a rule opens to whiteboards, in a zone that is closed otherwise.
const FOR_BOARDS: &str = "tableau.exemple.fr";

/// The whiteboard's hardware address.
const BOARD: &str = "02:00:5e:10:00:01";

fn board_works(lab: &Lab) -> bool {
    get(lab, "tableau", &format!("https://{FOR_BOARDS}/"), &[]).succeeded()
}

/// Takes the whiteboard out of the configuration and has the teacher, as the referent, register it on a page.
fn register_board(lab: &Lab) {
    let accounts = lab.read_box_file("accounts.csv").unwrap();
    lab.write_box_file("accounts.csv", &accounts.replace("Modèle,enseignant", "Modèle,referent")).unwrap();
    let configuration = lab.read_box_file("box.toml").unwrap();
    if let Some(start) = configuration.find("[[device]]") {
        lab.write_box_file("box.toml", &configuration[..start]).unwrap();
    }
    lab.sign_in_user("enseignant").unwrap();
    let machines = format!("https://{PORTAL}/referent/machines");
    until(5, "the referent has their pages", || status(lab, "enseignant", &machines, &[]).starts_with("200"));
    until(5, "the unknown machine is held", || !board_works(lab));
    let form = [&format!("machine={BOARD}"), "nom=TBI neuf", "genre=tableau", "salle=Salle 3"];
    let fields: Vec<_> = form.iter().flat_map(|field| ["--data-urlencode", field]).collect();
    let answer = status(lab, "enseignant", &format!("{machines}/nouvelle"), &fields);
    assert!(answer.ends_with("fait=enregistree"), "{answer}");
    until(2, "the whiteboard works", || board_works(lab));
}

#[test]
fn hardware_that_replaces_another_comes_up_with_the_machines_that_the_school_registered() {
    STAGE.play(|lab| {
        lab.start_central().unwrap();
        lab.enrol_box().unwrap();
        register_board(lab);
        let kept = format!("grep -qs 'TBI neuf' /run/preau-lab/{CENTRAL}/central.sqlite*");
        until(60, "central has the setup", || {
            lab.run(CENTRAL, &["sh", "-c", &kept]).is_ok_and(|output| output.succeeded())
        });
        let before = lab.read_box_file("box.toml").unwrap();
        lab.stop_box().unwrap();
        on_the_box(lab, &format!("cd /run/preau-lab/{BOX} && rm -r state && mkdir state"));
        lab.write_box_file("box.toml", &format!("{before}# sur le serveur neuf\n")).unwrap();
        let token = lab.central(&["token", "give", UAI, "--replace"]).unwrap().checked().unwrap();
        let token = token.split_whitespace().find(|word| word.starts_with("preau1.")).unwrap();
        let said = lab.preau(&["enrol", token]).unwrap().checked().unwrap();
        assert!(said.contains("box.toml.before"), "{said}");
        assert_eq!(lab.read_box_file("box.toml.before").unwrap(), before);
        lab.restart_box().unwrap();
        until(30, "the whiteboard works on the new hardware", || board_works(lab));
        let shown = lab.central(&["box", "list"]).unwrap().checked().unwrap();
        assert!(shown.contains(UAI) && !shown.contains("revoked"), "{shown}");
    });
}

/// The fingerprint of the certificate that the portal shows.
fn shown(lab: &Lab) -> String {
    let asked =
        format!("openssl s_client -connect 10.10.0.1:443 -servername {PORTAL} < /dev/null 2>/dev/null");
    run(lab, "eleve", &["sh", "-c", &format!("{asked} | openssl x509 -noout -fingerprint -sha256")])
}

/// What `preau status` says.
fn said(lab: &Lab) -> String {
    lab.preau(&["status"]).unwrap().stdout
}

#[test]
fn another_certificate_is_shown_without_a_restart_and_without_any_the_portal_stands_with_a_provisional_one() {
    STAGE.play(|lab| {
        let (before, pid) = (shown(lab), lab.box_pid());
        let [certificate, key] = ["portal.pem", "portal.key"].map(|name| lab.read_box_file(name).unwrap());
        let make = format!(
            "cd /run/preau-lab/{BOX} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 \
             -subj /CN={PORTAL} -addext subjectAltName=DNS:{PORTAL} -keyout new.key -out new.pem 2>/dev/null \
             && mv new.key portal.key && mv new.pem portal.pem"
        );
        on_the_box(lab, &make);
        until(10, "the portal shows another certificate", || shown(lab) != before);
        assert_eq!(lab.box_pid(), pid, "the box was not restarted");
        assert!(said(lab).contains("portal    its certificate ends 2"), "{}", said(lab));
        let renewed = shown(lab);

        let configuration = lab.read_box_file("box.toml").unwrap();
        let without = configuration.replace("certificate = \"portal.pem\"\nkey = \"portal.key\"\n", "");
        lab.write_box_file("box.toml", &without).unwrap();
        lab.stop_box().unwrap();
        lab.restart_box().unwrap();
        assert!(said(lab).contains("portal    PROVISIONAL"), "{}", said(lab));
        assert_ne!(shown(lab), renewed);
        let page = get(lab, "eleve", &format!("https://{PORTAL}/"), &["--insecure"]);
        assert!(page.succeeded(), "people can sign in all the same: {page:?}");

        lab.write_box_file("box.toml", &configuration).unwrap();
        lab.write_box_file("portal.pem", &certificate).unwrap();
        lab.write_box_file("portal.key", &key).unwrap();
        lab.stop_box().unwrap();
        lab.restart_box().unwrap();
        assert_eq!(shown(lab), before);
    });
}
