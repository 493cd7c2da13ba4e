//! What holds of statistics, on SQLite and on a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

#[macro_use]
#[path = "support/on_both.rs"]
mod on_both;
mod support;

use std::time::Duration;

use preau::{
    model::{Moment, Uai},
    protocol::counts::{DayCounts, Names, Persons, Questions, Who},
};
use preau_central::{
    database::{Database, Location},
    fleet::{
        schools::{self, School},
        statistics::{self, Answered, Group, NamesCounted, Shown, Span, Taken},
    },
    words::{DepartementCode, GroupName, Place},
};

on_both!(
    a_day_told_again_replaces_what_was_told_of_it,
    every_place_has_the_sum_of_its_schools,
    a_month_has_as_many_persons_as_its_fullest_day,
    a_day_of_other_weeks_is_not_taken,
    names_are_kept_for_four_weeks_days_for_a_season_and_months_for_a_year,
);

/// 2026-11-23, 08:05 in Paris.
const NOW: Moment = Moment::from_unix_seconds(1_795_417_500);

fn days(count: u64) -> Duration {
    Duration::from_secs(86_400 * count)
}

fn uai(number: u8) -> Uai {
    Uai::new(&format!("080000{number}A")).unwrap()
}

fn school(number: u8) -> School {
    School {
        uai: uai(number),
        name: format!("Collège {number}"),
        kind: String::new(),
        town: String::new(),
        departement: DepartementCode::new(if number < 3 { "80" } else { "60" }).unwrap(),
    }
}

/// Three schools, two of them in the Somme, the first and the third in a group.
async fn open(location: &Location) -> Database {
    let database = Database::open(location, &[schools::PART, statistics::PART]).await.unwrap();
    let mut write = database.write().await.unwrap();
    for number in 1..=3 {
        schools::enter(&mut write, &school(number)).await.unwrap();
    }
    for number in [1, 3] {
        schools::put_into(&mut write, &GroupName::new("rep").unwrap(), &uai(number)).await.unwrap();
    }
    write.commit().await.unwrap();
    database
}

fn of_a_day(day: &str, pupils: u64, allowed: u64, refused: u64) -> DayCounts {
    let (zone, who) = (|| "pedagogique".to_owned(), || "eleve".to_owned());
    let questions = [("default", true, allowed), ("category:games", false, refused)];
    DayCounts {
        day: day.into(),
        whole: true,
        questions: questions
            .map(|(ground, allowed, count)| Questions {
                zone: zone(),
                who: who(),
                ground: ground.into(),
                allowed,
                count,
            })
            .into_iter()
            .collect(),
        persons: vec![Persons { zone: zone(), who: who(), persons: pupils }],
        names: vec![Names { who: who(), names: vec![("fr.example".into(), allowed)] }],
    }
}

async fn told(database: &Database, number: u8, counts: &DayCounts, now: Moment) -> Taken {
    let mut write = database.write().await.unwrap();
    let taken = statistics::keep(&mut write, &school(number), counts, now).await.unwrap();
    write.commit().await.unwrap();
    taken
}

async fn shown(database: &Database, place: &str, span: Span) -> Shown {
    let place = Place::read(place).unwrap();
    Shown::of(&statistics::read(database, &place, span, statistics::day_of(NOW)).await.unwrap())
}

/// The periods with questions, each with its first day.
fn periods(shown: &Shown) -> Vec<(String, u64, u64)> {
    let told = shown.periods.iter().filter_map(|period| match period.answered {
        Answered::Questions { allowed, refused } => {
            Some((statistics::day_written(period.start), allowed, refused))
        }
        Answered::Nothing | Answered::TooFew => None,
    });
    told.collect()
}

fn groups(shown: &Shown) -> Vec<(u64, u64)> {
    shown.groups.iter().map(|Group { persons, allowed, .. }| (*persons, *allowed)).collect()
}

async fn a_day_told_again_replaces_what_was_told_of_it(location: Location) {
    let database = open(&location).await;
    let so_far = DayCounts { whole: false, ..of_a_day("2026-11-20", 30, 100, 20) };
    let whole = of_a_day("2026-11-20", 40, 150, 0);
    for counts in [&so_far, &so_far, &whole, &whole] {
        assert_eq!(told(&database, 1, counts, NOW).await, Taken::Kept);
    }
    for place in ["etablissement/0800001A", "departement/80", "academie", "groupe/rep"] {
        let by_day = shown(&database, place, Span::Day).await;
        assert_eq!(periods(&by_day), [("2026-11-20".into(), 150, 0)], "{place}");
        assert_eq!(by_day.grounds.len(), 1, "{place}");
        assert_eq!(periods(&shown(&database, place, Span::Month).await), [("2026-11-01".into(), 150, 0)]);
    }
    let from = statistics::day_of(NOW) - 7;
    let names = statistics::names(&database, &uai(1), from).await.unwrap();
    let pupil = Who::Person(preau::model::Role::Eleve);
    let expected: NamesCounted = [((pupil, "fr.example".parse().unwrap()), 150)].into();
    assert_eq!(names, expected);
}

async fn every_place_has_the_sum_of_its_schools(location: Location) {
    let database = open(&location).await;
    for number in 1..=3 {
        for day in ["2026-11-19", "2026-11-20"] {
            told(&database, number, &of_a_day(day, 20, 100 * u64::from(number), 10), NOW).await;
        }
    }
    for (place, allowed, refused, persons) in [
        ("etablissement/0800002A", 400, 20, 20),
        ("departement/80", 600, 40, 40),
        ("departement/60", 600, 20, 20),
        ("groupe/rep", 800, 40, 40),
        ("academie", 1200, 60, 60),
    ] {
        for span in [Span::Week, Span::Month] {
            let shown = shown(&database, place, span).await;
            let all: Vec<_> =
                periods(&shown).into_iter().map(|(_, allowed, refused)| (allowed, refused)).collect();
            assert_eq!(all, [(allowed, refused)], "{place} {span:?}");
            assert_eq!(groups(&shown), [(persons, allowed)], "{place} {span:?}");
        }
    }
    let from = statistics::day_of(NOW) - 7;
    let somme = Place::read("departement/80").unwrap();
    let schools = statistics::schools_with_names(&database, &somme, from, 9).await.unwrap();
    assert_eq!(schools, [uai(1), uai(2)]);
    assert_eq!(statistics::schools_with_names(&database, &somme, from, 1).await.unwrap(), [uai(1)]);
}

async fn a_month_has_as_many_persons_as_its_fullest_day(location: Location) {
    let database = open(&location).await;
    for (day, pupils) in [("2026-11-18", 30), ("2026-11-19", 50), ("2026-11-20", 20)] {
        told(&database, 1, &of_a_day(day, pupils, 100, 0), NOW).await;
    }
    told(&database, 2, &of_a_day("2026-11-20", 60, 100, 0), NOW).await;
    assert_eq!(groups(&shown(&database, "departement/80", Span::Month).await), [(110, 400)]);
    assert_eq!(groups(&shown(&database, "etablissement/0800001A", Span::Month).await), [(50, 300)]);
    // Nine pupils of one evening are in no sum, nor is their month where there is nobody else.
    told(&database, 3, &of_a_day("2026-11-20", 9, 70, 0), NOW).await;
    let few = shown(&database, "etablissement/0800003A", Span::Month).await;
    assert!(few.is_empty() && periods(&few).is_empty());
    assert!(few.periods.iter().any(|period| period.answered == Answered::TooFew));
}

async fn a_day_of_other_weeks_is_not_taken(location: Location) {
    let database = open(&location).await;
    for day in ["2099-11-20", "1970-01-01", "2026-09-01", "2026-02-31"] {
        assert_eq!(told(&database, 1, &of_a_day(day, 30, 1, 1), NOW).await, Taken::NotOfNow, "{day}");
    }
    assert!(shown(&database, "academie", Span::Month).await.is_empty());
}

async fn names_are_kept_for_four_weeks_days_for_a_season_and_months_for_a_year(location: Location) {
    let database = open(&location).await;
    told(&database, 1, &of_a_day("2026-11-20", 30, 100, 20), NOW).await;
    let first = statistics::day_of(NOW) - 7;
    let place = Place::read("academie").unwrap();
    let counted = async |span, after| {
        let at = NOW + days(after);
        statistics::purge(&database, at).await.unwrap();
        let read = statistics::read(&database, &place, span, statistics::day_of(NOW)).await.unwrap();
        let names = statistics::names(&database, &uai(1), first).await.unwrap();
        (!Shown::of(&read).is_empty(), !names.is_empty())
    };
    assert_eq!(counted(Span::Day, 24).await, (true, true));
    assert_eq!(counted(Span::Day, 26).await, (true, false));
    assert_eq!(counted(Span::Week, 96).await, (true, false));
    assert_eq!(counted(Span::Day, 98).await, (false, false));
    assert_eq!(counted(Span::Month, 370).await, (true, false));
    assert_eq!(counted(Span::Month, 400).await, (false, false));
}
