//! The school's digital referent, from a page: names a machine that is plugged in, prints codes, sees that the line is cut.

use preau_lab::{Lab, plan::PORTAL};

use crate::asking::{Stage, get, page, status, until};

static STAGE: Stage = Stage::new();

/// A site that a rule opens to whiteboards, in a zone that is closed otherwise.
const FOR_BOARDS: &str = "tableau.exemple.fr";

/// The whiteboard's hardware address.
const BOARD: &str = "02:00:5e:10:00:01";

/// Makes the teacher the referent and takes the whiteboard out of the configuration, both without a restart.
fn prepare(lab: &Lab) {
    let accounts = lab.read_box_file("accounts.csv").unwrap();
    lab.write_box_file("accounts.csv", &accounts.replace("Modèle,enseignant", "Modèle,referent")).unwrap();
    let configuration = lab.read_box_file("box.toml").unwrap();
    if let Some(start) = configuration.find("[[device]]") {
        lab.write_box_file("box.toml", &configuration[..start]).unwrap();
    }
    lab.sign_in_user("enseignant").unwrap();
    until(5, "the referent has their pages", || {
        status(lab, "enseignant", &portal("/referent"), &[]).starts_with("200")
    });
}

fn portal(path: &str) -> String {
    format!("https://{PORTAL}{path}")
}

/// Sends a form as the referent; says where it leads.
#[track_caller]
fn send(lab: &Lab, path: &str, form: &[&str]) -> String {
    let fields: Vec<_> = form.iter().flat_map(|field| ["--data-urlencode", field]).collect();
    status(lab, "enseignant", &portal(path), &fields)
}

fn board_works(lab: &Lab) -> bool {
    get(lab, "tableau", &format!("https://{FOR_BOARDS}/"), &[]).succeeded()
}

#[test]
fn a_plugged_machine_gets_the_rules_of_its_kind_at_once_and_keeps_them_over_a_restart() {
    STAGE.play(|lab| {
        prepare(lab);
        until(5, "the unknown machine is held", || !board_works(lab));
        let list = page(lab, "enseignant", &portal("/referent/machines"), &[]);
        assert!(list.contains(&format!("nouvelle?machine={BOARD}")), "{list}");
        assert!(list.contains(">tableau</th>"), "it is known by what it calls itself: {list}");
        let machine = format!("machine={BOARD}");
        let described = |kind| {
            [machine.clone(), "nom=TBI neuf".to_owned(), format!("genre={kind}"), "salle=Salle 3".to_owned()]
        };
        let sent = |path: &str, fields: &[String]| {
            send(lab, path, &fields.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let answer = sent("/referent/machines/nouvelle", &described("imprimante"));
        assert!(answer.starts_with("303 ") && answer.ends_with("fait=enregistree"), "{answer}");
        assert!(!board_works(lab), "a printer has what printers have");
        let answer = sent("/referent/machines/modifier", &described("tableau"));
        assert!(answer.ends_with("fait=modifiee"), "{answer}");
        until(2, "the whiteboard works", || board_works(lab));
        lab.kill_box().unwrap();
        lab.restart_box().unwrap();
        until(10, "it works after a restart", || board_works(lab));
        let trail = page(lab, "enseignant", &portal("/referent/historique"), &[]);
        assert!(trail.contains("enregistre « TBI neuf », imprimante, Salle 3"), "{trail}");
        let answer = send(lab, "/referent/machines/retirer", &[&machine]);
        assert!(answer.ends_with("fait=retiree"), "{answer}");
        until(2, "it is nobody again", || !board_works(lab));
    });
}

#[test]
fn a_cut_line_is_told_with_the_next_step_and_so_is_its_end() {
    STAGE.play(|lab| {
        prepare(lab);
        let says = |what: &str| page(lab, "enseignant", &portal("/referent"), &[]).contains(what);
        until(20, "all is well", || says("Tout va bien"));
        lab.cut_line().unwrap();
        until(20, "the cut is told", || says("La ligne Internet est coupée depuis"));
        assert!(says("Vérifiez que le boîtier de l’opérateur est allumé"));
        lab.restore_line().unwrap();
        until(30, "the end is told", || says("Tout va bien"));
    });
}

#[test]
fn codes_are_on_one_sheet_and_nowhere_else() {
    STAGE.play(|lab| {
        prepare(lab);
        let form = ["pour=Portes ouvertes", "nombre=12", "fin=2h", "appareils=1", "wifi=College"];
        let answer = send(lab, "/referent/codes/nouveaux", &form);
        assert!(answer.starts_with("303 "), "{answer}");
        let sheet = page(lab, "enseignant", answer.trim_start_matches("303 "), &[]);
        assert_eq!(sheet.matches("<li class=\"voucher\">").count(), 12);
        let code =
            sheet.split("<strong>").filter_map(|rest| rest.split('<').next()).find(|code| code.len() == 11);
        let code = code.expect("the sheet has codes").to_owned();
        let found = crate::asking::on_the_box(
            lab,
            &format!(
                "grep -rl -e {code} -e {} /run/preau-lab/box/state /run/preau-lab/log || true",
                code.replace('-', "")
            ),
        );
        assert_eq!(found, "", "a code lies on the disk");
        let pupil = status(lab, "eleve", &portal("/referent/codes"), &[]);
        assert!(pupil.starts_with("403"), "{pupil}");
    });
}
