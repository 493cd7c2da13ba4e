//! The académie's central and the school's box, together: the real `preau-central` on a host of its own, and everything
//! between a click there and a page here.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use preau_lab::{
    Lab,
    plan::{BOX, CENTRAL, PASSWORD, UAI},
    wait_for,
};
use tokio::time::Instant;

use crate::asking::{OPEN, beside_others, box_status, get, on_the_box, page, sign_out, until};

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
    let _shared = beside_others();
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
    // The school was given no policy yet, which is no fault.
    let view = format!("test -s /run/preau-lab/{BOX}/state/central/view");
    until(20, "the view is taken", || {
        lab.run(BOX, &["sh", "-c", &view]).is_ok_and(|output| output.succeeded())
    });
    let said = status(lab);
    assert!(said.contains("no policy given yet") && !said.contains("NOT IN FORCE"), "{said}");
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
    until(30, "the first policy is in force", || policy(lab).is_some());
}

/// Whether the pupil gets the site.
fn is_open(lab: &Lab) -> bool {
    get(lab, "eleve", &format!("https://{SITE}/"), &[]).succeeded()
}

/// Waits until the pupil gets the site, or gets it no more.
#[track_caller]
fn until_site(lab: &Lab, open: bool) {
    until(20, if open { "the site is open" } else { "the site is closed" }, || is_open(lab) == open);
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
        until(20, "the new policy is in force", || policy(lab) != before);
        eprintln!("in force {:?} after the line came back", begun.elapsed());
        until_site(lab, false);
        publish(lab, USUAL);
        until_site(lab, true);
    });
}

#[test]
fn central_killed_is_told_with_since_when_and_the_school_goes_on() {
    play(|lab| {
        let before = policy(lab);
        lab.stop_central();
        until(30, "the box says so", || status(lab).contains("central   NOT REACHED since"));
        assert!(is_open(lab) && !get(lab, "eleve", "https://jeux-en-ligne.example/", &[]).succeeded());
        assert_eq!(policy(lab), before);
        lab.start_central().unwrap();
        let begun = Instant::now();
        let is_back = || (box_status(lab)["central"]["reached"] == true).then_some(());
        let came = wait_for(Duration::from_secs(15), is_back);
        assert!(came.is_some(), "central is not reached again: {}\n{}", status(lab), lab.central_log());
        eprintln!("reached {:?} after central listened again", begun.elapsed());
        publish(lab, &closing());
        until_site(lab, false);
        publish(lab, USUAL);
        until_site(lab, true);
    });
}

#[test]
fn a_broken_rule_does_not_leave_central() {
    play(|lab| {
        let before = policy(lab);
        let broken = closing().replace("effect", "efect");
        lab.write_central_file("rules/academie.toml", &format!("{HEAD}{broken}")).unwrap();
        let refused = lab.central(&["policy", "import", &inside("rules"), "--reason", "essai"]).unwrap();
        assert!(!refused.succeeded(), "{refused:?}");
        assert!(
            refused.stderr.contains("academie.toml") && refused.stderr.contains("efect"),
            "{}",
            refused.stderr
        );
        let nothing = lab.central(&["policy", "publish", "--reason", "essai"]).unwrap();
        assert!(nothing.stderr.contains("no draft"), "{nothing:?}");
        assert_eq!(policy(lab), before);
    });
}

#[test]
fn a_policy_the_box_cannot_judge_by_is_told_back_and_taken_once_its_lists_are_there() {
    play(|lab| {
        let before = policy(lab);
        let rules = closing().replace(&format!("sites = [\"{SITE}\"]"), "categories = [\"nouveau\"]");
        publish(lab, &rules);
        until(30, "central hears that the policy was refused", || {
            central(lab, &["school", "show", UAI]).contains("refused policy")
        });
        assert!(status(lab).contains("NOT IN FORCE: policy"), "{}", status(lab));
        assert_eq!(policy(lab), before);
        assert!(is_open(lab));
        // Enough names that the difference is the shorter way.
        let many: String = (0..2000).map(|number| format!("site-{number}.nouveau.example\n")).collect();
        lab.write_central_file("lists/nouveau/domains", &format!("{many}{SITE}\n")).unwrap();
        central(lab, &["lists", "add", &inside("lists")]);
        until(40, "lists and policy are in force", || policy(lab) != before);
        assert_eq!(box_status(lab)["central"]["lists"], 1);
        until_site(lab, false);
        // The second edition comes as the difference from the first.
        lab.write_central_file("lists/nouveau/domains", &format!("{many}ailleurs.exemple.fr\n")).unwrap();
        central(lab, &["lists", "add", &inside("lists")]);
        let shown = central(lab, &["lists", "show"]);
        assert!(shown.contains("bytes from the one before"), "{shown}");
        until(40, "the second edition is in force", || box_status(lab)["central"]["lists"] == 2);
        until_site(lab, true);
        assert!(!get(lab, "eleve", "https://ailleurs.exemple.fr/", &[]).succeeded());
        publish(lab, USUAL);
        until(15, "the usual policy is in force", || {
            get(lab, "eleve", "https://ailleurs.exemple.fr/", &[]).succeeded()
        });
    });
}

/// What the columns of a feed of these stories mean.
const COLUMNS: &str = "separator = \",\"\n[columns]\nid = \"id\"\nfamily_name = \"nom\"\ngiven_name = \"prenom\"\n\
                       login = \"login\"\nrole = \"role\"\nschool = \"uai\"\npassword = \"empreinte\"\n";

/// Brings a feed of these logins at central, in force at once; says what central says of it.
#[track_caller]
fn give_accounts(lab: &Lab, logins: &[&str]) -> String {
    // The hash of everybody's password is that of an account of the box's own.
    let own = lab.read_box_file("accounts.csv").unwrap();
    let hash = own.lines().nth(1).and_then(|line| line.split('"').nth(1)).unwrap();
    let mut feed = "id,nom,prenom,login,role,uai,empreinte\n".to_owned();
    for login in logins {
        feed.push_str(&format!("id-{login},Exemple,{login},{login},eleve,{UAI},\"{hash}\"\n"));
    }
    lab.write_central_file("annuaire/eleves.csv", &feed).unwrap();
    lab.write_central_file("colonnes.toml", COLUMNS).unwrap();
    let (feed, columns) = (inside("annuaire/eleves.csv"), inside("colonnes.toml"));
    central(lab, &["accounts", "import", &feed, "--described-by", &columns, "--from", "2020-01-01"])
}

/// Persons of the directory who may sign in.
fn persons(lab: &Lab) -> Option<u64> {
    box_status(lab)["directory"]["persons"].as_u64()
}

/// Whether that login opens the portal at another pupil's machine.
fn signs_in(lab: &Lab, login: &str) -> bool {
    lab.sign_in("eleve2", login, PASSWORD).is_ok()
}

#[test]
fn accounts_given_at_central_sign_in_at_the_school_and_who_left_does_not() {
    play(|lab| {
        assert!(!signs_in(lab, "noa.lointain"));
        let said = give_accounts(lab, &["noa.lointain", "lou.lointain"]);
        assert!(said.contains("delivery 1, everybody"), "{said}");
        let begun = Instant::now();
        // Asked of the status: whoever tries to sign in again and again is slowed.
        until(30, "the accounts are in force", || persons(lab) == Some(2));
        eprintln!("in force {:?} after they were given", begun.elapsed());
        assert!(signs_in(lab, "noa.lointain"), "{}", lab.box_log());
        until(15, "central has heard it", || central(lab, &["school", "show", UAI]).contains("accounts 1"));
        assert!(status(lab).contains("accounts 1"), "{}", status(lab));
        sign_out(lab, "eleve2");
        let said = give_accounts(lab, &["lou.lointain"]);
        assert!(said.contains("delivery 2, what changed") && said.contains("1 leaving"), "{said}");
        until(30, "who left is gone", || persons(lab) == Some(1));
        assert!(!signs_in(lab, "noa.lointain") && signs_in(lab, "lou.lointain"));
        sign_out(lab, "eleve2");
        // A box that takes the place of this one gets everybody without the feed being given again.
        let token = central(lab, &["token", "give", UAI, "--replace"]);
        let token = token.split_whitespace().find(|word| word.starts_with("preau1.")).unwrap();
        lab.preau(&["enrol", token, "--replace"]).unwrap().checked().expect("the box is enrolled anew");
        until(60, "it is given all accounts again", || box_status(lab)["central"]["accounts"] == 3);
        assert!(signs_in(lab, "lou.lointain") && !central(lab, &["accounts", "held"]).contains(UAI));
        sign_out(lab, "eleve2");
    });
}

#[test]
fn what_a_pupil_asks_for_is_counted_at_central_and_one_pupil_is_not_shown_by_themselves() {
    play(|lab| {
        assert!(is_open(lab) && !get(lab, "eleve", "https://jeux-en-ligne.example/", &[]).succeeded());
        let place = format!("etablissement/{UAI}");
        let shown = |by: &str| central(lab, &["statistics", "show", &place, "--by", by]);
        central(lab, &["statistics", "ask", UAI]);
        until(20, "central has the counts of the day", || shown("jour").contains("too few persons"));
        // What fewer than ten asked for is neither in the month nor by group nor by ground.
        assert!(!shown("mois").contains("allowed") && !shown("jour").contains("games"), "{}", shown("mois"));
    });
}

#[test]
fn a_revoked_box_gets_nothing_any_more_and_its_school_keeps_the_last_rules() {
    play(|lab| {
        central(lab, &["box", "revoke", UAI]);
        until(75, "the box is told off", || status(lab).contains("central   NOT REACHED since"));
        publish(lab, &closing());
        std::thread::sleep(Duration::from_secs(6));
        assert!(is_open(lab), "a revoked box takes what was published after");
        assert!(!get(lab, "eleve", "https://jeux-en-ligne.example/", &[]).succeeded(), "the last rules stay");
        assert!(get(lab, "eleve", &format!("https://{OPEN}/"), &[]).succeeded());
        let token = central(lab, &["token", "give", UAI, "--replace"]);
        let token = token.split_whitespace().find(|word| word.starts_with("preau1.")).unwrap();
        lab.preau(&["enrol", token, "--replace"]).unwrap().checked().expect("the box comes back");
        until(30, "what was published meanwhile is in force", || !is_open(lab));
        publish(lab, USUAL);
        until_site(lab, true);
    });
}

#[test]
fn a_stick_brings_the_rules_where_there_is_no_line() {
    play(|lab| {
        let before = policy(lab);
        let version = |lab: &Lab| central(lab, &["channel", "export", "--school", UAI, &inside("cle")]);
        let exported = version(lab);
        lab.cut_line().unwrap();
        publish(lab, &closing());
        until(40, "the view with the rule is published", || version(lab) != exported);
        let put_in = format!(
            "mkdir -p media/cle && cp -r /run/preau-lab/{CENTRAL}/cle/preau media/cle/new && mv media/cle/new media/cle/preau"
        );
        on_the_box(lab, &format!("cd /run/preau-lab/{BOX} && {put_in}"));
        let begun = Instant::now();
        // Long before the line is given up on, address by address.
        until(15, "the stick's policy is in force", || policy(lab) != before);
        eprintln!("in force {:?} after the stick was put in", begun.elapsed());
        on_the_box(lab, &format!("rm -r /run/preau-lab/{BOX}/media/cle"));
        let explained = lab.preau(&["explain", "--as", "alix.exemple", SITE]).unwrap();
        assert!(explained.stdout.contains("essai"), "{explained:?}");
        lab.restore_line().unwrap();
        publish(lab, USUAL);
        until(20, "the line's policy is in force", || is_open(lab));
    });
}
