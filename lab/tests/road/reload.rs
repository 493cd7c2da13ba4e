//! Rules, accounts and configuration change under a running box: whole, or not at all.

use preau_lab::{Lab, plan::ADMINISTRATION};

use crate::asking::{OPEN, Stage, box_status, dig, get, on_the_box, page, until};

static STAGE: Stage = Stage::new();

const SITE: &str = "essai.exemple.fr";

/// Why the box refused what it read last, once it has.
#[track_caller]
fn refusal(lab: &Lab) -> String {
    until(5, "the box says why", || box_status(lab)["reload_refused"].is_string());
    box_status(lab)["reload_refused"].as_str().unwrap_or_default().to_owned()
}

/// The usual rules again, taken.
#[track_caller]
fn mend(lab: &Lab, name: &str, text: &str) {
    lab.write_box_file(name, text).unwrap();
    until(5, "the mended file is taken", || box_status(lab)["reload_refused"].is_null());
}

fn is_open(lab: &Lab) -> bool {
    get(lab, "eleve", &format!("https://{SITE}/"), &[]).succeeded()
}

/// `name` with `text` is refused for a reason that holds `reason`; what was in force stays; `then` is taken.
fn check(name: &str, text: &str, reason: &str, then: &str) {
    STAGE.play(|lab| {
        let usual = lab.read_box_file(name).unwrap();
        let text = text.replace("USUAL", &usual);
        lab.write_box_file(name, &text).unwrap();
        let why = refusal(lab);
        assert!(why.contains(name) && why.contains(reason), "{why}");
        assert!(lab.preau(&["status"]).unwrap().stdout.contains("REFUSED"));
        assert!(
            !get(lab, "eleve", "https://jeux-en-ligne.example/", &[]).succeeded(),
            "the old rules are gone"
        );
        assert!(is_open(lab), "the old rules are gone");
        let then = then.replace("USUAL", &usual);
        mend(lab, name, &then);
        assert_eq!(is_open(lab), then == usual, "the mended file is not in force");
        mend(lab, name, &usual);
        until(5, "the usual file is in force", || is_open(lab));
    });
}

/// A rule that closes [`SITE`].
const RULE: &str =
    "\n[[rule]]\nid = \"essai\"\neffect = \"block\"\nsites = [\"essai.exemple.fr\"]\nreason = \"Essai.\"\n";

#[test]
fn wrong_rules_are_refused_with_their_line_and_mended_ones_taken() {
    let wrong = format!("USUAL{}", RULE.replace("effect", "efect"));
    check("etablissement.toml", &wrong, "efect", &format!("USUAL{RULE}"));
}

#[test]
fn rules_cut_in_the_middle_are_refused_and_the_whole_ones_taken() {
    check("academie.toml", "version = 1\nlevel = \"academie\"\nname = \"Acad", ":3: name: ", "USUAL");
}

#[test]
fn a_wrong_configuration_is_refused_and_the_right_one_taken() {
    STAGE.play(|lab| {
        let usual = lab.read_box_file("box.toml").unwrap();
        for (wrong, reason) in [
            (usual.replace("session_hours", "session_heures"), "session_heures"),
            (usual[..700].to_owned(), ""),
        ] {
            lab.write_box_file("box.toml", &wrong).unwrap();
            let why = refusal(lab);
            assert!(why.contains("box.toml") && why.contains(reason), "{why}");
            assert!(is_open(lab));
            mend(lab, "box.toml", &usual);
            assert!(is_open(lab));
        }
    });
}

#[test]
fn a_change_of_zones_waits_for_a_restart_and_says_so() {
    STAGE.play(|lab| {
        let usual = lab.read_box_file("box.toml").unwrap();
        lab.write_box_file("box.toml", &usual.replace(ADMINISTRATION[0], "10.20.0.2")).unwrap();
        let why = refusal(lab);
        assert!(why.contains("restart"), "{why}");
        assert!(is_open(lab));
        mend(lab, "box.toml", &usual);
    });
}

#[test]
fn a_hangup_has_everything_read_again() {
    STAGE.play(|lab| {
        let before = box_status(lab)["configured"].clone();
        lab.reload_box().unwrap();
        until(5, "the configuration is read again", || box_status(lab)["configured"] != before);
        assert!(is_open(lab));
    });
}

/// Builds the box's category table anew, from its lists and `more` names of games, in place of the one that is used.
fn build_table(lab: &Lab, more: &str) {
    let script = "cd /run/preau-lab/box && rm -rf other && cp -r lists other && printf '%s' MORE >> other/games/domains && \
                  /proc/$(pgrep -x preau)/exe lists build other --out categories.table";
    on_the_box(lab, &script.replace("MORE", &format!("'{more}'")));
}

#[test]
fn another_category_table_counts_at_once_and_no_question_is_lost() {
    STAGE.play(|lab| {
        assert!(is_open(lab));
        let asking =
            "for i in $(seq 600); do dig +short +time=2 +tries=1 jeux-en-ligne.example A; done | sort | uniq -c";
        let mut asked = lab.spawn("eleve", "asked", &["sh", "-c", asking]).unwrap();
        build_table(lab, &format!("{SITE}\n"));
        until(5, "the other table is in force", || !is_open(lab));
        assert!(asked.is_running(), "the questions ended before the table changed");
        build_table(lab, "");
        until(5, "the usual table is in force", || is_open(lab));
        until(60, "the questions end", || !asked.is_running());
        assert_eq!(asked.log().split_whitespace().collect::<Vec<_>>(), ["600", "10.10.0.1"]);
    });
}

#[test]
fn a_lease_file_cut_in_the_middle_disturbs_nobody() {
    STAGE.play(|lab| {
        let leases = on_the_box(lab, "wc -l < /run/preau-lab/box/state/leases");
        assert_ne!(leases.trim(), "0", "there are leases to cut");
        on_the_box(
            lab,
            "cd /run/preau-lab/box/state; size=$(stat -c %s leases); truncate -s $((size / 2 + 3)) leases",
        );
        for family in ["-4", "-6"] {
            assert!(page(lab, "eleve", &format!("https://{OPEN}/"), &[family]).contains("<title>"));
        }
        // A machine that comes back gets its address as before, for dnsmasq holds its leases in memory.
        let before = lab.addresses("eleve2").unwrap();
        let renewed = "udhcpc -f -q -n -t 5 -T 1 -i eth0 -s /run/preau-lab/lease-script";
        assert!(lab.run("eleve2", &["sh", "-c", renewed]).unwrap().succeeded(), "{}", lab.box_log());
        assert_eq!(lab.addresses("eleve2").unwrap().first(), before.first());
        assert_eq!(dig(lab, "eleve", &["portail.college.exemple", "A"]), "10.10.0.1");
        until(5, "the leases are counted again", || box_status(lab)["leases"].as_u64() > Some(0));
        assert_eq!(box_status(lab)["gate_open"], true);
    });
}
