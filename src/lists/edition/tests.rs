//! Editions through their forms and back, and what is wrong with those that were touched.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::lists::{Options, build, show};

/// A folder of lists as they are published, and rooms for editions of it.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn publish(&self, folder: &str, category: &str, kind: &str, lines: &str) {
        let dir = self.path(folder).join(category);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join(kind), lines).unwrap();
    }

    /// The published folder as an edition of the same name with `-e`.
    fn edition(&self, folder: &str) -> (PathBuf, Manifest) {
        let dir = self.path(&format!("{folder}-e"));
        let manifest = gather(&self.path(folder), &dir).unwrap();
        (dir, manifest)
    }
}

fn difference(before: &Path, after: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_difference(before, after, &mut bytes).unwrap();
    bytes
}

fn content(dir: &Path, manifest: &Manifest) -> Vec<(String, Vec<u8>)> {
    manifest.files.keys().map(|below| (below.clone(), fs::read(dir.join(below)).unwrap())).collect()
}

fn two_editions() -> (Desk, PathBuf, PathBuf, Manifest) {
    let desk = Desk::new();
    desk.publish("one", "games", "domains", "b.example\na.example\n||c.example^\n0.0.0.0 d.example\n# x\n");
    desk.publish("one", "games", "urls", "e.example/jeux\n");
    desk.publish("one", "games", "usage", "black\n");
    desk.publish("one", "press", "domains", "f.example\n");
    std::os::unix::fs::symlink("games", desk.path("one/jeux")).unwrap();
    desk.publish("two", "games", "domains", "a.example\nc.example\nz.example\n203.0.113.7\n");
    desk.publish("two", "games", "expressions", "(casino)+\n");
    desk.publish("two", "press", "domains", "f.example\n");
    let (one, _) = desk.edition("one");
    let (two, manifest) = desk.edition("two");
    (desk, one, two, manifest)
}

#[test]
fn an_edition_says_what_the_published_lists_say_whatever_their_form() {
    let (desk, one, _, _) = two_editions();
    let domains = fs::read_to_string(one.join("games/domains")).unwrap();
    assert_eq!(domains, "a.example\nb.example\nc.example\nd.example\n");
    let tables = ["one", "one-e"].map(|folder| {
        let table = desk.path(&format!("{folder}.table"));
        let report = build(&desk.path(folder), &table, &Options::default()).unwrap();
        assert!(report.refusals.is_empty() && report.faults_count() == 0, "{report:?}");
        table
    });
    for site in ["a.example", "d.example", "f.example", "g.example"] {
        let [published, edition] =
            tables.each_ref().map(|table| show(table, &site.parse().unwrap(), None).unwrap().to_json());
        let without_path = |json: String| json.split_once("\"date\"").map(|(_, rest)| rest.to_owned());
        assert_eq!(without_path(published), without_path(edition), "{site}");
    }
}

#[test]
fn an_edition_comes_whole_out_of_its_stream() {
    let (desk, one, _, _) = two_editions();
    let manifest = Manifest::of(&one).unwrap().unwrap();
    let mut bytes = Vec::new();
    write_whole(&one, &mut bytes).unwrap();
    let read = read_whole(bytes.as_slice(), &manifest.digest(), &desk.path("read")).unwrap();
    assert_eq!((&read, content(&desk.path("read"), &read)), (&manifest, content(&one, &manifest)));
    assert_eq!(fs::read_link(desk.path("read/jeux")).unwrap(), Path::new("games"));
}

#[test]
fn a_difference_leads_from_one_edition_to_the_other() {
    let (desk, one, two, manifest) = two_editions();
    let bytes = difference(&one, &two);
    let read = apply_difference(&one, bytes.as_slice(), &manifest.digest(), &desk.path("read")).unwrap();
    assert_eq!((&read, content(&desk.path("read"), &read)), (&manifest, content(&two, &manifest)));
}

#[test]
fn what_is_cut_or_changed_anywhere_is_refused() {
    let (desk, one, two, manifest) = two_editions();
    let wanted = manifest.digest();
    let bytes = difference(&one, &two);
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        for (name, wrong) in [("cut", &bytes[..at]), ("changed", &changed[..])] {
            let dir = desk.path(&format!("{name}-{at}"));
            if let Ok(read) = apply_difference(&one, wrong, &wanted, &dir) {
                // A changed byte of zstd's own frame may mean nothing: what comes out is what was signed all the same.
                assert_eq!((name, content(&dir, &read)), ("changed", content(&two, &manifest)), "{at}");
            }
        }
    }
}

#[test]
fn another_edition_than_the_signed_one_and_another_beginning_are_refused() {
    let (desk, one, two, manifest) = two_editions();
    let of_one = Manifest::of(&one).unwrap().unwrap().digest();
    let refused = |before: &Path, bytes: &[u8], wanted: &str, into: &str| {
        format!("{:#}", apply_difference(before, bytes, wanted, &desk.path(into)).unwrap_err())
    };
    let bytes = difference(&one, &two);
    assert!(refused(&one, &bytes, &of_one, "a").contains("another edition than was signed"));
    assert!(refused(&two, &bytes, &manifest.digest(), "b").contains("begins at another"));
}

#[test]
fn a_manifest_that_names_what_is_outside_is_refused() {
    let good = "preau-lists 1\ndate 2026-11-20\ncategory games black\n";
    assert!(Manifest::read(good).is_ok());
    let digest = "0".repeat(64);
    for wrong in [
        "category ../x black".to_owned(),
        "category games black".to_owned(),
        "category press grey".to_owned(),
        "alias x unknown".to_owned(),
        format!("file ../games/domains 2026-11-20 1 {digest}"),
        format!("file games/../../x 2026-11-20 1 {digest}"),
        format!("file games/usage 2026-11-20 1 {digest}"),
        format!("file games/domains 2026-11-20 99999999999999 {digest}"),
        format!("file games/domains 2026-02-30 1 {digest}"),
        format!("file games/domains 2026-11-20 1 {digest} more"),
        "unknown word".to_owned(),
        "date".to_owned(),
    ] {
        let error = Manifest::read(&format!("{good}{wrong}\n")).unwrap_err();
        assert_eq!(error.line, 4, "{wrong}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn any_two_editions_are_joined_by_their_difference(
        old in prop::collection::btree_set("[a-d]{1,3}", 1..40),
        new in prop::collection::btree_set("[a-d]{1,3}", 1..40),
    ) {
        let desk = Desk::new();
        let text = |names: &BTreeSet<String>| names.iter().map(|name| format!("{name}.example\n")).collect::<String>();
        desk.publish("one", "games", "domains", &text(&old));
        desk.publish("two", "games", "domains", &text(&new));
        let ((one, _), (two, manifest)) = (desk.edition("one"), desk.edition("two"));
        let bytes = difference(&one, &two);
        let read = apply_difference(&one, bytes.as_slice(), &manifest.digest(), &desk.path("read")).unwrap();
        prop_assert_eq!(content(&desk.path("read"), &read), content(&two, &manifest));
    }
}
