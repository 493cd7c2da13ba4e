//! What is counted, what is kept, and what leaves the box.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use super::{Counts, Keeper, kept::Waiting};
use crate::{
    model::{Account, AccountId, Mac, Moment, Role, Site, Subject, ZoneKind},
    policy::{Cause, Evasion, Origin, Permit, Refusal, Verdict},
    protocol::counts::{DayCounts, Names, Persons, Questions},
    system::clock::Clock,
};

/// 2026-11-23, 08:05 in Paris.
const MORNING: i64 = 1_795_417_500;

const DAY: i64 = 86_400;

/// A box whose counts lie in a directory and whose clock the test moves.
struct School {
    dir: tempfile::TempDir,
    now: Arc<AtomicI64>,
    clock: Clock,
}

impl School {
    fn new() -> Self {
        let now = Arc::new(AtomicI64::new(MORNING));
        let told = Arc::clone(&now);
        let clock = Clock::from_fn(move || Moment::from_unix_seconds(told.load(Ordering::Relaxed)));
        Self { dir: tempfile::tempdir().unwrap(), now, clock }
    }

    fn start(&self) -> Keeper {
        Keeper::open(self.dir.path(), self.clock.clone()).unwrap()
    }

    fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Has the pupil `number`, at a machine of their own, ask for `site`.
    fn ask(&self, counts: &Counts, number: u8, site: &str, allowed: bool) {
        let site: Site = site.parse().unwrap();
        let verdict = if allowed {
            Verdict::Allow(Permit::for_tests(site))
        } else {
            let cause = Cause::Policy(Origin::Evasion(Evasion::Relay));
            Verdict::Refuse(Refusal { site, cause })
        };
        let asked =
            counts.asked(ZoneKind::Pedagogique, &pupil(number), Some(machine(number)), address(number));
        counts.count([(self.clock.now(), &asked, &verdict)].into_iter());
    }
}

fn pupil(number: u8) -> Subject {
    Subject::Person(Arc::new(Account {
        id: AccountId::new(&format!("eleve-{number}")),
        display_name: String::new(),
        role: Role::Eleve,
        classes: Vec::new(),
    }))
}

fn machine(number: u8) -> Mac {
    Mac::new([2, 0, 0, 0, 0, number])
}

fn address(number: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, number).into()
}

fn questions(ground: &str, allowed: bool, count: u64) -> Questions {
    Questions { zone: "pedagogique".into(), who: "eleve".into(), ground: ground.into(), allowed, count }
}

fn persons(persons: u64) -> Persons {
    Persons { zone: "pedagogique".into(), who: "eleve".into(), persons }
}

fn names(names: &[(&str, u64)]) -> Vec<Names> {
    let names = names.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    vec![Names { who: "eleve".into(), names }]
}

/// What waits to be told, in order.
fn waiting(waiting: &Waiting) -> Vec<DayCounts> {
    waiting.days().unwrap().iter().map(|day| waiting.read(day).unwrap().unwrap()).collect()
}

async fn stopped(keeper: Keeper) {
    let stop = tokio_util::sync::CancellationToken::new();
    stop.cancel();
    keeper.serve(stop).await.unwrap();
}

#[test]
fn one_page_is_one_question_within_a_quarter_of_an_hour() {
    let school = School::new();
    let keeper = school.start();
    let counts = keeper.counts();
    for _ in 0..4 {
        school.ask(&counts, 1, "fr.exemple", true);
    }
    school.ask(&counts, 1, "fr.exemple", false);
    school.ask(&counts, 2, "fr.exemple", true);
    assert_eq!(counts.since_start(), (5, 1));
    school.pass(900);
    school.ask(&counts, 1, "fr.exemple", true);
    let mut so_far = counts.so_far();
    so_far.questions.sort_by_key(|questions| questions.allowed);
    assert_eq!(so_far.questions, [questions("evasion:relay", false, 1), questions("default", true, 3)]);
    assert_eq!(so_far.persons, [persons(2)]);
    assert!(!so_far.whole);
}

#[test]
fn a_name_leaves_the_box_only_where_five_machines_asked_for_it() {
    let school = School::new();
    let keeper = school.start();
    let counts = keeper.counts();
    for number in 1..=5 {
        school.ask(&counts, number, "beaucoup.example", true);
    }
    for number in 1..=4 {
        school.ask(&counts, number, "peu.example", true);
        school.pass(900);
        school.ask(&counts, number, "peu.example", true);
    }
    // Addresses are many a machine; which machine is behind them is not known.
    for number in 10..=30 {
        let asked = counts.asked(ZoneKind::Pedagogique, &pupil(number), None, address(number));
        let verdict = Verdict::Allow(Permit::for_tests("inconnu.example".parse().unwrap()));
        counts.count([(school.clock.now(), &asked, &verdict)].into_iter());
    }
    school.ask(&counts, 1, "192.0.2.9", true);
    assert_eq!(counts.so_far().names, names(&[("beaucoup.example", 5)]));
}

#[tokio::test]
async fn a_restart_goes_on_with_the_day_and_counts_no_machine_twice() {
    let school = School::new();
    let keeper = school.start();
    for number in 1..=4 {
        school.ask(&keeper.counts(), number, "fr.exemple", true);
    }
    stopped(keeper).await;
    let keeper = school.start();
    for number in 1..=4 {
        school.ask(&keeper.counts(), number, "fr.exemple", true);
    }
    let so_far = keeper.counts().so_far();
    assert_eq!(so_far.questions, [questions("default", true, 8)]);
    assert_eq!((so_far.persons, so_far.names), (vec![persons(4)], Vec::new()));
    school.ask(&keeper.counts(), 5, "fr.exemple", true);
    assert_eq!(keeper.counts().so_far().names, names(&[("fr.exemple", 9)]));
}

#[tokio::test]
async fn days_wait_to_be_told_across_restarts_for_three_weeks() {
    let school = School::new();
    for day in 0..25 {
        let keeper = school.start();
        school.ask(&keeper.counts(), 1, "fr.exemple", true);
        if day % 2 == 0 {
            // The night comes while the box is up.
            school.pass(DAY);
            school.ask(&keeper.counts(), 1, "fr.exemple", true);
        } else {
            school.pass(DAY);
        }
        stopped(keeper).await;
    }
    let keeper = school.start();
    let told = waiting(&keeper.waiting());
    let days: Vec<_> = told.iter().map(|counts| counts.day.as_str()).collect();
    assert_eq!((days.first(), days.last()), (Some(&"2026-11-26"), Some(&"2026-12-17")), "{days:?}");
    assert_eq!(days.len(), 22);
    assert!(told.iter().all(|counts| counts.whole && !counts.questions.is_empty()));
    keeper.waiting().forget("2026-11-26").unwrap();
    assert_eq!(keeper.waiting().days().unwrap().len(), 21);
}

#[tokio::test]
async fn neither_a_person_nor_a_machine_stands_on_the_disk() {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let school = School::new();
    let keeper = school.start();
    for number in 1..=9 {
        school.ask(&keeper.counts(), number, "fr.exemple", true);
    }
    school.pass(DAY);
    stopped(keeper).await;
    let dir = school.dir.path().join("counts");
    assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("eleve-") && !text.contains("02:00") && !text.contains("192.0.2"), "{text}");
        files += 1;
    }
    assert_eq!(files, 2);
}

#[test]
fn a_clock_that_is_behind_loses_no_day() {
    let school = School::new();
    let keeper = school.start();
    let counts = keeper.counts();
    school.ask(&counts, 1, "fr.exemple", true);
    school.pass(-DAY);
    school.ask(&counts, 2, "fr.exemple", true);
    let so_far = counts.so_far();
    assert_eq!(
        (so_far.day.as_str(), &*so_far.questions),
        ("2026-11-23", &[questions("default", true, 2)][..])
    );
}

#[test]
fn a_flood_of_names_leaves_room_for_those_that_many_ask_for() {
    let school = School::new();
    let keeper = school.start();
    let counts = keeper.counts();
    for number in 1..=5 {
        school.ask(&counts, number, "avant.example", true);
    }
    for number in 0..60_000 {
        school.ask(&counts, 1, &format!("n{number}.example"), true);
    }
    for number in 1..=5 {
        school.ask(&counts, number, "apres.example", true);
    }
    assert_eq!(counts.so_far().names, names(&[("apres.example", 5), ("avant.example", 5)]));
}
