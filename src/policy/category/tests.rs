//! The table answers like a map of names, and no damage makes it do worse than answer wrongly.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::model::{Domain, Site, UrlPath};

const SEED: u64 = 0x5eed;
const CATEGORIES: [&str; 4] = ["adult", "games", "press", "vpn"];

fn description() -> Description {
    Description {
        date: Arc::from("2026-08-17"),
        licence: Arc::from("CC-BY-SA-4.0"),
        sources: vec!["https://lists.example/".to_owned()],
        category_dates: vec![("games".to_owned(), "2026-08-02".to_owned())],
    }
}

fn site(text: &str) -> Site {
    text.parse().unwrap()
}

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

fn day(text: &str) -> ListDay {
    text.parse().unwrap()
}

/// Host and path of a URL without a scheme.
fn url(text: &str) -> (Site, UrlPath) {
    let (host, path) = text.split_at(text.find('/').unwrap());
    (site(host), UrlPath::from(path))
}

/// The table and names file of these sites and URLs, each in the category of this number.
fn build(listed: &[(&str, usize)]) -> (Vec<u8>, Vec<u8>) {
    build_since(SEED, listed, &Since::first(day("2026-08-17")))
}

fn build_since(seed: u64, listed: &[(&str, usize)], since: &Since<'_>) -> (Vec<u8>, Vec<u8>) {
    let (mut table, mut names) = (Vec::new(), Vec::new());
    let mut builder = Builder::new(seed, &mut names).unwrap();
    let ids = CATEGORIES.map(|name| builder.category(name).unwrap());
    builder.alias("porn", ids[0]).unwrap();
    for (text, category) in listed {
        if let Some(expression) = text.strip_prefix("~") {
            builder.add_expression(expression, ids[*category]).unwrap();
        } else if text.contains('/') {
            let (host, path) = url(text);
            builder.add_url(&host, &path, ids[*category]).unwrap();
        } else {
            builder.add(&site(text), ids[*category]).unwrap();
        }
    }
    builder.finish(&description(), since, &mut table).unwrap();
    (table, names)
}

const LISTED: [(&str, usize); 15] = [
    ("jeux.example", 1),
    ("adultes.jeux.example", 0),
    ("presse.example", 2),
    ("presse.example", 1),
    ("fr", 3),
    ("203.0.113.7", 3),
    ("2001:db8::7", 3),
    ("presse.example", 2),
    ("www.blog.example/jeux/", 1),
    ("blog.example/jeux/echecs?partie=3", 2),
    ("blog.example/jeux", 0),
    ("forum.example/", 1),
    ("203.0.113.9/tag/jeux", 1),
    (r"~(^|[-/?=])poker([-/?=]|$)", 1),
    (r"~^[0-9.]+/search\?q=[0-9]+$", 3),
];

fn names_of(table: &Table, set: CategorySet) -> Vec<String> {
    set.iter().map(|id| table.category_name(id).to_string()).collect()
}

#[test]
fn a_listed_parent_lists_its_children() {
    let table = Table::open(build(&LISTED).0).unwrap();
    table.verify().unwrap();
    for (name, expected) in [
        ("jeux.example", vec!["games"]),
        ("www.jeux.example", vec!["games"]),
        ("x.adultes.jeux.example", vec!["adult", "games"]),
        ("presse.example", vec!["games", "press"]),
        ("autrejeux.example", vec![]),
        ("example", vec![]),
        ("exemple.fr", vec!["vpn"]),
    ] {
        assert_eq!(names_of(&table, table.categories_of(&domain(name))), expected, "{name}");
    }
}

#[test]
fn an_address_is_listed_by_itself_only() {
    let table = Table::open(build(&LISTED).0).unwrap();
    for (address, expected) in [
        ("203.0.113.7", vec!["vpn"]),
        ("::ffff:203.0.113.7", vec!["vpn"]),
        ("2001:db8::7", vec!["vpn"]),
        ("203.0.113.8", vec![]),
    ] {
        let set = table.categories_of_address(address.parse().unwrap());
        assert_eq!(names_of(&table, set), expected, "{address}");
    }
}

#[test]
fn the_listed_part_of_a_name_is_told_and_found_in_the_names_file() {
    let (table, names) = build(&LISTED);
    let table = Table::open(table).unwrap();
    let names = Names::open(names, &table).unwrap();
    let name = domain("x.adultes.jeux.example");
    let listed: Vec<_> = table.listed(&name).collect();
    assert_eq!(
        listed.iter().map(|listed| listed.suffix).collect::<Vec<_>>(),
        ["jeux.example", "adultes.jeux.example"]
    );
    for entry in &listed {
        assert_eq!(names.name_of(entry), Some(entry.suffix));
    }
    let mut all: Vec<_> = names.iter().collect();
    all.sort_unstable();
    assert_eq!(
        all,
        [
            "2001:db8::7",
            "203.0.113.7",
            "203.0.113.9/tag/jeux",
            "adultes.jeux.example",
            "blog.example/jeux",
            "blog.example/jeux/echecs?partie=3",
            "forum.example/",
            "fr",
            "jeux.example",
            "presse.example"
        ]
    );
}

#[test]
fn a_listed_url_lists_what_lies_below_it_and_nothing_else() {
    let table = Table::open(build(&LISTED).0).unwrap();
    for (asked, expected) in [
        ("blog.example/jeux", vec!["adult", "games"]),
        ("www.blog.example/jeux/x", vec!["adult", "games"]),
        ("blog.example/jeux?x", vec!["adult", "games"]),
        ("blog.example/jeux/echecs?partie=3&coup=1", vec!["adult", "games", "press"]),
        ("blog.example/jeux/echecs?partie=31", vec!["adult", "games"]),
        ("blog.example/jeuxvideo", vec![]),
        ("blog.example/", vec![]),
        ("a.blog.example/jeux", vec![]),
        ("forum.example/n/importe?quoi", vec!["games"]),
        ("203.0.113.9/tag/jeux/1", vec!["games"]),
        ("203.0.113.9/tag", vec![]),
        ("jeux.example/x", vec![]),
    ] {
        let (host, path) = url(asked);
        assert_eq!(names_of(&table, table.url_categories(&host, &path)), expected, "{asked}");
    }
    for name in ["blog.example", "forum.example"] {
        assert!(table.categories_of(&domain(name)).is_empty(), "{name} is no name of the list");
    }
}

#[test]
fn an_expression_is_found_anywhere_in_host_and_path_whatever_the_case() {
    let table = Table::open(build(&LISTED).0).unwrap();
    table.verify().unwrap();
    for (asked, expected) in [
        ("a.example/x?q=POKER", vec![("games", LISTED[13].0)]),
        ("poker-online.example/", vec![("games", LISTED[13].0)]),
        ("a.example/pokers", vec![]),
        ("203.0.113.77/search?q=12", vec![("vpn", LISTED[14].0)]),
        ("a.203.0.113.77.example/search?q=12", vec![]),
    ] {
        let (host, path) = url(asked);
        let matching = table.matching_expressions(&host, &path);
        let named: Vec<_> = matching.iter().map(|(id, text)| (table.category_name(*id), *text)).collect();
        let expected: Vec<_> =
            expected.iter().map(|(name, text)| (Arc::from(*name), text.trim_start_matches('~'))).collect();
        assert_eq!(named, expected, "{asked}");
    }
}

#[test]
fn the_listed_part_of_a_url_is_told_and_found_in_the_names_file() {
    let (table, names) = build(&LISTED);
    let table = Table::open(table).unwrap();
    let names = Names::open(names, &table).unwrap();
    let (host, path) = url("www.blog.example/jeux/echecs?partie=3&coup=1");
    let listed: Vec<_> = table.listed_urls(&host, &path).collect();
    assert_eq!(
        listed.iter().map(|listed| listed.suffix).collect::<Vec<_>>(),
        ["/jeux", "/jeux/echecs?partie=3"]
    );
    let written: Vec<_> = listed.iter().map(|listed| names.name_of(listed)).collect();
    assert_eq!(written, [Some("blog.example/jeux"), Some("blog.example/jeux/echecs?partie=3")]);
}

#[test]
fn a_url_longer_than_a_byte_can_count_is_read_back_whole() {
    for length in [200, 253, 254, 255, 256, 300, 2000] {
        let long = format!("a.example/{}", "x".repeat(length - 10));
        let (table, names) = build(&[(&long, 1), ("b.example", 1)]);
        let table = Table::open(table).unwrap();
        let mut all: Vec<_> = Names::open(names, &table).unwrap().iter().map(str::to_owned).collect();
        all.sort_unstable();
        assert_eq!(all, [long, "b.example".to_owned()]);
    }
}

#[test]
fn a_url_of_too_many_segments_leaves_the_table_as_it_was() {
    let mut builder = Builder::new(SEED, Vec::new()).unwrap();
    let id = builder.category("a").unwrap();
    let path = UrlPath::from("/a".repeat(33).as_str());
    assert!(matches!(builder.add_url(&site("a.example"), &path, id), Err(BuildError::LongUrl)));
    let totals = builder.finish(&description(), &Since::first(day("2026-08-17")), Vec::new()).unwrap();
    assert_eq!(totals, Totals { names: 0, expressions: 0, sets: 0 });
}

#[test]
fn a_name_keeps_the_day_it_first_stood_in_the_same_categories() {
    let (first, first_names) = build(&LISTED);
    let first = Table::open(first).unwrap();
    let first_names = Names::open(first_names, &first).unwrap();
    let mut listed = LISTED.to_vec();
    listed.retain(|(text, _)| *text != "fr");
    listed.extend([("jeux.example", 3), ("neuf.example", 1), ("blog.example/neuf", 1)]);
    // So many that an entry's place is another one.
    let others: Vec<_> = (0..100).map(|number| format!("autre-{number}.example")).collect();
    listed.extend(others.iter().map(|name| (name.as_str(), 2)));
    for seed in [SEED, SEED + 1] {
        let since = Since { today: day("2026-09-01"), previous: Some((&first, &first_names)) };
        let (table, names) = build_since(seed, &listed, &since);
        let table = Table::open(table).unwrap();
        let names = Names::open(names, &table).unwrap();
        for (name, expected) in [
            ("presse.example", "2026-08-17"),
            ("adultes.jeux.example", "2026-08-17"),
            ("jeux.example", "2026-09-01"),
            ("neuf.example", "2026-09-01"),
        ] {
            let name = domain(name);
            let listed = table.listed(&name).last().unwrap();
            assert_eq!(names.since(&listed), Some(day(expected)), "{name}, seed {seed}");
        }
        let address = table.listed_address("2001:db8::7".parse().unwrap()).unwrap();
        assert_eq!(names.since(&address), Some(day("2026-08-17")));
        for (asked, expected) in [("blog.example/jeux", "2026-08-17"), ("blog.example/neuf", "2026-09-01")] {
            let (host, path) = url(asked);
            let listed = table.listed_urls(&host, &path).last().unwrap();
            assert_eq!(names.since(&listed), Some(day(expected)), "{asked}, seed {seed}");
        }
    }
}

#[test]
fn a_table_of_an_older_version_is_refused_by_its_number() {
    let mut bytes = build(&LISTED).0;
    bytes[8] = 1;
    let error = Table::open(bytes).unwrap_err();
    assert_eq!(error.to_string(), "the table has version 1, this program reads version 3; build it again");
}

#[test]
fn a_table_tells_its_sources_counts_and_other_names() {
    let table = Table::open(build(&LISTED).0).unwrap();
    assert_eq!(*table.description(), description());
    assert_eq!(table.names_count(), 10);
    let counts: Vec<_> = table.categories().iter().map(|category| (category.names, category.urls)).collect();
    assert_eq!(counts, [(1, 1), (2, 3), (1, 1), (3, 0)]);
    assert_eq!(table.category("porn"), table.category("adult"));
    assert_eq!(table.category("autre"), None);
}

#[test]
fn the_same_names_in_the_same_order_give_the_same_bytes() {
    assert_eq!(build(&LISTED), build(&LISTED));
}

#[test]
fn an_empty_table_lists_nothing() {
    let (table, names) = build(&[]);
    let table = Table::open(table).unwrap();
    table.verify().unwrap();
    assert!(table.categories_of(&domain("www.example")).is_empty());
    assert_eq!(Names::open(names, &table).unwrap().iter().count(), 0);
}

#[test]
fn a_category_name_is_taken_once_and_a_table_has_at_most_256() {
    let mut builder = Builder::new(SEED, Vec::new()).unwrap();
    let id = builder.category("a").unwrap();
    assert!(matches!(builder.category("a"), Err(BuildError::CategoryName(_))));
    assert!(matches!(builder.alias("a", id), Err(BuildError::CategoryName(_))));
    assert!(matches!(builder.category(""), Err(BuildError::CategoryName(_))));
    for number in 1..CategoryId::COUNT_MAX {
        builder.category(&number.to_string()).unwrap();
    }
    assert!(matches!(builder.category("z"), Err(BuildError::Categories)));
}

/// Asks a table everything, for the panics it must not have.
fn ask(table: &Table) {
    for name in ["x.adultes.jeux.example", "presse.example", "a.fr", "nulle-part.example"] {
        for id in table.categories_of(&domain(name)).iter() {
            let _ = table.category_name(id);
        }
    }
    let _ = table.categories_of_address("203.0.113.7".parse().unwrap());
    let (host, path) = url("blog.example/jeux/echecs?partie=3&coup=1");
    let _ = table.url_categories(&host, &path);
    let _ = table.keys().count();
}

#[test]
fn a_flipped_byte_is_refused_or_found_out_and_never_panics() {
    let (whole, _) = build(&LISTED);
    for place in 0..whole.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] ^= flip;
            if let Ok(table) = Table::open(bytes) {
                ask(&table);
                assert_eq!(table.verify(), Err(TableError::Body), "byte {place} xor {flip}");
            }
        }
    }
}

#[test]
fn a_table_cut_anywhere_or_with_more_behind_is_refused() {
    let (whole, _) = build(&LISTED);
    for end in 0..whole.len() {
        assert!(Table::open(whole[..end].to_vec()).is_err(), "{end} bytes");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert_eq!(Table::open(longer).unwrap_err(), TableError::Length);
}

#[test]
fn a_damaged_names_file_is_refused_or_gives_wrong_names_and_never_panics() {
    let (table, whole) = build(&LISTED);
    let table = Table::open(table).unwrap();
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xff;
        if let Ok(names) = Names::open(bytes, &table) {
            let _ = names.iter().count();
        }
        if let Ok(names) = Names::open(whole[..place].to_vec(), &table) {
            let _ = names.iter().count();
        }
    }
}

#[test]
fn names_of_another_table_are_refused() {
    let other = Table::open(build(&LISTED[1..]).0).unwrap();
    assert_eq!(Names::open(build(&LISTED).1, &other).unwrap_err(), TableError::OtherTable);
}

fn small_name() -> impl Strategy<Value = String> {
    prop::collection::vec("[a-c]{1,2}", 1..5).prop_map(|labels| labels.join("."))
}

/// A path of up to four segments, without a slash at its end unless it is one alone.
fn small_path() -> impl Strategy<Value = String> {
    let segments = prop::collection::vec("[a-b]{1,2}", 0..4);
    (segments, prop::option::of("[a-b]")).prop_map(|(segments, query)| {
        let path = format!("/{}", segments.join("/"));
        query.map_or(path.clone(), |query| format!("{path}?{query}"))
    })
}

proptest! {
    #[test]
    fn the_table_answers_like_a_map_of_names(
        listed in prop::collection::vec((small_name(), 0..CATEGORIES.len()), 0..200),
        asked in prop::collection::vec(small_name(), 1..50),
    ) {
        let borrowed: Vec<_> = listed.iter().map(|(name, category)| (name.as_str(), *category)).collect();
        let table = Table::open(build(&borrowed).0).unwrap();
        let mut model: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (name, category) in &borrowed {
            model.entry(name).or_default().push(*category);
        }
        prop_assert_eq!(table.names_count(), model.len());
        for name in asked.iter().chain(listed.iter().map(|(name, _)| name)) {
            let name = domain(name);
            let mut expected: Vec<_> = name.ancestry().filter_map(|suffix| model.get(suffix)).flatten().copied().collect();
            expected.sort_unstable();
            expected.dedup();
            let found: Vec<_> = table.categories_of(&name).iter().map(CategoryId::index).collect();
            prop_assert_eq!(found, expected, "{}", name);
        }
    }

    #[test]
    fn the_table_answers_like_a_set_of_urls(
        listed in prop::collection::vec((small_name(), small_path(), 0..CATEGORIES.len()), 0..100),
        asked in prop::collection::vec((small_name(), small_path()), 1..50),
    ) {
        let urls: Vec<_> =
            listed.iter().map(|(host, path, category)| (format!("{host}{path}"), *category)).collect();
        let borrowed: Vec<_> = urls.iter().map(|(url, category)| (url.as_str(), *category)).collect();
        let table = Table::open(build(&borrowed).0).unwrap();
        for (host, path) in listed.iter().map(|(host, path, _)| (host, path)).chain(asked.iter().map(|(h, p)| (h, p))) {
            let holds = |(other, prefix, category): &(String, String, usize)| {
                let rest = path.strip_prefix(prefix.trim_end_matches('/'))?;
                (other == host && (rest.is_empty() || rest.starts_with(['/', '?']))).then_some(*category)
            };
            let mut expected: Vec<_> = listed.iter().filter_map(holds).collect();
            expected.sort_unstable();
            expected.dedup();
            let found = table.url_categories(&site(host), &UrlPath::from(path.as_str()));
            let found: Vec<_> = found.iter().map(CategoryId::index).collect();
            prop_assert_eq!(found, expected, "{}{}", host, path);
        }
    }

    #[test]
    fn no_bytes_make_the_table_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), keep in 0usize..400) {
        let mut whole = build(&LISTED).0;
        let _ = Table::open(bytes.clone());
        let keep = keep.min(whole.len());
        whole.truncate(keep);
        whole.extend(bytes);
        if let Ok(table) = Table::open(whole) {
            ask(&table);
        }
    }
}
