//! Rules files that do not fit together, and the words answers are told in. Stories of decisions are scenarios
//! (`tests/scenarios/`), properties are in `properties.rs`.

use std::sync::Arc;

use super::{
    category::{Builder, Description, Since, Table},
    *,
};
use crate::model::{
    Account, AccountId, ClassName, ClockTrust, DefaultVerdict, Moment, Quic, Role, SignIn, Site, Subject,
    Zone, ZoneKind,
};

/// Monday 23 November 2026, 10:00 in Paris.
const AT: Moment = Moment::from_unix_seconds(1_795_424_400);

fn file(level: Level, rules: &str) -> RuleFile {
    let timetables = "[timetables]\ncours = { monday = [\"08:00-12:00\"] }\n";
    let head = format!("version = 1\nlevel = \"{level}\"\nname = \"Fichier {level}\"\n{timetables}");
    RuleFile::parse(&format!("{head}{rules}")).unwrap()
}

fn games() -> Table {
    let mut bytes = Vec::new();
    let mut builder = Builder::new(1, Vec::new()).unwrap();
    let id = builder.category("games").unwrap();
    builder.add(&"jeux.example".parse().unwrap(), id).unwrap();
    builder
        .finish(
            &Description { date: Arc::from("2026-08-17"), ..Description::default() },
            &Since::first("2026-08-17".parse().unwrap()),
            &mut bytes,
        )
        .unwrap();
    Table::open(bytes).unwrap()
}

const GAMES: &str = "[[rule]]\nid = \"jeux\"\neffect = \"block\"\ncategories = [\"games\"]\nduring = \"cours\"\n\
                     reason = \"Les jeux sont fermés pendant les cours.\"\n";
const LOCKED: &str = "[[rule]]\nid = \"ferme\"\neffect = \"block\"\nlocked = true\nsites = [\"ferme.example\"]\n\
                      reason = \"Fermé pour tous.\"\n";

#[track_caller]
fn check_misfit(files: Vec<RuleFile>, table: Option<Table>, message: &str) {
    assert_eq!(Policy::new(files, table).unwrap_err().to_string(), message);
}

fn zone(sign_in: SignIn) -> Zone {
    Zone {
        name: "pedagogique".parse().unwrap(),
        kind: ZoneKind::Pedagogique,
        interface: Arc::from("ped0"),
        ipv4: "10.10.0.1/22".parse().unwrap(),
        ipv6: "fd00:10::1/64".parse().unwrap(),
        sign_in,
        default: DefaultVerdict::Allow,
        quic: Quic::Reject,
        tunnel: crate::model::TunnelAccess::None,
        services: Vec::new(),
    }
}

fn pupil() -> Subject {
    Subject::Person(Arc::new(Account {
        id: AccountId::new("paul"),
        display_name: "Paul Nom".to_owned(),
        role: Role::Eleve,
        classes: vec![ClassName::new("6A")],
    }))
}

fn explain(policy: &Policy, subject: &Subject, site: &str) -> Explanation {
    let (zone, site): (_, Site) = (zone(SignIn::Required), site.parse().unwrap());
    policy.explain(&Question {
        subject,
        machine: None,
        zone: &zone,
        site: &site,
        path: None,
        at: AT,
        clock: ClockTrust::Trusted,
    })
}

fn school() -> Policy {
    Policy::new(vec![file(Level::Academie, &[GAMES, LOCKED].concat())], Some(games())).unwrap()
}

#[test]
fn files_stand_from_the_most_general_level_to_the_most_specific() {
    check_misfit(
        vec![file(Level::Etablissement, ""), file(Level::Academie, "")],
        None,
        "`Fichier academie` of level academie stands after level etablissement; list rules files from academie to groupe",
    );
    assert!(Policy::new(vec![file(Level::Groupe, ""), file(Level::Groupe, "")], None).is_ok());
}

#[test]
fn an_id_is_used_once_in_a_level_and_freely_in_others() {
    check_misfit(
        vec![file(Level::Groupe, LOCKED), file(Level::Groupe, LOCKED)],
        None,
        "`Fichier groupe`, line 7: another file of level groupe has a rule `ferme`; give each its own id",
    );
    assert!(Policy::new(vec![file(Level::Academie, LOCKED), file(Level::Groupe, LOCKED)], None).is_ok());
}

#[test]
fn categories_need_a_table_that_has_them() {
    check_misfit(
        vec![file(Level::Academie, GAMES)],
        None,
        "`Fichier academie`, line 7, rule `jeux`: category `games` needs a category table; set `categories`",
    );
    check_misfit(
        vec![file(Level::Academie, &GAMES.replace("games", "jeux-video"))],
        Some(games()),
        "`Fichier academie`, line 7, rule `jeux`: the category table has no category `jeux-video`",
    );
}

#[test]
fn an_explanation_tells_who_why_and_what_would_change_it_without_a_name() {
    assert_eq!(
        explain(&school(), &pupil(), "www.jeux.example").to_string(),
        "who      eleve (6A)\n\
         zone     pedagogique\n\
         when     Monday 2026-11-23 10:00:00 +01:00 (Paris)\n\
         site     www.jeux.example\n\
         listed   jeux.example: games\n\
         answer   refused by rule `jeux` (academie, `Fichier academie` line 7) by category games (list of 2026-08-17)\n\
         told     Les jeux sont fermés pendant les cours.\n\
         may open academie and every level below it, a teacher for some minutes\n\
         spoke    rule `jeux` (academie, `Fichier academie` line 7) by category games (list of 2026-08-17)\n         \
         1 other rule is about other sites\n\
         later    Monday 2026-11-23 12:00:00 +01:00 (Paris): allowed by the zone's default (the timetable `cours` ends)\n\
         change   editing rule `jeux` in `Fichier academie`, line 7\n\
         change   a rule of level academie that writes the site in `sites` and allows it\n\
         change   a rule of a level below academie that allows it\n\
         change   a locked rule of any level that allows it\n\
         change   a teacher's timed opening\n"
    );
}

#[test]
fn an_explanation_says_that_a_lock_holds() {
    let explanation = explain(&school(), &pupil(), "ferme.example");
    assert!(explanation.changes.is_none());
    let last = explanation.remedies.last().unwrap();
    assert_eq!(
        last,
        "not a rule of a level below academie, nor a teacher's timed opening: the rule is locked at level academie"
    );
}

#[test]
fn an_explanation_before_sign_in_asks_to_sign_in() {
    let explanation = explain(&school(), &Subject::Nobody, "ferme.example");
    assert_eq!(explanation.considered[0].part, Part::BeforeSignIn);
    assert_eq!(explanation.remedies, ["signing in, or registering the machine"]);
}

#[track_caller]
fn check_told(
    policy: &Policy,
    subject: &Subject,
    site: &str,
    reason: &str,
    decided_by: Option<&str>,
    rule: Option<&str>,
) {
    let Verdict::Refuse(refusal) = explain(policy, subject, site).verdict else {
        panic!("{site} is allowed")
    };
    assert_eq!(refusal.reason_fr(), reason);
    assert_eq!(refusal.decided_by_fr(), decided_by);
    assert_eq!(refusal.rule_id().map(|id| &**id), rule);
}

#[test]
fn people_are_told_the_reason_and_who_decided() {
    let policy = school();
    let closing = Opening {
        scope: Scope::Class(ClassName::new("6A")),
        mode: Mode::Close(None),
        from: AT,
        until: AT + std::time::Duration::from_secs(60),
        label: Arc::from("classe 6A"),
    };
    check_told(&policy, &pupil(), "ferme.example", "Fermé pour tous.", Some("l'académie"), Some("ferme"));
    check_told(
        &policy,
        &pupil(),
        "192.0.2.1",
        "Un site se demande par son nom : une adresse seule n'est pas ouverte sur ce réseau.",
        Some("le réglage du réseau"),
        None,
    );
    check_told(
        &policy,
        &Subject::Nobody,
        "libre.example",
        "Connectez-vous au réseau de l'établissement pour continuer.",
        None,
        None,
    );
    check_told(
        &policy.with_openings(vec![closing]),
        &pupil(),
        "libre.example",
        "Un enseignant a fermé l'accès pour un moment (classe 6A).",
        Some("l'enseignant"),
        None,
    );
}

#[test]
fn the_next_change_is_the_nearest_of_timetables_and_openings() {
    let policy = school();
    let noon = AT + std::time::Duration::from_secs(2 * 3600);
    assert_eq!(policy.next_change(AT), Some(noon));
    let minute = |count: u64| AT + std::time::Duration::from_secs(60 * count);
    let opening = Opening {
        scope: Scope::Zone("pedagogique".parse().unwrap()),
        mode: Mode::Open(None),
        from: minute(1),
        until: minute(2),
        label: Arc::from("salle 12"),
    };
    let policy = policy.with_openings(vec![opening]);
    assert_eq!(policy.next_change(AT), Some(minute(1)));
    assert_eq!(policy.next_change(minute(1)), Some(minute(2)));
    assert_eq!(policy.next_change(minute(2)), Some(noon));
    assert_eq!(policy.with_openings(Vec::new()).next_change(AT), Some(noon));
    assert_eq!(Policy::new(Vec::new(), None).unwrap().next_change(AT), None);
}

#[test]
fn an_explanation_says_under_which_name_and_by_which_search_rule() {
    let rules = "[[search]]\nid = \"recherche\"\nsafe_search = true\nlocked = true\n";
    let policy = Policy::new(vec![file(Level::Academie, rules)], None).unwrap();
    let told = explain(&policy, &pupil(), "www.google.fr").to_string();
    let served = "served as forcesafesearch.google.com by search rule `recherche` (locked, academie, `Fichier academie` line 7)";
    assert!(told.contains(served), "{told}");
    assert!(told.contains("editing search rule `recherche` in `Fichier academie`, line 7"), "{told}");
    let refused = explain(&policy, &pupil(), "fr.search.yahoo.com").to_string();
    let why = "refused by rule `recherche` (locked, academie, `Fichier academie` line 7) by search engine without a safe form search.yahoo.com";
    assert!(refused.contains(why), "{refused}");
    assert!(refused.contains("told     Ce moteur de recherche"), "{refused}");
}

#[test]
fn a_search_rule_and_a_rule_of_one_level_do_not_share_an_id() {
    let search = "[[search]]\nid = \"jeux\"\nyoutube = \"strict\"\n";
    let rule = "[[rule]]\nid = \"jeux\"\neffect = \"allow\"\neverything = true\n";
    check_misfit(
        vec![file(Level::Groupe, rule), file(Level::Groupe, search)],
        None,
        "`Fichier groupe`, line 7: another file of level groupe has a rule `jeux`; give each its own id",
    );
}
