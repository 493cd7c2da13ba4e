//! What may be shown of small groups; what of counts is kept is in `central/tests/statistics.rs`, on both engines.

use std::collections::BTreeMap;

use super::{Answered, Counted, Group, Shown};

/// Askers with persons, questions allowed and refused, on one day.
fn counted(askers: &[(&str, u64, u64, u64)]) -> Counted {
    let mut counted = Counted { starts: vec![7], questions: BTreeMap::new(), persons: BTreeMap::new() };
    for (who, persons, allowed, refused) in askers {
        let key = |allowed: bool| (7, (*who).to_owned(), String::from("default"), allowed);
        counted.questions.insert(key(true), *allowed);
        counted.questions.insert(key(false), *refused);
        counted.persons.insert((7, (*who).to_owned()), *persons);
    }
    counted
}

fn who(groups: &[Group]) -> Vec<(String, u64, u64)> {
    groups.iter().map(|group| (group.who.join("+"), group.persons, group.allowed + group.refused)).collect()
}

#[test]
fn a_small_group_is_shown_with_so_many_others_that_the_rest_does_not_say_it() {
    let check = |askers: &[(&str, u64, u64, u64)], expected: &[(&str, u64, u64)]| {
        let shown = Shown::of(&counted(askers));
        let expected: Vec<_> =
            expected.iter().map(|(who, persons, all)| ((*who).to_owned(), *persons, *all)).collect();
        assert_eq!(who(&shown.groups), expected, "{askers:?}");
        let all: u64 = shown.groups.iter().map(|group| group.allowed + group.refused).sum();
        match shown.periods[0].answered {
            Answered::Questions { allowed, refused } => assert_eq!(allowed + refused, all),
            other => assert_eq!((other, all), (Answered::TooFew, 0)),
        }
    };
    let pupils = ("eleve", 400, 900, 100);
    check(&[pupils, ("enseignant", 30, 70, 5)], &[("eleve", 400, 1000), ("enseignant", 30, 75)]);
    check(
        &[pupils, ("enseignant", 30, 70, 5), ("referent", 1, 9, 0)],
        &[("eleve", 400, 1000), ("enseignant+referent", 31, 84)],
    );
    check(
        &[pupils, ("enseignant", 6, 70, 5), ("administratif", 5, 9, 1)],
        &[("eleve", 400, 1000), ("enseignant+administratif", 11, 85)],
    );
    check(
        &[pupils, ("tableau", 6, 20, 0), ("imprimante", 5, 9, 1)],
        &[("eleve", 400, 1000), ("machines", 11, 30)],
    );
    check(&[("eleve", 9, 900, 100)], &[]);
    // Six pupils had six machines before they signed in: these are not twelve.
    check(&[("eleve", 6, 900, 100), ("nobody", 6, 10, 10)], &[]);
}

#[test]
fn a_ground_of_few_questions_is_not_told_by_itself() {
    let mut counted = counted(&[("eleve", 50, 900, 0)]);
    for (ground, refused) in [("category:adult", 9), ("category:games", 30), ("rule:academie/x", 3)] {
        counted.questions.insert((7, "eleve".into(), ground.into(), false), refused);
    }
    let shown = Shown::of(&counted);
    let grounds: Vec<_> = shown.grounds.iter().map(|one| (one.ground.as_deref(), one.refused)).collect();
    assert_eq!(grounds, [(Some("category:games"), 30), (Some("default"), 0), (None, 12)]);
}
