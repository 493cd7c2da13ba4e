//! Whatever is delivered: what the preview says is what happens.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::identity::feed::PersonChange;

/// What a generated delivery says of the person with a number.
#[derive(Clone, Debug)]
enum Word {
    Whole { class: u8, is_elsewhere: bool, last_day: Option<i8> },
    Change { class: u8 },
    Leaves,
    Refused,
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        6 => (0..3_u8, prop::bool::weighted(0.1), prop::option::weighted(0.1, 1..30_i8)).prop_map(
            |(class, is_elsewhere, last_day)| Word::Whole { class, is_elsewhere, last_day }
        ),
        2 => (0..3_u8).prop_map(|class| Word::Change { class }),
        1 => Just(Word::Leaves),
        1 => Just(Word::Refused),
    ]
}

fn delivery(day: i8, is_complete: bool, is_cut: bool, words: &[(u8, Word)]) -> Delivery {
    let mut delivery = if is_complete { Delivery::complete(day) } else { Delivery::delta(day).school(HERE) };
    delivery.is_cut = is_cut;
    for (number, word) in words {
        let id = format!("P{number:02}");
        delivery = match word {
            Word::Whole { class, is_elsewhere, last_day } => {
                let mut record = pupil(&id, &format!("6{class}"));
                if *is_elsewhere {
                    record.person.schools[0].school = uai(OTHER);
                }
                record.has_left = last_day.map(|day| date(2026, 11, day));
                delivery.person(record)
            }
            Word::Change { class } if !is_complete => {
                let mut change = PersonChange::none(AccountId::new(&id));
                change.classes = Some(vec![(uai(HERE), ClassName::new(&format!("6{class}")))]);
                delivery.with(Item::Change(Box::new(change)))
            }
            Word::Leaves if !is_complete => delivery.with(Item::Leaves(AccountId::new(&id))),
            Word::Change { .. } | Word::Leaves | Word::Refused => delivery.refused(&id),
        };
    }
    delivery
}

/// Everybody in force: what the school says of them.
fn in_force(office: &Office) -> BTreeMap<String, String> {
    let directory = office.directory();
    let said = |id: &AccountId| {
        let mut person = (**directory.person(id).unwrap()).clone();
        person.login = None;
        format!("{person:?} {:?}", office.register.find(id.as_str()).unwrap().unwrap().ends_on)
    };
    directory.accounts().map(|account| (account.id.as_str().to_owned(), said(&account.id))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_preview_counts_what_applying_does(
        deliveries in prop::collection::vec(
            (any::<bool>(), prop::bool::weighted(0.1), prop::collection::vec((0..30_u8, word()), 1..40)),
            1..6,
        ),
    ) {
        let office = Office::new();
        for (day, (is_complete, is_cut, words)) in (1..).zip(&deliveries) {
            let staged = office.stage(&delivery(day, *is_complete || day == 1, *is_cut, words));
            let Staged::Waiting { number, .. } = staged else { continue };
            let before = in_force(&office);
            let in_trash = office.register.standing(office.today).unwrap().in_trash;
            let preview = office.preview(number);
            prop_assert_eq!(in_force(&office), before.clone());
            office.register.release(number).unwrap();
            prop_assert_eq!(office.apply().feeds, [number]);
            let after = in_force(&office);
            let Counts { added, returning, changed, unchanged: _, leaving, clashing } = preview.counts;
            let count = |found: usize| u64::try_from(found).unwrap();
            let come = after.keys().filter(|id| !before.contains_key(*id)).count();
            let gone = before.keys().filter(|id| !after.contains_key(*id)).count();
            let other = before.iter().filter(|(id, said)| after.get(*id).is_some_and(|now| now != *said)).count();
            prop_assert_eq!(added + returning, count(come));
            prop_assert_eq!(leaving, count(gone));
            prop_assert_eq!(changed, count(other));
            prop_assert_eq!(clashing, 0);
            let in_trash_after = office.register.standing(office.today).unwrap().in_trash;
            prop_assert_eq!(in_trash + leaving - returning, in_trash_after);
            if *is_cut && (*is_complete || day == 1) {
                let has_last_day = |id: &str| {
                    words.iter().any(|(number, word)| {
                        let has_one = matches!(word, Word::Whole { last_day: Some(_), .. });
                        has_one && id == format!("P{number:02}")
                    })
                };
                let nobody_missing = before.keys().all(|id| after.contains_key(id) || has_last_day(id));
                prop_assert!(nobody_missing, "a cut delivery made somebody leave");
            }
        }
    }
}
