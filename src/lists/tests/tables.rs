//! What becomes of the lines of a sound folder.

use std::{
    fs,
    os::unix::fs::symlink,
    time::{Duration, UNIX_EPOCH},
};

use super::stage::{Lists, faults};
use crate::lists::{Before, Reason, Usage, open, show};

#[test]
fn a_folder_becomes_a_table_that_says_what_it_lists() {
    let lists = Lists::new();
    lists
        .write("games/domains", "jeux.example\nWWW.Jeu.Example.\n# remarque\n\n203.0.113.9\n")
        .write("games/usage", "# note\nblack\n")
        .write("press/domains", "presse.example # le matin\r\n*.journal.example\njeux.example")
        .write("press/usage", "white\nblack\n")
        .write("global_usage", "NAME: games\nSOURCE: https://lists.example\n");
    symlink("games", lists.folder().join("jeux")).unwrap();

    let report = lists.build();

    assert_eq!((report.names, report.faults_count()), (5, 0), "{report}");
    let games = &report.categories[0];
    assert_eq!(
        (games.name.as_str(), games.names, games.usage),
        ("games", 3, Usage { black: true, white: false })
    );
    assert_eq!(report.categories[1].usage, Usage { black: true, white: true });
    assert_eq!(report.aliases, [("jeux".to_owned(), "games".to_owned())]);
    assert_eq!(lists.categories_of("a.jeux.example"), ["games", "press"]);
    assert_eq!(lists.categories_of("www.jeu.example"), ["games"]);
    assert_eq!(lists.categories_of("x.journal.example"), ["press"]);
    assert!(open(&lists.out()).unwrap().category("jeux").is_some());
    assert_eq!(open(&lists.out()).unwrap().description().sources, ["https://lists.example"]);
    let shown = lists.show("a.jeux.example").to_string();
    assert!(shown.starts_with("a.jeux.example by jeux.example: games, press"), "{shown}");
    assert_eq!(lists.show("203.0.113.9").entries[0].listed, "203.0.113.9");
    assert!(lists.show("rien.example").entries.is_empty());
}

#[test]
fn lists_of_several_formats_make_one_category() {
    let lists = Lists::new();
    lists
        .write("ads/domains", "pub.example\n")
        .write("ads/hosts", "127.0.0.1 localhost\n0.0.0.0 banniere.example\n# License: MIT\n")
        .write(
            "ads/adguard.txt",
            "[Adblock Plus]\n! Homepage: https://adguard.example\n||annonce.example^\n@@||presse.example^\n\
             ||journal.example^$third-party\njournal.example##.banner\n",
        )
        .write("ads/domains.1", "suite.example\n");
    let report = lists.build();
    assert_eq!(report.names, 4, "{report}");
    for name in ["pub.example", "banniere.example", "annonce.example", "suite.example"] {
        assert_eq!(lists.categories_of(name), ["ads"], "{name}");
    }
    assert!(lists.categories_of("presse.example").is_empty());
    assert!(lists.categories_of("journal.example").is_empty());
    assert_eq!(
        faults(&report),
        [("ads/adguard.txt", Some(4), Reason::Exception), ("ads/adguard.txt", Some(5), Reason::Options)]
    );
    assert_eq!(report.faults_count(), 2);
    assert_eq!(
        (report.sources.as_slice(), report.licence.as_str()),
        (&["https://adguard.example".to_owned()][..], "MIT")
    );
}

#[test]
fn urls_and_expressions_are_shown_with_the_categories_that_list_them() {
    let lists = Lists::new();
    lists
        .write("games/domains", "jeux.example\n")
        .write("games/urls", "www.presse.example/jeux/\nhttp://203.0.113.9/echecs?partie=3\npresse.example\n")
        .write("ads/expressions", "# remarque\n(/banner/|/sponsor/)\n(unclosed\n.*\n");
    let report = lists.build();
    assert_eq!(
        faults(&report),
        [
            ("ads/expressions", Some(3), Reason::Expression),
            ("ads/expressions", Some(4), Reason::Expression),
            ("games/urls", Some(3), Reason::UrlWithoutPath)
        ],
        "{report}"
    );
    let (ads, games) = (&report.categories[0], &report.categories[1]);
    assert_eq!((ads.expressions, games.names, games.urls), (1, 1, 2));
    for (host, path, expected) in [
        ("presse.example", "/jeux/echecs", "presse.example/jeux/echecs by presse.example/jeux: games since "),
        ("www.presse.example", "/jeux", "www.presse.example/jeux by presse.example/jeux: games since "),
        (
            "203.0.113.9",
            "/echecs?partie=3",
            "203.0.113.9/echecs?partie=3 by 203.0.113.9/echecs?partie=3: games",
        ),
        (
            "presse.example",
            "/a/banner/1.gif",
            "presse.example/a/banner/1.gif by (/banner/|/sponsor/): ads (list",
        ),
        ("presse.example", "/monde", "presse.example/monde is in no category"),
    ] {
        let shown = show(&lists.out(), &host.parse().unwrap(), Some(&path.into())).unwrap().to_string();
        assert!(shown.starts_with(expected), "{host}{path}: {shown}");
    }
}

#[test]
fn a_name_is_listed_since_the_first_list_that_held_it() {
    let lists = Lists::new();
    let date = |below: &str, day: u64| {
        let list = fs::File::options().append(true).open(lists.folder().join(below)).unwrap();
        list.set_modified(UNIX_EPOCH + Duration::from_secs(day * 86_400)).unwrap();
    };
    lists.write("games/domains", "jeux.example\n");
    date("games/domains", 0);
    assert!(lists.build().refusals.is_empty());
    lists.write("games/domains", "jeux.example\nautre.example\n");
    date("games/domains", 40);
    let report = lists.build();
    assert_eq!(report.before, Before::Table("1970-01-01".to_owned()));
    assert_eq!(lists.show("jeux.example").entries[0].since.as_deref(), Some("1970-01-01"));
    assert_eq!(lists.show("autre.example").entries[0].since.as_deref(), Some("1970-02-10"));
    let dates = open(&lists.out()).unwrap().description().category_dates.clone();
    assert_eq!(dates, [("games".to_owned(), "1970-02-10".to_owned())]);
    fs::remove_file(lists.0.path().join("categories.table.names")).unwrap();
    assert_eq!(lists.show("jeux.example").entries[0].since, None);
}

#[test]
fn the_same_folder_gives_the_same_bytes() {
    let tables = [["b", "a"], ["a", "b"]].map(|order| {
        let lists = Lists::new();
        for category in order {
            lists.write(&format!("{category}/domains"), format!("{category}.example\nc.example\n"));
            let list = fs::File::options().append(true).open(lists.folder().join(category).join("domains"));
            list.unwrap().set_modified(UNIX_EPOCH).unwrap();
        }
        assert!(lists.build().refusals.is_empty());
        let first = fs::read(lists.out()).unwrap();
        assert!(lists.build().refusals.is_empty());
        assert_eq!(fs::read(lists.out()).unwrap(), first, "built again over itself");
        first
    });
    assert_eq!(tables[0], tables[1]);
}

#[test]
fn a_table_damaged_after_it_was_built_is_refused_and_can_be_built_again() {
    let lists = Lists::new();
    lists.write("games/domains", "jeux.example\n");
    assert!(lists.build().refusals.is_empty());
    let mut bytes = fs::read(lists.out()).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(lists.out(), bytes).unwrap();
    assert!(open(&lists.out()).is_err());
    let report = lists.build();
    assert!(matches!(report.before, Before::Unreadable(_)), "{report}");
    assert_eq!(lists.categories_of("jeux.example"), ["games"]);
}
