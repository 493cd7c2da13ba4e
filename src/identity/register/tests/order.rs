//! In which order deliveries take effect, whatever order they are handed over in.

use super::*;

#[test]
fn a_delivery_older_than_what_is_in_force_is_refused() {
    let office = Office::new();
    office.in_force(&Delivery::complete(20).pupil("P1", "6A"));
    for delivery in [Delivery::complete(19).pupil("P2", "6A"), Delivery::delta(19).pupil("P2", "6A")] {
        let refusal = Refusal::Older { made: date(2026, 11, 19), in_force: date(2026, 11, 20) };
        assert_eq!(office.stage(&delivery), Staged::Refused(refusal));
    }
    assert!(matches!(office.stage(&Delivery::complete(20).pupil("P2", "6A")), Staged::Waiting { .. }));
}

#[test]
fn a_delivery_of_a_day_to_come_is_refused() {
    let office = Office::new();
    let refusal = Refusal::Future(date(2026, 11, 25));
    assert_eq!(office.stage(&Delivery::complete(25).pupil("P1", "6A")), Staged::Refused(refusal));
    assert!(matches!(office.stage(&Delivery::complete(24).pupil("P1", "6A")), Staged::Waiting { .. }));
}

#[test]
fn the_same_delivery_twice_is_one() {
    let office = Office::new();
    let delivery = Delivery::complete(20).pupil("P1", "6A");
    let number = office.taken(&delivery);
    assert_eq!(office.stage(&delivery), Staged::Known(number));
    office.apply();
    assert_eq!(office.stage(&delivery), Staged::Known(number));
    let csv = Delivery::new(Format::Csv, Extent::Complete, None);
    office.in_force(&csv.clone().pupil("C1", "6A"));
    office.in_force(&csv.clone().pupil("C1", "6B"));
    // Without a day, what was there before last is a way back.
    office.in_force(&csv.pupil("C1", "6A"));
}

#[test]
fn a_delivery_waits_for_its_day() {
    let mut office = Office::new();
    let delivery = Delivery::complete(20).pupil("P1", "6A");
    let staged = office.stage_for(&delivery, Some(date(2026, 12, 19)));
    let Staged::Waiting { number, .. } = staged else { panic!("{staged:?}") };
    assert!(office.apply().feeds.is_empty());
    assert!(office.on(date(2026, 12, 18)).apply().feeds.is_empty());
    assert_eq!(office.on(date(2026, 12, 19)).apply().feeds, [number]);
}

#[test]
fn deliveries_of_one_day_take_effect_in_the_order_they_were_made() {
    let mut office = Office::new();
    office.in_force(&Delivery::complete(1).pupil("P1", "6A"));
    let due = Some(date(2026, 12, 19));
    office.stage_for(&Delivery::complete(12).pupil("P1", "6C"), due);
    office.stage_for(&Delivery::complete(11).pupil("P1", "6B"), due);
    let applied = office.on(date(2026, 12, 19)).apply();
    assert_eq!(applied.feeds, [3, 2]);
    assert_eq!(office.people(), ["P1 p1.exemple eleve 6C"]);
}

#[test]
fn a_later_complete_that_goes_first_overtakes_what_waits() {
    let mut office = Office::new();
    office.in_force(&Delivery::complete(1).pupil("P1", "6A"));
    office.stage_for(&Delivery::complete(11).pupil("P1", "6B"), Some(date(2026, 12, 19)));
    office.in_force(&Delivery::complete(12).pupil("P1", "6C"));
    let feeds = office.register.feeds(office.today).unwrap();
    let overtaken = feeds.iter().filter(|feed| matches!(feed.state, FeedState::Overtaken(_)));
    assert_eq!(overtaken.map(|feed| feed.number).collect::<Vec<_>>(), [2]);
    office.on(date(2026, 12, 19)).apply();
    assert_eq!(office.people(), ["P1 p1.exemple eleve 6C"]);
}

#[test]
fn a_delta_waits_for_the_delivery_it_changes() {
    let mut office = Office::new();
    office.in_force(&Delivery::complete(1).pupil("P1", "6A"));
    let due = date(2026, 12, 19);
    office.stage_for(&Delivery::complete(11).pupil("P1", "6B"), Some(due));
    let delta = office.taken(&Delivery::delta(12).pupil("P2", "6B"));
    assert!(office.apply().feeds.is_empty());
    let feeds = office.register.feeds(office.today).unwrap();
    assert_eq!(feeds.iter().find(|feed| feed.number == delta).unwrap().due, Some(due));
    assert_eq!(office.on(due).apply().feeds.len(), 2);
    assert_eq!(office.ids(), ["P1", "P2"]);
}

#[test]
fn a_delta_behind_a_held_complete_waits_with_it() {
    let office = Office::new();
    office.in_force(&Delivery::complete(1).pupils(40));
    let held = office.taken(&Delivery::complete(11).pupils(20));
    let delta = office.taken(&Delivery::delta(12).pupil("Q1", "6B"));
    assert_eq!(office.apply().held, [held]);
    assert_eq!(office.ids().len(), 40);
    office.register.release(held).unwrap();
    assert_eq!(office.apply().feeds, [held, delta]);
    assert_eq!(office.ids().len(), 21);
}

#[test]
fn a_waiting_delivery_can_be_dropped_or_moved() {
    let office = Office::new();
    let due = Some(date(2026, 12, 19));
    office.stage_for(&Delivery::complete(11).pupil("P1", "6B"), due);
    office.stage_for(&Delivery::complete(12).pupil("P1", "6C").refused("P2"), due);
    assert!(office.register.drop_feed(2).unwrap());
    assert!(!office.register.drop_feed(2).unwrap());
    assert!(office.register.quarantine().unwrap().is_empty());
    assert!(office.register.postpone(1, None).unwrap());
    assert_eq!(office.apply().feeds, [1]);
    assert!(!office.register.drop_feed(1).unwrap());
}

#[test]
fn another_process_is_seen_by_the_version_and_so_is_this_one() {
    let office = Office::new();
    let before = office.register.version().unwrap();
    assert_eq!(office.register.version().unwrap(), before);
    let other = Register::open(office.dir.path()).unwrap();
    let at_open = office.register.version().unwrap();
    Delivery::complete(20).pupil("P1", "6A").stage_in(&other, office.today, None);
    let staged = office.register.version().unwrap();
    assert_ne!(staged, at_open);
    office.apply();
    assert_ne!(office.register.version().unwrap(), staged);
}
