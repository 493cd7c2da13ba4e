//! A table that would do harm is not built, unless somebody says so.

use std::{collections::BTreeSet, fs};

use super::stage::Lists;
use crate::lists::{Limits, OnProtected, Options, Refusal};

fn accepting(category: &str) -> Options {
    Options { accept: BTreeSet::from([category.to_owned()]), ..Options::default() }
}

/// Builds, is refused in these words and changes nothing; then builds with `yes`.
fn is_refused(lists: &Lists, words: &str, yes: &Options) {
    let before = fs::read(lists.out()).ok();
    let report = lists.build();
    let text = report.to_string();
    assert!(text.contains("refused: ") && text.contains(words), "{words}: {text}");
    assert_eq!(fs::read(lists.out()).ok(), before);
    assert!(!lists.0.path().join("categories.table.draft").exists());
    let report = lists.build_with(yes);
    assert!(report.refusals.is_empty(), "{report}");
}

#[test]
fn a_list_cut_short_in_transit_is_refused() {
    let lists = Lists::new();
    assert!(lists.write_names("games/domains", 1000).build().refusals.is_empty());
    lists.write_names("games/domains", 400);
    is_refused(&lists, "`games` shrank from 1000 names to 400", &accepting("games"));
}

#[test]
fn a_list_that_swallowed_another_is_refused() {
    let lists = Lists::new();
    assert!(lists.write_names("games/domains", 500).build().refusals.is_empty());
    lists.write_names("games/domains", 5000);
    is_refused(&lists, "`games` grew from 500 names to 5000", &accepting("games"));
}

#[test]
fn a_category_that_vanished_is_refused() {
    let lists = Lists::new();
    lists.write("games/domains", "jeux.example\n").write("vpn/domains", "vpn.example\n");
    assert!(lists.build().refusals.is_empty());
    fs::remove_dir_all(lists.folder().join("vpn")).unwrap();
    is_refused(&lists, "`vpn` listed 1 name and lists none", &accepting("vpn"));
}

#[test]
fn a_page_in_place_of_a_list_is_refused() {
    let lists = Lists::new();
    lists.write("games/domains", "<html>\n<head><title>404 Not Found</title></head>\n</html>\n");
    is_refused(&lists, "`games`: 3 lines cannot be read, 0 can", &accepting("games"));
}

#[test]
fn an_accepted_category_must_exist() {
    let lists = Lists::new();
    lists.write("games/domains", "jeux.example\n");
    let report = lists.build_with(&accepting("gmaes"));
    assert_eq!(report.refusals, [Refusal::Unknown { category: "gmaes".to_owned() }]);
    assert!(!lists.out().exists());
}

#[test]
fn a_black_list_that_blocks_a_protected_name_is_refused() {
    let leave_out = Options { on_protected: OnProtected::LeaveOut, ..Options::default() };
    for listed in ["education.gouv.fr", "www.education.gouv.fr", "gouv.fr", "gstatic.com"] {
        let lists = Lists::new();
        lists.write("ads/domains", format!("pub.example\n{listed}\n")).write("ads/usage", "black\n");
        is_refused(&lists, &format!("`{listed}` in ads/domains, line 2"), &leave_out);
        assert!(lists.categories_of(listed).is_empty());
        assert_eq!(lists.categories_of("pub.example"), ["ads"]);
    }
}

#[test]
fn a_white_list_may_hold_protected_names() {
    let lists = Lists::new();
    lists.write("exam/domains", "education.gouv.fr\n").write("exam/usage", "white\n");
    assert!(lists.build().refusals.is_empty());
    assert_eq!(lists.categories_of("education.gouv.fr"), ["exam"]);
}

#[test]
fn a_school_adds_protected_names_of_its_own() {
    let lists = Lists::new();
    lists.write("games/domains", "ent.example\n");
    let path = lists.0.path().join("protected.toml");
    fs::write(&path, "version = 1\n[[name]]\nname = \"ent.example\"\nreason = \"our ENT\"\n").unwrap();
    let options = Options { protected: Some(path), ..Options::default() };
    let report = lists.build_with(&options);
    assert!(report.to_string().contains("would block `ent.example` (our ENT)"), "{report}");
    assert!(!lists.out().exists());
}

#[test]
fn a_list_of_protected_names_is_refused_in_few_words() {
    let lists = Lists::new();
    lists.write("games/domains", "a.education.fr\n".repeat(10_000));
    let report = lists.build();
    assert_eq!((report.refusals.len(), report.refusals_count), (Limits::REFUSALS_MAX, 10_000));
}

#[test]
fn a_file_that_is_no_table_is_not_overwritten() {
    let lists = Lists::new();
    lists.write("games/domains", "jeux.example\n");
    fs::write(lists.out(), b"une lettre").unwrap();
    assert!(lists.failure().contains("is not overwritten"));
    assert_eq!(fs::read(lists.out()).unwrap(), b"une lettre");
}
