//! Every fault of a rules file is named with its line, its field and what to do.

use super::*;
use crate::{
    model::{DeviceKind, Role},
    policy::{Effect, Level, Lock, SafeSearch, Sites, When, YouTube},
};

const WHOLE: &str = r#"
version = 1
level = "academie"
name = "Académie d'Exemple"

[timetables]
cours = { monday = ["08:00-12:00", "13:30-17:00"], tuesday = ["08:00-24:00"] }

[[rule]]
id = "jeux"
effect = "block"
locked = true
sites = ["jeux.example", "203.0.113.0/24", "2001:db8::1"]
categories = ["games"]
roles = ["eleve"]
classes = ["6A", "5 B"]
machines = ["02:00:5e:10:00:01"]
zones = ["pedagogique"]
during = "cours"
reason = "Les jeux sont fermés pendant les cours."

[[rule]]
id = "tableaux"
effect = "allow"
everything = true
devices = ["tableau"]
outside = "cours"
"#;

/// A file of one rule made of `lines`; the rule's first line is line 7.
fn file(lines: &str) -> String {
    format!(
        "version = 1\nlevel = \"etablissement\"\nname = \"Collège\"\n[timetables]\n\
         cours = {{ monday = [\"08:00-12:00\"] }}\n[[rule]]\n{lines}\n"
    )
}

#[track_caller]
fn check_fault(text: &str, line: usize, field: &str, message: &str) {
    let fault = RuleFile::parse(text).expect_err("the file is wrong");
    assert!(fault.message.contains(message), "{fault}");
    assert_eq!((fault.line, fault.field.as_str()), (line, field), "{fault}");
}

#[track_caller]
fn check_rule_fault(lines: &str, line: usize, field: &str, message: &str) {
    check_fault(&file(lines), 6 + line, field, message);
}

#[test]
fn a_whole_file_is_read_as_written() {
    let file = RuleFile::parse(WHOLE).unwrap();
    assert_eq!((file.level, &*file.name), (Level::Academie, "Académie d'Exemple"));
    let [games, boards] = file.rules.as_slice() else { panic!("two rules") };
    assert_eq!((&*games.id, games.line, games.effect, games.lock), ("jeux", 10, Effect::Block, Lock::Locked));
    let Sites::Listed { patterns, categories } = &games.sites else { panic!("listed sites") };
    let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
    assert_eq!(patterns, ["jeux.example", "203.0.113.0/24", "2001:db8::1/128"]);
    assert_eq!(categories.iter().map(|name| &**name).collect::<Vec<_>>(), ["games"]);
    assert_eq!(games.people.roles, [Role::Eleve]);
    assert_eq!(games.people.classes.len(), 2);
    assert!(matches!(&games.when, When::During(timetable) if &**timetable.name() == "cours"));
    assert_eq!(boards.people.devices, [DeviceKind::Tableau]);
    assert!(matches!(boards.sites, Sites::Everything));
    assert!(matches!(boards.when, When::Outside(_)));
    assert_eq!(boards.lock, Lock::Open);
    assert_eq!(file.timetables.len(), 1);
}

#[test]
fn a_file_without_rules_is_a_file() {
    assert!(RuleFile::parse("version = 1\nlevel = \"groupe\"\nname = \"6A\"").unwrap().rules.is_empty());
}

#[test]
fn a_file_of_another_version_is_told_apart() {
    check_fault("version = 2\nnovelty = true", 1, "version", "reads version 1");
    check_fault("level = \"academie\"", 1, "version", "missing field `version`");
}

#[test]
fn unknown_keys_and_wrong_types_are_refused() {
    check_rule_fault("id = \"a\"\neffect = \"allow\"\nsite = [\"a.fr\"]", 3, "site", "unknown field `site`");
    check_rule_fault("id = \"a\"\neffect = \"allow\"\nlocked = \"yes\"", 3, "locked", "expected a boolean");
    check_rule_fault("id = \"a\"\neffect = \"allow\"\nsites = [\"a.fr\"", 3, "sites", "array");
    check_fault("version = 1\nlevel = \"ville\"\nname = \"x\"", 2, "level", "the levels are academie");
}

#[test]
fn a_file_cut_anywhere_never_panics() {
    for end in 0..WHOLE.len() {
        if let Some(cut) = WHOLE.get(..end) {
            let _ = RuleFile::parse(cut);
        }
    }
}

#[test]
fn a_rule_says_what_it_is_about() {
    check_rule_fault("id = \"a\"\neffect = \"allow\"", 1, "sites", "about nothing");
    let both = "id = \"a\"\neffect = \"allow\"\neverything = true\nsites = [\"a.fr\"]";
    check_rule_fault(both, 1, "everything", "names no `sites`");
    check_rule_fault(
        "id = \"a\"\neffect = \"open\"\neverything = true",
        2,
        "effect",
        "write `allow` or `block`",
    );
}

#[test]
fn a_rule_that_blocks_gives_its_reason() {
    check_rule_fault("id = \"a\"\neffect = \"block\"\neverything = true", 1, "reason", "needs a `reason`");
    let empty = "id = \"a\"\neffect = \"block\"\neverything = true\nreason = \" \"";
    check_rule_fault(empty, 4, "reason", "empty");
    let broken = "id = \"a\"\neffect = \"block\"\neverything = true\nreason = \"a\\nb\"";
    check_rule_fault(broken, 4, "reason", "line break");
}

#[test]
fn an_id_is_used_once() {
    let twice = "id = \"a\"\neffect = \"allow\"\neverything = true\n[[rule]]\nid = \"a\"\neffect = \"allow\"\neverything = true";
    check_rule_fault(twice, 5, "id", "two rules are called `a`");
}

#[test]
fn a_site_is_a_name_an_address_or_a_network() {
    for (site, message) in [
        ("https://jeux.example/", "without https://"),
        ("jeux.example/", "write the name alone"),
        ("jeux.example//./", "write the name alone"),
        ("jeux.example/a#b", "never leaves a browser"),
        ("jeux.example/a/../b", "without `..`"),
        ("jeux.example/a/*", "write the name alone"),
        ("jeux.example:80/a", "no host name has"),
        ("203.0.113.5/page", "the name is an IP address"),
        ("/page", "empty"),
        ("*.jeux.example", "write the name alone"),
        (".jeux.example", "write the name alone"),
        ("203.0.113.5/24", "write `203.0.113.0/24`"),
        ("école.fr", "xn--"),
        ("", "empty"),
    ] {
        let lines = format!("id = \"a\"\neffect = \"allow\"\nsites = [\"a.fr\",\n  \"{site}\"]");
        check_rule_fault(&lines, 4, "sites", message);
    }
}

#[test]
fn words_that_nobody_knows_are_refused_with_the_known_ones() {
    let rule = |line: &str| format!("id = \"a\"\neffect = \"allow\"\neverything = true\n{line}");
    for (line, field, message) in [
        ("roles = [\"prof\"]", "roles", "the roles are eleve"),
        ("devices = [\"tbi\"]", "devices", "the kinds are tableau"),
        ("machines = [\"02:00\"]", "machines", "hardware address"),
        ("zones = [\"Salle 1\"]", "zones", "cannot name a zone"),
        ("during = \"cour\"", "during", "this file has: cours"),
    ] {
        check_rule_fault(&rule(line), 4, field, message);
    }
    check_rule_fault(&rule("during = \"cours\"\noutside = \"cours\""), 5, "outside", "not both");
    check_rule_fault(&rule("roles = [\"eleve\"]\ndevices = [\"tableau\"]"), 5, "devices", "two rules");
}

#[test]
fn a_slot_is_a_part_of_one_day() {
    for (slots, message) in [
        ("\"25:00-26:00\"", "times go from 00:00 to 24:00"),
        ("\"08:00-24:01\"", "times go from 00:00 to 24:00"),
        ("\"08:60-09:00\"", "times go from 00:00 to 24:00"),
        ("\"8:00-9:00\"", "write it as `08:00-12:00`"),
        ("\"+8:00-09:00\"", "write it as `08:00-12:00`"),
        ("\"matin\"", "write it as `08:00-12:00`"),
        ("\"12:00-08:00\"", "over midnight is two slots"),
        ("\"08:00-08:00\"", "ends before it begins"),
        ("\"08:00-10:00\", \"09:59-11:00\"", "overlaps"),
    ] {
        let text = format!(
            "version = 1\nlevel = \"groupe\"\nname = \"x\"\n[timetables]\nc = {{ friday = [{slots}] }}"
        );
        check_fault(&text, 5, "friday", message);
    }
    let touching = "version = 1\nlevel = \"groupe\"\nname = \"x\"\n[timetables]\nc = { friday = [\"10:00-24:00\", \"08:00-10:00\"] }";
    assert!(RuleFile::parse(touching).is_ok());
}

#[test]
fn every_bound_is_held() {
    let sites = vec!["\"a.fr\""; Limits::SITES_MAX + 1].join(", ");
    check_rule_fault(
        &format!("id = \"a\"\neffect = \"allow\"\nsites = [{sites}]"),
        3,
        "sites",
        "at most 5000",
    );
    let classes = vec!["\"6A\""; Limits::WORDS_MAX + 1].join(", ");
    let lines = format!("id = \"a\"\neffect = \"allow\"\neverything = true\nclasses = [{classes}]");
    check_rule_fault(&lines, 4, "classes", "at most 200");
    let long = "a".repeat(Limits::NAME_BYTES_MAX + 1);
    check_rule_fault(&format!("id = \"{long}\"\neffect = \"allow\"\neverything = true"), 1, "id", "64 bytes");
    let rules = "[[rule]]\nid = \"a\"\neffect = \"allow\"\neverything = true\n".repeat(Limits::RULES_MAX + 1);
    let text = format!("version = 1\nlevel = \"groupe\"\nname = \"x\"\n{rules}");
    check_fault(&text, 3 + 4 * Limits::RULES_MAX + 2, "id", "at most 1000");
    check_fault(&"#".repeat(Limits::FILE_BYTES_MAX + 1), 1, "", "split it");
}

#[test]
fn a_page_is_written_as_its_host_and_path_and_compared_in_one_form() {
    let head = "version = 1\nlevel = \"groupe\"\nname = \"x\"\n[[rule]]\nid = \"a\"\neffect = \"allow\"\n";
    let sites = r#"sites = ["Jeux.example/Page/", "a.fr/%6Aeux?id=4", "a.fr/;x/été"]"#;
    let file = RuleFile::parse(&format!("{head}{sites}")).unwrap();
    let Sites::Listed { patterns, .. } = &file.rules[0].sites else { panic!("listed sites") };
    let patterns: Vec<_> = patterns.iter().map(ToString::to_string).collect();
    assert_eq!(patterns, ["jeux.example/page", "a.fr/jeux?id=4", "a.fr/été"]);
    let deep = format!("{head}sites = [\"a.fr{}\"]", "/b".repeat(33));
    assert!(RuleFile::parse(&deep).unwrap_err().to_string().contains("32 segments"));
    let long = format!("{head}sites = [\"a.fr/{}\"]", "b".repeat(2048));
    assert!(RuleFile::parse(&long).unwrap_err().to_string().contains("2048 bytes"));
}

/// A search rule of these lines, where the file's lines before it are six.
#[track_caller]
fn check_search_fault(lines: &str, line: usize, field: &str, message: &str) {
    let head = "version = 1\nlevel = \"groupe\"\nname = \"x\"\n[timetables]\ncours = {}\n[[search]]\n";
    check_fault(&format!("{head}{lines}"), 6 + line, field, message);
}

#[test]
fn a_search_rule_says_modes_for_whom_and_when() {
    let text = "version = 1\nlevel = \"academie\"\nname = \"x\"\n[timetables]\ncours = {}\n\
                [[search]]\nid = \"recherche\"\nsafe_search = true\nlocked = true\nroles = [\"eleve\"]\n\
                [[search]]\nid = \"videos\"\nyoutube = \"moderate\"\nduring = \"cours\"\nreason = \"Parce que.\"\n";
    let file = RuleFile::parse(text).unwrap();
    let [search, videos] = file.search.as_slice() else { panic!("two search rules") };
    assert_eq!((search.safe_search, search.youtube), (Some(SafeSearch::Forced), None));
    assert_eq!((&*search.rule.id, search.rule.line, search.rule.lock), ("recherche", 7, Lock::Locked));
    assert_eq!(search.rule.people.roles, [Role::Eleve]);
    assert_eq!((videos.safe_search, videos.youtube), (None, Some(YouTube::Moderate)));
    assert!(matches!(videos.rule.when, When::During(_)));
    assert_eq!(videos.rule.reason.as_deref(), Some("Parce que."));
}

#[test]
fn a_search_rule_says_a_mode_and_has_an_id_of_its_own() {
    check_search_fault("id = \"a\"", 1, "safe_search", "about nothing");
    check_search_fault("id = \"a\"\nyoutube = \"none\"", 2, "youtube", "write `strict`");
    check_search_fault("id = \"a\"\nsafe_search = \"yes\"", 2, "safe_search", "expected a boolean");
    check_search_fault("id = \"a\"\nsafe_search = true\nsites = [\"a.fr\"]", 3, "sites", "unknown field");
    check_search_fault("id = \"a\"\nsafe_search = true\nroles = [\"prof\"]", 3, "roles", "the roles are");
    check_search_fault(
        "id = \"a\"\nsafe_search = true\nduring = \"soir\"",
        3,
        "during",
        "this file has: cours",
    );
    let twice = "id = \"a\"\nsafe_search = true\n[[rule]]\nid = \"a\"\neffect = \"allow\"\neverything = true";
    check_search_fault(twice, 1, "id", "two rules are called `a`");
    let many = "[[search]]\nid = \"a\"\nsafe_search = true\n".repeat(Limits::SEARCH_RULES_MAX + 1);
    let text = format!("version = 1\nlevel = \"groupe\"\nname = \"x\"\n{many}");
    check_fault(&text, 3 + 3 * Limits::SEARCH_RULES_MAX + 2, "id", "at most 100");
}
