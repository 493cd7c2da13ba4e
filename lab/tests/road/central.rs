//! The académie's central and the school's box, together: the real `preau-central` on a host of its own, and everything
//! between a click there and a page here.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use preau_lab::{
    Lab,
    plan::{BOX, CENTRAL, UAI},
};
use tokio::time::Instant;

use crate::asking::{OPEN, box_status, get, on_the_box, page, until};

/// The school for these stories: its box is enrolled and the académie has published its usual rules; the line is up, a
/// pupil has signed in.
static LAB: Mutex<Option<Lab>> = Mutex::new(None);

/// A site that the académie closes in some stories.
const SITE: &str = "essai.exemple.fr";

/// What its rule says.
const REASON: &str = "L’académie ferme ce site.";

/// What the académie says of itself, before its rules.
const HEAD: &str = "version = 1\nlevel = \"academie\"\nname = \"Académie d'Exemple\"\n";

/// A rule that is in force in every story.
const USUAL: &str = "\n[[rule]]\nid = \"jeux\"\neffect = \"block\"\nsites = [\"jeux-en-ligne.example\"]\nroles = [\"eleve\"]\nreason = \
                     \"Les jeux sont fermés.\"\n";

/// Plays a story in the school. A story that fails takes the school with it.
fn play(story: impl FnOnce(&mut Lab)) {
    let mut stage = LAB.lock().unwrap_or_else(PoisonError::into_inner);
    let mut lab = stage.take().unwrap_or_else(|| {
        let mut lab = Lab::start().expect("the lab must start");
        lab.start_central().expect("central must start");
        lab.sign_in_user("eleve").expect("the pupil must be able to sign in");
        enrol(&lab);
        publish(&lab, USUAL);
        until_in_force(&lab);
        lab
    });
    assert!(is_open(&lab), "{}", lab.box_log());
    story(&mut lab);
    *stage = Some(lab);
}

/// As an integrator does, who first takes a token of yesterday's.
#[track_caller]
fn enrol(lab: &Lab) {
    assert!(lab.preau(&["status"]).unwrap().stdout.contains("not enrolled"), "{}", lab.box_log());
    let refused = lab.preau(&["enrol", "preau1.hier"]).unwrap();
    assert!(!refused.succeeded() && refused.stderr.contains("token"), "{refused:?}");
    lab.enrol_box().unwrap_or_else(|fault| panic!("{fault:#}\n{}", lab.central_log()));
    until(20, "the box meets central without a restart", || box_status(lab)["central"]["reached"] == true);
}

/// Runs `preau-central ARGUMENTS`.
#[track_caller]
fn central(lab: &Lab, arguments: &[&str]) -> String {
    lab.central(arguments).and_then(preau_lab::Output::checked).expect("central must do it")
}

/// Where a file of central's lies, for itself.
fn inside(name: &str) -> String {
    format!("/run/preau-lab/{CENTRAL}/{name}")
}

/// Publishes the académie's rules, unless they are in force already.
#[track_caller]
fn publish(lab: &Lab, rules: &str) {
    lab.write_central_file("rules/academie.toml", &format!("{HEAD}{rules}")).unwrap();
    let imported = central(lab, &["policy", "import", &inside("rules"), "--reason", "essai"]);
    if !imported.starts_with("0 drafts") {
        central(lab, &["policy", "publish", "--reason", "essai"]);
    }
}

/// A rule that closes [`SITE`] to pupils.
fn closing() -> String {
    format!(
        "{USUAL}\n[[rule]]\nid = \"essai\"\neffect = \"block\"\nsites = [\"{SITE}\"]\nroles = [\"eleve\"]\nreason = \"{REASON}\"\n"
    )
}

/// The number of the policy of the channel that is in force.
fn policy(lab: &Lab) -> Option<u64> {
    box_status(lab)["central"]["policy"].as_u64()
}

#[track_caller]
fn until_in_force(lab: &Lab) {
    until(15, "the first policy is in force", || policy(lab).is_some());
}

/// Whether the pupil gets the site.
fn is_open(lab: &Lab) -> bool {
    get(lab, "eleve", &format!("https://{SITE}/"), &[]).succeeded()
}

/// Waits until the pupil gets the site, or gets it no more.
#[track_caller]
fn until_site(lab: &Lab, open: bool) {
    until(15, if open { "the site is open" } else { "the site is closed" }, || is_open(lab) == open);
}

/// What `preau status` says.
fn status(lab: &Lab) -> String {
    lab.preau(&["status"]).unwrap().stdout
}

#[test]
fn a_box_is_enrolled_by_a_token_and_says_so_at_both_ends() {
    play(|lab| {
        assert!(status(lab).contains("central   reached since"), "{}", status(lab));
        assert!(central(lab, &["box", "list"]).contains(UAI));
        until(15, "central has heard the box", || {
            let shown = central(lab, &["school", "show", UAI]);
            shown.contains(&format!("policy {}", policy(lab).unwrap_or(0)))
        });
        let again = lab.preau(&["enrol", "preau1.hier"]).unwrap();
        assert!(!again.succeeded());
    });
}

#[test]
fn a_rule_published_at_central_is_judged_by_in_the_classroom_within_seconds_and_undone_as_fast() {
    play(|lab| {
        let before = policy(lab);
        let begun = Instant::now();
        lab.write_central_file("rules/academie.toml", &format!("{HEAD}{}", closing())).unwrap();
        central(lab, &["policy", "import", &inside("rules"), "--reason", "essai"]);
        let imported = begun.elapsed();
        let begun = Instant::now();
        central(lab, &["policy", "publish", "--reason", "essai"]);
        let published = begun.elapsed();
        until(15, "the policy is in force", || policy(lab) != before);
        let in_force = begun.elapsed();
        until_site(lab, false);
        let closed = begun.elapsed();
        eprintln!(
            "import {imported:?}; from the order to publish: done {published:?}, in force {in_force:?}, refused {closed:?}"
        );
        let refused = page(lab, "eleve", &format!("http://{SITE}/"), &["--location"]);
        assert!(refused.contains(REASON), "{refused}");
        let explained = lab.preau(&["explain", "--as", "alix.exemple", SITE]).unwrap();
        assert!(explained.stdout.contains("essai") && explained.stdout.contains("academie"), "{explained:?}");
        publish(lab, USUAL);
        until_site(lab, true);
    });
}

#[test]
fn with_the_line_cut_the_rules_stay_and_what_was_published_meanwhile_comes_with_the_line() {
    play(|lab| {
        lab.cut_line().unwrap();
        publish(lab, &closing());
        std::thread::sleep(Duration::from_secs(3));
        let explained = lab.preau(&["explain", "--as", "alix.exemple", "jeux-en-ligne.example"]).unwrap();
        assert!(explained.stdout.contains("jeux"), "{explained:?}");
        let before = policy(lab);
        lab.restore_line().unwrap();
        let begun = Instant::now();
        until(60, "the new policy is in force", || policy(lab) != before);
        eprintln!("in force {:?} after the line came back", begun.elapsed());
        until_site(lab, false);
        publish(lab, USUAL);
        until_site(lab, true);
    });
}
