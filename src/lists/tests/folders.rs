//! Folders that are broken, or meant to break something.

use std::{
    fs::{self, File},
    os::unix::{fs::symlink, net::UnixListener},
};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::stage::{Lists, faults};
use crate::lists::{Limits, Options, Reason, build};

#[test]
fn bad_lines_are_left_out_and_named_and_the_good_ones_stay() {
    let lists = Lists::new();
    let mut lines = b"bon.example\ndeux mots\n\xff\xfe\n".to_vec();
    lines.extend(vec![b'a'; 5000]);
    lines.extend(b"\nhttp://x.example/\nautre.example\nencore.example\nplus.example\n");
    lists.write("games/domains", &lines);
    let report = lists.build();
    assert_eq!(report.names, 4);
    let file = "games/domains";
    assert_eq!(
        faults(&report),
        [
            (file, Some(2), Reason::SeveralWords),
            (file, Some(3), Reason::NotText),
            (file, Some(4), Reason::TooLong),
            (file, Some(5), Reason::UrlAmongNames)
        ],
        "{report}"
    );
    assert_eq!(report.faults_count(), 4);
}

#[test]
fn faults_alike_are_counted_and_the_first_ones_shown() {
    let lists = Lists::new();
    lists.write_names("games/domains", 1000).write("games/more.txt", "deux mots\n".repeat(500));
    let report = lists.build();
    assert_eq!(report.faults.len(), Limits::FAULTS_ALIKE_MAX);
    assert!(report.to_string().contains("left out 500: several words"), "{report}");
    assert!(report.to_string().contains("  and 495 more"), "{report}");
}

#[test]
fn links_out_of_the_folder_are_refused() {
    let lists = Lists::new();
    let outside = lists.0.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("domains"), b"secret.example\n").unwrap();
    lists.write("games/domains", b"jeux.example\n");
    symlink(&outside, lists.folder().join("dehors")).unwrap();
    symlink("../outside", lists.folder().join("aussi")).unwrap();
    symlink("nulle-part", lists.folder().join("perdu")).unwrap();
    symlink("boucle", lists.folder().join("boucle")).unwrap();
    fs::create_dir(lists.folder().join("ruse")).unwrap();
    symlink(outside.join("domains"), lists.folder().join("ruse/domains")).unwrap();
    let report = lists.build();
    assert_eq!((report.categories.len(), report.faults_count()), (1, 6), "{report}");
    assert!(report.aliases.is_empty());
    assert!(lists.categories_of("secret.example").is_empty());
}

#[test]
fn pipes_sockets_and_directories_in_place_of_lists_are_left_out() {
    let lists = Lists::new();
    lists.write("games/domains", b"jeux.example\n").write("games/urls/domains", b"trop-profond.example\n");
    let fifo = lists.folder().join("games/hosts");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
    let socket = UnixListener::bind(lists.folder().join("games/more.txt")).unwrap();
    let report = lists.build();
    assert_eq!(
        faults(&report),
        [
            ("games/hosts", None, Reason::NotAFile),
            ("games/more.txt", None, Reason::NotAFile),
            ("games/urls", None, Reason::Nested)
        ]
    );
    assert!(lists.categories_of("trop-profond.example").is_empty());
    drop(socket);
}

#[test]
fn a_file_with_several_names_is_a_list_like_any_other() {
    let lists = Lists::new();
    lists.write("games/domains", b"jeux.example\n").write("phishing/usage", b"black\n");
    fs::hard_link(lists.folder().join("games/domains"), lists.folder().join("phishing/domains")).unwrap();
    assert!(lists.build().refusals.is_empty());
    assert_eq!(lists.categories_of("jeux.example"), ["games", "phishing"]);
}

#[test]
fn a_gigabyte_without_a_line_break_is_one_line_too_long() {
    let lists = Lists::new();
    lists.write("games/domains", b"jeux.example\n").write("games/more.txt", b"");
    File::options()
        .write(true)
        .open(lists.folder().join("games/more.txt"))
        .unwrap()
        .set_len(1 << 30)
        .unwrap();
    let report = lists.build();
    assert_eq!(faults(&report), [("games/more.txt", Some(1), Reason::TooLong)]);
}

#[test]
fn an_endless_file_is_refused_before_it_is_read() {
    let lists = Lists::new();
    lists.write("games/domains", b"");
    File::options().write(true).open(lists.folder().join("games/domains")).unwrap().set_len(1 << 40).unwrap();
    assert!(lists.failure().contains("bytes, which no list has"));
}

#[test]
fn too_many_categories_are_refused() {
    let lists = Lists::new();
    for number in 0..=256 {
        lists.write(&format!("c{number}/domains"), b"jeux.example\n");
    }
    assert!(lists.failure().contains("holds 257 categories"));
    assert!(!lists.out().exists());
}

#[test]
fn a_hundred_thousand_directories_are_refused_at_the_bound() {
    let lists = Lists::new();
    for number in 0..=Limits::ENTRIES_MAX {
        fs::create_dir(lists.folder().join(number.to_string())).unwrap();
    }
    assert!(lists.failure().contains("more than 10000 entries"));
}

#[test]
fn an_archive_in_place_of_a_folder_is_to_be_unpacked() {
    let lists = Lists::new();
    let archive = lists.0.path().join("blacklists.tar.gz");
    fs::write(&archive, b"\x1f\x8b\x08").unwrap();
    let error = build(&archive, &lists.out(), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("unpack the lists first"), "{error}");
    lists.write("games/domains.gz", b"\x1f\x8b\x08").write("games/domains", b"jeux.example\n");
    assert_eq!(faults(&lists.build()), [("games/domains.gz", None, Reason::Packed)]);
}

#[test]
fn a_folder_without_categories_changes_nothing_and_says_where_they_may_be() {
    let lists = Lists::new();
    fs::write(lists.out(), b"avant").unwrap();
    let missing = build(&lists.folder().join("rien"), &lists.out(), &Options::default()).unwrap_err();
    assert!(missing.to_string().contains("cannot find"), "{missing}");
    assert!(lists.failure().contains("holds no category"));
    lists.write("blacklists/games/domains", b"jeux.example\n");
    assert!(lists.failure().contains("lists/blacklists`"), "{}", lists.failure());
    let category = lists.folder().join("blacklists/games");
    let error = build(&category, &lists.out(), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("not a category itself"), "{error}");
    assert_eq!(fs::read(lists.out()).unwrap(), b"avant");
}
