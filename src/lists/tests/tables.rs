//! What becomes of the lines of a sound folder.

use std::os::unix::fs::symlink;

use super::*;

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
fn the_same_folder_gives_the_same_bytes() {
    let tables = [["b", "a"], ["a", "b"]].map(|order| {
        let lists = Lists::new();
        for category in order {
            lists.write(&format!("{category}/domains"), format!("{category}.example\nc.example\n"));
            let list = fs::File::options().append(true).open(lists.folder().join(category).join("domains"));
            list.unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
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
