//! One delivery: what it changes, what it leaves alone.

use super::*;
use crate::identity::feed::PersonChange;

#[test]
fn staging_changes_nothing_for_anybody_and_applying_does() {
    let office = Office::new();
    let revision = office.register.revision().unwrap();
    let number = office.taken(&Delivery::complete(20).pupil("P1", "6A").pupil("P2", "6B"));
    assert!(office.ids().is_empty());
    assert_eq!(office.register.revision().unwrap(), revision);
    assert_eq!(office.preview(number).counts, Counts { added: 2, ..Counts::default() });
    assert!(office.ids().is_empty());
    assert_eq!(office.apply().feeds, [number]);
    assert_eq!(office.people(), ["P1 p1.exemple eleve 6A", "P2 p2.exemple eleve 6B"]);
    assert_ne!(office.register.revision().unwrap(), revision);
    assert_eq!(office.apply(), Applied::default());
}

#[test]
fn a_delivery_that_is_only_shown_is_never_there() {
    let office = Office::new();
    let delivery = Delivery::complete(20).pupil("P1", "6A").refused("P2");
    let shown = delivery.hand_over(&office.register, office.today, None, Intent::Show);
    let Staged::Waiting { preview, .. } = shown else { panic!("{shown:?}") };
    assert_eq!(preview.counts.added, 1);
    assert_eq!(preview.refusals[0].id, Some(AccountId::new("P2")));
    assert!(office.register.feeds(office.today).unwrap().is_empty());
    assert!(office.register.quarantine().unwrap().is_empty());
    assert_eq!(office.apply(), Applied::default());
}

#[test]
fn a_preview_counts_by_role_and_class_and_names_those_it_concerns() {
    let office = Office::new();
    let first = Delivery::complete(20).pupil("P1", "6A").pupil("P2", "6A").pupil("P3", "6B").person(person(
        "T1",
        Role::Enseignant,
        "6A",
    ));
    office.in_force(&first);
    let second = Delivery::complete(21).pupil("P1", "6A").pupil("P2", "6B").pupil("P4", "6C").person(person(
        "T1",
        Role::Enseignant,
        "6A",
    ));
    let number = office.taken(&second);
    let preview = office.preview(number);
    let counts = Counts { added: 1, changed: 1, unchanged: 2, leaving: 1, ..Counts::default() };
    assert_eq!(preview.counts, counts);
    let roles: Vec<_> = preview.roles.iter().map(|role| (role.role, role.counts.unchanged)).collect();
    assert_eq!(roles, [(Role::Eleve, 1), (Role::Enseignant, 1)]);
    let classes: Vec<_> = preview
        .classes
        .iter()
        .map(|of| {
            let Counts { added, changed, unchanged, leaving, .. } = of.counts;
            (of.class.as_str(), [added, changed, unchanged, leaving])
        })
        .collect();
    assert_eq!(classes, [("6A", [0, 0, 2, 0]), ("6B", [0, 1, 0, 1]), ("6C", [1, 0, 0, 0])]);
    let moves = office.register.movements(number, office.today, None, 10).unwrap();
    let moves: Vec<_> = moves.iter().map(|one| (one.person.id.as_str(), one.what)).collect();
    assert_eq!(moves, [("P2", Move::Changed), ("P3", Move::Leaving), ("P4", Move::Added)]);
    let behind = AccountId::new("P2");
    let rest = office.register.movements(number, office.today, Some(&behind), 1).unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(rest[0].what, Move::Leaving);
    assert_eq!(rest[0].person.schools[0].classes, [ClassName::new("6B")]);
}

#[test]
fn persons_of_other_schools_are_counted_and_not_kept() {
    let office = Office::new();
    let mut elsewhere = pupil("P9", "6A");
    elsewhere.person.schools[0].school = uai(OTHER);
    let mut both = pupil("P2", "6A");
    both.person.schools.push(Attachment {
        school: uai(OTHER),
        classes: vec![ClassName::new("ULIS")],
        groups: Vec::new(),
    });
    let delivery = Delivery::complete(20).school(OTHER).person(both).person(elsewhere);
    let number = office.taken(&delivery);
    assert_eq!(office.preview(number).elsewhere, 1);
    office.apply();
    assert_eq!(office.people(), ["P2 p2.exemple eleve 6A"]);
    let known = office.directory();
    assert_eq!(known.person(&AccountId::new("P2")).unwrap().schools.len(), 2);
}

#[test]
fn a_delivery_of_one_school_makes_nobody_of_another_leave() {
    let office = Office::new();
    let mut theirs = Delivery::complete(20);
    theirs.here = uai(OTHER);
    let mut away = pupil("P9", "6A");
    away.person.schools[0].school = uai(OTHER);
    theirs.items.clear();
    office.in_force(&theirs.school(OTHER).person(away));
    office.in_force(&Delivery::complete(21).pupil("P1", "6A"));
    assert_eq!(office.ids(), ["P1"]);
    assert_eq!(office.register.snapshot(&uai(OTHER)).unwrap().count(), 1);
}

#[test]
fn a_delivery_that_names_other_schools_only_is_refused_whole_and_names_both() {
    let office = Office::new();
    let mut away = pupil("P9", "6A");
    away.person.schools[0].school = uai(OTHER);
    for extent in [Extent::Complete, Extent::Delta] {
        let delivery = Delivery::new(Format::Aaf, extent, None).person(away.clone()).school(OTHER);
        let Staged::Refused(refusal) = office.stage(&delivery) else { panic!("taken") };
        let text = refusal.to_string();
        assert!(text.contains(HERE) && text.contains(OTHER), "{text}");
        assert!(office.register.feeds(office.today).unwrap().is_empty());
    }
}

#[test]
fn a_delivery_of_one_source_leaves_those_of_another_alone() {
    let office = Office::new();
    office.in_force(&Delivery::complete(20).pupil("P1", "6A"));
    let csv = Delivery::new(Format::Csv, Extent::Complete, None).pupil("C1", "6A");
    office.in_force(&csv);
    assert_eq!(office.ids(), ["C1", "P1"]);
    // GPEI is another export of what AAF exports.
    office.in_force(
        &Delivery::new(Format::Gpei, Extent::Complete, Some(date(2026, 11, 22)))
            .school(HERE)
            .pupil("P2", "6A"),
    );
    assert_eq!(office.ids(), ["C1", "P2"]);
}

#[test]
fn an_identifier_that_two_sources_give_to_two_people_stays_with_the_first() {
    let office = Office::new();
    office.in_force(&Delivery::complete(20).pupil("1", "6A"));
    let mut other = pupil("1", "3B");
    other.person.family_name = "AUTRE".to_owned();
    let csv = Delivery::new(Format::Csv, Extent::Complete, None).person(other).pupil("2", "3B");
    let number = office.taken(&csv);
    let counts = Counts { added: 1, clashing: 1, ..Counts::default() };
    assert_eq!(office.preview(number).counts, counts);
    office.apply();
    assert_eq!(office.people(), ["1 1.exemple eleve 6A", "2 2.exemple eleve 3B"]);
    assert_eq!(office.register.quarantine().unwrap().len(), 1);
}

#[test]
fn somebody_whose_record_is_refused_stays_as_they_were() {
    let office = Office::new();
    office.in_force(&Delivery::complete(20).pupil("P1", "6A").pupil("P2", "6A"));
    office.in_force(&Delivery::complete(21).pupil("P1", "6B").refused("P2"));
    assert_eq!(office.people(), ["P1 p1.exemple eleve 6B", "P2 p2.exemple eleve 6A"]);
    let mut unusable = pupil("P2", "6C");
    unusable.password = Some("secret".to_owned());
    office.in_force(&Delivery::complete(22).pupil("P1", "6B").person(unusable));
    assert_eq!(office.people(), ["P1 p1.exemple eleve 6B", "P2 p2.exemple eleve 6A"]);
}

#[test]
fn the_quarantine_keeps_place_and_reason_until_the_next_complete_or_somebody_has_seen_it() {
    let office = Office::new();
    office.in_force(&Delivery::complete(20).pupil("P1", "6A").refused("P2").refused("P3"));
    office.in_force(&Delivery::delta(21).pupil("P4", "6A").refused("P5"));
    let quarantine = office.register.quarantine().unwrap();
    let ids: Vec<_> = quarantine.iter().map(|one| one.id.as_ref().unwrap().as_str()).collect();
    assert_eq!(ids, ["P5", "P2", "P3"]);
    assert_eq!(quarantine[1].file.as_deref(), Some("Eleve_0000.xml"));
    assert_eq!(quarantine[1].line, 12);
    assert_eq!(quarantine[1].reason, Reason::NoSchool.to_string());
    assert!(office.register.dismiss(quarantine[1].number).unwrap());
    assert!(!office.register.dismiss(quarantine[1].number).unwrap());
    assert_eq!(office.register.quarantine_count().unwrap(), 2);
    office.in_force(&Delivery::complete(22).pupil("P1", "6A").pupil("P4", "6A").refused("P6"));
    let ids: Vec<_> = office.register.quarantine().unwrap().into_iter().filter_map(|one| one.id).collect();
    assert_eq!(ids, [AccountId::new("P6")]);
}

#[test]
fn a_delivered_password_is_in_the_directory_and_never_in_what_is_shown() {
    let office = Office::new();
    let mut with_password = pupil("P1", "6A");
    with_password.password = Some(HASH.to_owned());
    office.in_force(&Delivery::new(Format::Csv, Extent::Complete, None).person(with_password));
    let directory = office.directory();
    assert!(directory.entry("p1.exemple").unwrap().verifier.is_some());
    let found = office.register.find(" P1.Exemple ").unwrap().unwrap();
    assert!(found.has_password);
    assert!(!format!("{found:?}").contains("argon2"));
}

#[test]
fn a_delta_adds_changes_and_removes_what_it_names_only() {
    let office = Office::new();
    office.in_force(&Delivery::complete(20).pupil("P1", "6A").pupil("P2", "6A").pupil("P3", "6A"));
    let mut change = PersonChange::none(AccountId::new("P1"));
    change.classes = Some(vec![(uai(HERE), ClassName::new("5A"))]);
    let mut unknown = PersonChange::none(AccountId::new("P8"));
    unknown.family_name = Some("AILLEURS".to_owned());
    let mut moved = PersonChange::none(AccountId::new("P3"));
    moved.main_school = Some(uai(OTHER));
    moved.posts = Some(vec![uai(OTHER)]);
    moved.classes = Some(vec![(uai(OTHER), ClassName::new("6C"))]);
    let delta = Delivery::delta(21)
        .with(Item::Change(Box::new(change)))
        .with(Item::Change(Box::new(unknown)))
        .with(Item::Change(Box::new(moved)))
        .with(Item::Leaves(AccountId::new("P2")))
        .with(Item::Leaves(AccountId::new("P9")))
        .pupil("P4", "6B");
    let number = office.taken(&delta);
    let counts = Counts { added: 1, changed: 1, leaving: 2, ..Counts::default() };
    assert_eq!(office.preview(number).counts, counts);
    assert_eq!(office.preview(number).counts, counts);
    office.apply();
    assert_eq!(office.people(), ["P1 p1.exemple eleve 5A", "P4 p4.exemple eleve 6B"]);
}

#[test]
fn changes_upon_a_person_or_a_change_of_the_same_delta_are_one() {
    let office = Office::new();
    office.in_force(&Delivery::complete(20).pupil("P1", "6A"));
    let change = |id: &str, class: Option<&str>, name: Option<&str>| {
        let mut change = PersonChange::none(AccountId::new(id));
        change.classes = class.map(|class| vec![(uai(HERE), ClassName::new(class))]);
        change.family_name = name.map(str::to_owned);
        Item::Change(Box::new(change))
    };
    let delta = Delivery::delta(21)
        .pupil("P2", "6A")
        .with(change("P2", Some("6B"), None))
        .with(change("P1", Some("6C"), None))
        .with(change("P1", None, Some("AUTRE")));
    office.in_force(&delta);
    assert_eq!(office.people(), ["P1 p1.exemple eleve 6C", "P2 p2.exemple eleve 6B"]);
    let known = office.register.find("P1").unwrap().unwrap();
    assert_eq!(known.person.family_name, "AUTRE");
}

#[test]
fn somebody_with_a_last_day_goes_when_it_comes() {
    let mut office = Office::new();
    let mut going = pupil("P1", "6A");
    going.has_left = Some(date(2026, 12, 1));
    let mut gone = pupil("P2", "6A");
    gone.has_left = Some(date(2026, 11, 1));
    office.in_force(&Delivery::complete(20).person(going).person(gone).pupil("P3", "6A"));
    assert_eq!(office.ids(), ["P1", "P3"]);
    assert_eq!(office.on(date(2026, 12, 1)).apply().ended, 1);
    assert_eq!(office.ids(), ["P3"]);
    assert_eq!(office.register.find("P1").unwrap().unwrap().left_on, Some(date(2026, 12, 1)));
}

#[test]
fn who_left_is_deleted_after_three_months_and_whoever_comes_back_before_is_who_they_were() {
    let mut office = Office::new();
    office.in_force(&Delivery::complete(20).pupil("P1", "6A").pupil("P2", "6A").pupil("P3", "6A"));
    office.in_force(&Delivery::complete(21).pupil("P3", "6A"));
    assert_eq!(office.ids(), ["P3"]);
    assert_eq!(office.register.standing(office.today).unwrap().in_trash, 2);
    let back = Delivery::new(Format::Aaf, Extent::Complete, Some(date(2027, 1, 10)))
        .school(HERE)
        .pupil("P1", "5A")
        .pupil("P3", "6A");
    office.on(date(2027, 1, 10));
    let number = office.taken(&back);
    assert_eq!(office.preview(number).counts.returning, 1);
    office.apply();
    assert_eq!(office.people(), ["P1 p1.exemple eleve 5A", "P3 p3.exemple eleve 6A"]);
    assert!(office.on(date(2027, 2, 22)).apply().deleted.is_empty());
    assert_eq!(office.on(date(2027, 2, 23)).apply().deleted, [AccountId::new("P2")]);
    assert_eq!(office.register.find("P2").unwrap(), None);
    assert_eq!(office.ids(), ["P1", "P3"]);
}

#[test]
fn nothing_happens_by_date_while_the_clock_is_in_doubt() {
    let mut office = Office::new();
    office.in_force(&Delivery::complete(20).pupil("P1", "6A").pupil("P2", "6A"));
    office.in_force(&Delivery::complete(21).pupil("P1", "6A"));
    office.stage_for(&Delivery::complete(22).pupil("P1", "6B"), Some(date(2026, 12, 19)));
    office.on(date(2099, 1, 1)).today.is_sure = false;
    assert_eq!(office.apply(), Applied::default());
    assert_eq!(office.register.standing(office.today).unwrap().in_trash, 1);
}

#[test]
fn what_was_deleted_is_not_in_the_file_any_more() {
    let mut office = Office::new();
    let mut marked = pupil("P1", "6A");
    marked.person.family_name = "TRESRECONNAISSABLE".to_owned();
    office.in_force(&Delivery::complete(20).person(marked).pupil("P2", "6A"));
    office.in_force(&Delivery::complete(21).pupil("P2", "6A"));
    office.on(date(2027, 6, 1)).apply();
    let Office { dir, register, .. } = office;
    drop(register);
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let needle = b"TRESRECONNAISSABLE";
        assert!(!bytes.windows(needle.len()).any(|window| window == needle));
    }
}
