//! What holds a delivery, and what lets it go on.

use super::*;

fn held(office: &Office, delivery: &Delivery) -> Option<Why> {
    let number = office.taken(delivery);
    let held = office.preview(number).held;
    let applied = office.apply();
    assert_eq!(applied.held.contains(&number), held.is_some());
    assert_eq!(applied.feeds.contains(&number), held.is_none());
    held
}

#[test]
fn more_than_a_tenth_leaving_waits_for_a_yes_outside_summer() {
    let mut office = Office::new();
    office.in_force(&Delivery::complete(1).pupils(70));
    let fewer = Delivery::complete(20).pupils(62);
    assert_eq!(held(&office, &fewer), Some(Why::Leaving(8, 70)));
    assert_eq!(office.ids().len(), 70);
    let number = office.register.standing(office.today).unwrap().waiting[0].number;
    assert!(office.register.release(number).unwrap());
    assert_eq!(office.apply().feeds, [number]);
    assert_eq!(office.ids().len(), 62);
    assert!(!office.register.release(number).unwrap());
    office.today.is_summer = true;
    assert_eq!(held(&office, &Delivery::complete(21).pupils(40)), None);
}

#[test]
fn a_tenth_or_five_leaving_are_every_week_s_business() {
    let office = Office::new();
    office.in_force(&Delivery::complete(1).pupils(70));
    assert_eq!(held(&office, &Delivery::complete(2).pupils(63)), None);
    let office = Office::new();
    office.in_force(&Delivery::complete(1).pupils(6));
    assert_eq!(held(&office, &Delivery::complete(2).pupils(1)), None);
}

#[test]
fn a_missing_file_of_teachers_is_held_even_in_summer() {
    let mut office = Office::new();
    let teachers = |delivery: Delivery, count: usize| {
        (0..count).fold(delivery, |delivery, number| {
            delivery.person(person(&format!("T{number}"), Role::Enseignant, "6A"))
        })
    };
    office.in_force(&teachers(Delivery::complete(1).pupils(300), 8));
    office.today.is_summer = true;
    let without = Delivery::complete(2).pupils(300);
    assert_eq!(held(&office, &without), Some(Why::Role(Role::Enseignant, 8, 8)));
    assert_eq!(held(&office, &teachers(Delivery::complete(3).pupils(300), 4)), None);
}

#[test]
fn a_cut_complete_is_held_and_makes_nobody_leave_when_released() {
    let office = Office::new();
    office.in_force(&Delivery::complete(1).pupils(3));
    assert_eq!(held(&office, &Delivery::complete(2).pupil("P009", "6A").cut()), Some(Why::Cut));
    let number = office.register.standing(office.today).unwrap().waiting[0].number;
    assert_eq!(office.preview(number).counts, Counts { added: 1, ..Counts::default() });
    office.register.release(number).unwrap();
    assert_eq!(office.apply().feeds, [number]);
    assert_eq!(office.ids(), ["P001", "P002", "P003", "P009"]);
}

#[test]
fn a_delta_before_any_complete_is_held() {
    let office = Office::new();
    assert_eq!(held(&office, &Delivery::delta(2).pupil("P1", "6A")), Some(Why::NoComplete));
    // The complete one is made of what came before and after it alike.
    assert_eq!(held(&office, &Delivery::complete(3).pupil("P1", "6A").pupil("P2", "6A")), None);
    assert!(office.register.standing(office.today).unwrap().waiting.is_empty());
    assert_eq!(office.ids(), ["P1", "P2"]);
}

#[test]
fn a_delta_too_is_held_when_too_many_leave() {
    let office = Office::new();
    office.in_force(&Delivery::complete(1).pupils(50));
    let delta = (1..=6).fold(Delivery::delta(2), |delta, number| {
        delta.with(Item::Leaves(AccountId::new(&format!("P{number:03}"))))
    });
    assert_eq!(held(&office, &delta), Some(Why::Leaving(6, 50)));
}

#[test]
fn the_reason_is_told_in_french_and_english() {
    for why in [Why::Leaving(8, 70), Why::Role(Role::Enseignant, 8, 8), Why::Cut, Why::NoComplete] {
        assert!(!why.in_french().is_empty());
        assert!(!why.to_string().ends_with('.'));
    }
}
