//! The table answers like a map of names, and no damage makes it do worse than answer wrongly.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::model::{Domain, Site};

const SEED: u64 = 0x5eed;
const CATEGORIES: [&str; 4] = ["adult", "games", "press", "vpn"];

fn description() -> Description {
    Description {
        date: Arc::from("2026-08-17"),
        licence: Arc::from("CC-BY-SA-4.0"),
        sources: vec!["https://lists.example/".to_owned()],
    }
}

fn site(text: &str) -> Site {
    text.parse().unwrap()
}

fn domain(text: &str) -> Domain {
    text.parse().unwrap()
}

/// The table and names file of these sites, each in the category of this number.
fn build(listed: &[(&str, usize)]) -> (Vec<u8>, Vec<u8>) {
    let (mut table, mut names) = (Vec::new(), Vec::new());
    let mut builder = Builder::new(SEED, &mut names).unwrap();
    let ids = CATEGORIES.map(|name| builder.category(name).unwrap());
    builder.alias("porn", ids[0]).unwrap();
    for (text, category) in listed {
        builder.add(&site(text), ids[*category]).unwrap();
    }
    builder.finish(&description(), &mut table).unwrap();
    (table, names)
}

const LISTED: [(&str, usize); 8] = [
    ("jeux.example", 1),
    ("adultes.jeux.example", 0),
    ("presse.example", 2),
    ("presse.example", 1),
    ("fr", 3),
    ("203.0.113.7", 3),
    ("2001:db8::7", 3),
    ("presse.example", 2),
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
        ["2001:db8::7", "203.0.113.7", "adultes.jeux.example", "fr", "jeux.example", "presse.example"]
    );
}

#[test]
fn a_table_tells_its_sources_counts_and_other_names() {
    let table = Table::open(build(&LISTED).0).unwrap();
    assert_eq!(*table.description(), description());
    assert_eq!(table.names_count(), 6);
    assert_eq!(table.categories().iter().map(|category| category.names).collect::<Vec<_>>(), [1, 2, 1, 3]);
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
