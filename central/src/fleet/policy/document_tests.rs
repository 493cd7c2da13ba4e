//! Documents as fields and as text: both agree, faults are where they are, differences say what is different.

use proptest::prelude::*;

use super::*;
use crate::words::Place;

const PLACE: Place = Place::Academie;

fn document(rules: &str) -> Document {
    Document::read(&tests::text(&PLACE, rules), &PLACE).unwrap()
}

#[test]
fn a_fault_names_line_part_and_field() {
    for (rules, line, part, field) in [
        ("[[rule]]\nid = \"a\"\neffect = \"close\"\n", 6, Part::Rule("a".into()), "effect"),
        ("[[rule]]\neffect = \"allow\"\nid = \"a\"\nsites = [\"*.x\"]\n", 7, Part::Rule("a".into()), "sites"),
        ("[[search]]\nid = \"s\"\nyoutube = \"no\"\n", 6, Part::Search("s".into()), "youtube"),
        ("[timetables.\"le soir\"]\nmonday = [\"9-10\"]\n", 5, Part::Timetable("le soir".into()), "monday"),
        ("colour = 3\n", 4, Part::Head, "colour"),
    ] {
        let fault = Document::read(&tests::text(&PLACE, rules), &PLACE).unwrap_err();
        assert_eq!(
            (fault.error.line, fault.part, fault.error.field.as_str()),
            (line, part, field),
            "{rules}"
        );
    }
}

#[test]
fn the_document_of_a_place_has_its_level() {
    let fault = Document::read(&tests::text(&tests::somme(), ""), &PLACE).unwrap_err();
    assert_eq!((fault.error.line, fault.error.field.as_str()), (2, "level"));
}

#[test]
fn an_edit_that_boxes_would_not_take_changes_nothing() {
    let before = document(&tests::rule("a", "block", "everything = true"));
    let gone = before.edited(&Edit::Remove("b".into()), &PLACE).unwrap_err();
    assert_eq!(gone, EditError::NotThere(Part::Rule("b".into())));
    let twin = before.edited(&Edit::AddRule(None, Box::new(before.rules[0].clone())), &PLACE).unwrap_err();
    assert_eq!(twin, EditError::Taken(Part::Rule("a".into())));
    let silent = Rule { reason: None, ..before.rules[0].clone() };
    let fault = before.edited(&Edit::ChangeRule("a".into(), Box::new(silent)), &PLACE).unwrap_err();
    let EditError::Fault(fault) = fault else { panic!("{fault}") };
    assert_eq!((fault.part, fault.error.field.as_str()), (Part::Rule("a".into()), "reason"));
}

#[test]
fn a_timetable_takes_its_rules_along_when_it_is_renamed() {
    let before = document(&format!(
        "[timetables.cours]\nmonday = [\"08:00-12:00\"]\n{}",
        tests::rule("a", "block", "everything = true\nlocked = true\nduring = \"cours\"")
    ));
    let after = before.edited(&Edit::RenameTimetable("cours".into(), "classe".into()), &PLACE).unwrap();
    assert_eq!(after.rules[0].during.as_deref(), Some("classe"));
    assert!(before.edited(&Edit::RemoveTimetable("cours".into()), &PLACE).is_err(), "a rule goes by it");
    let week = Week { monday: vec!["08:00-13:00".into()], ..Week::default() };
    let after = before.edited(&Edit::PutTimetable("cours".into(), week), &PLACE).unwrap();
    assert!(Difference::between(&before, &after).touches_locked(), "its hours are the locked rule's");
}

#[test]
fn a_difference_tells_what_came_what_went_and_what_moved() {
    let rules = |ids: &[&str]| -> String {
        ids.iter().map(|id| tests::rule(id, "block", &format!("sites = [\"{id}.example\"]"))).collect()
    };
    let before = document(&rules(&["a", "b", "c", "d"]));
    let mut after = document(&rules(&["d", "a", "c", "e"]));
    after.rules[1].sites.push("x.example".into());
    let told: Vec<_> = Difference::between(&before, &after)
        .changes
        .into_iter()
        .map(|change| {
            let kind = match change.kind {
                Kind::Added(_) => "added".to_owned(),
                Kind::Removed(_) => "removed".to_owned(),
                Kind::Moved => "moved".to_owned(),
                Kind::Changed(fields) => {
                    format!("{} +{:?} -{:?}", fields[0].name, fields[0].come, fields[0].gone)
                }
            };
            format!("{} {kind}", change.part)
        })
        .collect();
    let expected =
        ["rule `d` moved", "rule `a` sites +[\"x.example\"] -[]", "rule `e` added", "rule `b` removed"];
    assert_eq!(told, expected);
    assert!(Difference::between(&before, &before).is_empty());
}

fn words(pattern: &'static str) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(pattern, 0..4)
}

fn rule() -> impl Strategy<Value = Rule> {
    let lists = (words("[a-z]{1,8}\\.(example|fr)"), words("[a-zé\"\\\\' #=]{0,3}[a-z]"), words("6[A-Fé\"]"));
    let reason = prop::option::of("[ -~éœ\"\\\\]{0,60}[a-z]");
    (any::<bool>(), any::<bool>(), any::<bool>(), 0..3usize, lists, reason).prop_map(
        |(blocks, locked, everything, when, (sites, categories, classes), reason)| {
            let everything = everything || (sites.is_empty() && categories.is_empty());
            let named = |at: usize| (when == at).then(|| "le \"cours\"".to_owned());
            Rule {
                id: String::new(),
                effect: if blocks { Effect::Block } else { Effect::Allow },
                locked,
                sites: if everything { Vec::new() } else { sites },
                categories: if everything { Vec::new() } else { categories },
                everything,
                classes,
                during: named(1),
                outside: named(2),
                reason: reason.or_else(|| blocks.then(|| "motif".to_owned())),
                ..Rule::default()
            }
        },
    )
}

fn drawn() -> impl Strategy<Value = Document> {
    let search = prop::collection::vec((any::<bool>(), prop::option::of("strict|moderate|off")), 0..3);
    (prop::collection::vec(rule(), 0..6), search, "[A-Za-zéÉ'\" ]{0,20}[a-z]").prop_map(
        |(rules, search, name)| {
            let rules = rules.into_iter().enumerate();
            let search = search.into_iter().enumerate().map(|(number, (on, youtube))| Search {
                id: format!("recherche {number}"),
                safe_search: Some(on),
                youtube,
                ..Search::default()
            });
            let week = Week { sunday: vec!["08:00-09:00".into(), "10:00-24:00".into()], ..Week::default() };
            Document {
                name,
                timetables: [("le \"cours\"".to_owned(), week)].into(),
                rules: rules.map(|(number, rule)| Rule { id: format!("r{number}"), ..rule }).collect(),
                search: search.collect(),
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fields_and_text_always_agree(document in drawn()) {
        let text = document.text(&PLACE, "une tête\nde deux lignes");
        let read = Document::read(&text, &PLACE).unwrap();
        prop_assert_eq!(&read, &document);
        prop_assert_eq!(read.text(&PLACE, "une tête\nde deux lignes"), text);
    }

    #[test]
    fn what_moved_is_no_more_than_needed(order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle()) {
        let of = |order: &[usize]| Document {
            rules: order.iter().map(|id| Rule { id: id.to_string(), ..Rule::default() }).collect(),
            ..Document::empty("x")
        };
        let changes = Difference::between(&of(&[0, 1, 2, 3, 4, 5]), &of(&order)).changes;
        let still: Vec<_> = order
            .iter()
            .filter(|id| !changes.iter().any(|change| change.part == Part::Rule(id.to_string())))
            .collect();
        prop_assert!(still.is_sorted(), "{still:?} of {order:?}");
        prop_assert!(changes.len() < 6);
    }
}
