//! Folders of lists as they come, whole and broken.

use std::{fs, os::unix::fs::symlink, path::Path};

use super::*;
use crate::model::{Domain, Site};

fn category(folder: &Path, name: &str, domains: &[u8], usage: &str) {
    let dir = folder.join(name);
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("domains"), domains).unwrap();
    if !usage.is_empty() {
        fs::write(dir.join("usage"), usage).unwrap();
    }
}

fn categories_of(table_path: &Path, name: &str) -> Vec<String> {
    let table = open(table_path).unwrap();
    let name: Domain = name.parse().unwrap();
    table.categories_of(&name).iter().map(|id| table.category_name(id).to_string()).collect()
}

#[test]
fn a_folder_becomes_a_table_that_says_what_it_lists() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("blacklists");
    fs::create_dir(&folder).unwrap();
    category(
        &folder,
        "games",
        b"jeux.example\nWWW.Jeu.Example.\n# remarque\n\n203.0.113.9\n",
        "# note\nblack\n",
    );
    category(
        &folder,
        "press",
        b"presse.example # le matin\r\n*.journal.example\njeux.example",
        "white\nblack\n",
    );
    symlink("games", folder.join("jeux")).unwrap();
    fs::write(folder.join("global_usage"), "NAME: games\nSOURCE: https://lists.example\n").unwrap();
    let out = dir.path().join("categories.table");

    let report = build(&folder, &out).unwrap();

    assert_eq!((report.names, report.faults_count), (5, 0), "{report}");
    assert_eq!(
        report.categories[0],
        CategoryReport { name: "games".into(), names: 3, usage: Usage { black: true, white: false } }
    );
    assert_eq!(report.categories[1].usage, Usage { black: true, white: true });
    assert_eq!(report.aliases, [("jeux".to_owned(), "games".to_owned())]);
    assert_eq!(categories_of(&out, "a.jeux.example"), ["games", "press"]);
    assert_eq!(categories_of(&out, "www.jeu.example"), ["games"]);
    assert_eq!(categories_of(&out, "x.journal.example"), ["press"]);
    assert!(open(&out).unwrap().category("jeux").is_some());
    assert_eq!(open(&out).unwrap().description().sources, ["https://lists.example"]);
    let shown = show(&out, &"a.jeux.example".parse().unwrap()).unwrap().to_string();
    assert!(shown.starts_with("a.jeux.example by jeux.example: games, press (list of "), "{shown}");
    let shown = show(&out, &Site::Address("203.0.113.9".parse().unwrap())).unwrap();
    assert_eq!(shown.entries[0].0, "203.0.113.9");
    assert!(show(&out, &"rien.example".parse().unwrap()).unwrap().entries.is_empty());
}

#[test]
fn bad_lines_are_left_out_and_named_and_the_good_ones_stay() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("lists");
    fs::create_dir(&folder).unwrap();
    let mut lines = b"bon.example\ndeux mots\n\xff\xfe\n".to_vec();
    lines.extend(vec![b'a'; 5000]);
    lines.extend(b"\nhttp://x.example/\nautre.example\n");
    category(&folder, "games", &lines, "");
    let out = dir.path().join("t");
    let report = build(&folder, &out).unwrap();
    assert_eq!(report.names, 2);
    let faults: Vec<_> =
        report.faults.iter().map(|fault| (fault.file.to_str().unwrap(), fault.line)).collect();
    let file = "games/domains";
    assert_eq!(faults, [(file, Some(2)), (file, Some(3)), (file, Some(4)), (file, Some(5))], "{report}");
    assert_eq!(report.faults_count, 4);
}

#[test]
fn links_out_of_the_folder_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("lists");
    fs::create_dir(&folder).unwrap();
    let outside = dir.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("domains"), b"secret.example\n").unwrap();
    category(&folder, "games", b"jeux.example\n", "");
    symlink(&outside, folder.join("dehors")).unwrap();
    symlink("../outside", folder.join("aussi")).unwrap();
    symlink("nulle-part", folder.join("perdu")).unwrap();
    fs::create_dir(folder.join("ruse")).unwrap();
    symlink(outside.join("domains"), folder.join("ruse/domains")).unwrap();
    let out = dir.path().join("t");
    let report = build(&folder, &out).unwrap();
    assert_eq!((report.categories.len(), report.faults_count), (1, 4), "{report}");
    assert!(report.aliases.is_empty());
    assert!(categories_of(&out, "secret.example").is_empty());
}

#[test]
fn a_folder_without_categories_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("t");
    fs::write(&out, b"avant").unwrap();
    assert!(build(&dir.path().join("rien"), &out).is_err());
    assert!(build(dir.path(), &out).unwrap_err().to_string().contains("holds no category"));
    assert_eq!(fs::read(&out).unwrap(), b"avant");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn the_same_folder_and_seed_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("lists");
    fs::create_dir(&folder).unwrap();
    category(&folder, "b", b"b.example\na.example\n", "");
    category(&folder, "a", b"a.example\n", "");
    let tables = ["un", "deux"].map(|name| {
        let out = dir.path().join(name);
        build_with_seed(&folder, &out, 7).unwrap();
        fs::read(out).unwrap()
    });
    assert_eq!(tables[0], tables[1]);
}

#[test]
fn a_table_damaged_after_it_was_built_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("blacklists");
    fs::create_dir(&folder).unwrap();
    category(&folder, "games", b"jeux.example\n", "");
    let out = dir.path().join("categories.table");
    build(&folder, &out).unwrap();
    let mut bytes = fs::read(&out).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&out, bytes).unwrap();
    assert!(open(&out).is_err());
}
