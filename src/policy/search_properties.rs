//! What holds for every set of search rules, and for every set of rules while the clock is in doubt.

use proptest::prelude::*;

use super::{
    properties::{Asked, MONDAY_8, asked, levels, opening, policy, shown},
    *,
};
use crate::model::{ClockTrust, DefaultVerdict, Moment, Role, Site, Subject};

/// Search rules of a file, as they are drawn: lock, safe search, YouTube, whom, when.
type DrawnSearch = (bool, Option<bool>, Option<usize>, usize, usize);

fn drawn_search() -> impl Strategy<Value = DrawnSearch> {
    (any::<bool>(), prop::option::of(any::<bool>()), prop::option::of(0..3usize), 0..3usize, 0..3usize)
}

/// The policy of these search rules, level by level.
fn search_policy(levels: &[Vec<DrawnSearch>; 4]) -> Policy {
    let text = |id: usize, (locked, safe_search, youtube, who, when): &DrawnSearch| {
        let safe_search = safe_search.map_or(String::new(), |on| format!("safe_search = {on}\n"));
        let youtube = youtube.map_or(String::new(), |level| {
            format!("youtube = \"{}\"\n", ["off", "moderate", "strict"][level])
        });
        // A search rule without modes is none.
        if safe_search.is_empty() && youtube.is_empty() {
            return String::new();
        }
        let who = ["", "roles = [\"eleve\"]\n", "roles = [\"enseignant\"]\n"][*who];
        let when = ["", "during = \"cours\"\n", "outside = \"cours\"\n"][*when];
        format!("[[search]]\nid = \"s{id}\"\nlocked = {locked}\n{safe_search}{youtube}{who}{when}")
    };
    let files = Level::OF_FILES.into_iter().zip(levels).map(|(level, rules)| {
        let rules: String = rules.iter().enumerate().map(|(id, rule)| text(id, rule)).collect();
        let head = format!("version = 1\nlevel = \"{level}\"\nname = \"{level}\"\n");
        RuleFile::parse(&format!("{head}[timetables]\ncours = {{ monday = [\"08:00-10:00\"] }}\n{rules}"))
            .unwrap()
    });
    Policy::new(files.collect(), None).unwrap()
}

fn search_levels() -> impl Strategy<Value = [Vec<DrawnSearch>; 4]> {
    let level = || prop::collection::vec(drawn_search(), 0..4);
    [level(), level(), level(), level()]
}

/// How strict an answer about an engine is; refused is the strictest.
fn strictness(verdict: &Verdict) -> usize {
    match verdict {
        Verdict::Allow(permit) => match permit.served_as().map(|name| name.to_string()) {
            None => 0,
            Some(name) if name == "restrictmoderate.youtube.com" => 1,
            Some(_) => 2,
        },
        Verdict::Refuse(_) => 3,
    }
}

/// The mode by decision D7 read aloud.
fn search_by_the_book(levels: &[Vec<DrawnSearch>; 4], pupil: bool, lesson: bool, youtube: bool) -> usize {
    let mode = |(_, safe_search, level, _, _): &DrawnSearch| {
        if youtube { *level } else { safe_search.map(|on| if on { 2 } else { 0 }) }
    };
    let speaks = |rule: &&DrawnSearch| {
        let who = [true, pupil, !pupil][rule.3];
        let when = [true, lesson, !lesson][rule.4];
        who && when && mode(rule).is_some()
    };
    let of_lock = |rules: &[DrawnSearch], locked| {
        rules.iter().filter(|rule| rule.0 == locked).find(speaks).and_then(mode)
    };
    let locked = levels.iter().find_map(|rules| of_lock(rules, true));
    locked.or_else(|| levels.iter().rev().find_map(|rules| of_lock(rules, false))).unwrap_or(0)
}

fn engine_question<'a>(asked: &'a Asked, site: &'a Site, clock: ClockTrust) -> Question<'a> {
    Question { site, clock, ..asked.question() }
}

/// Somebody signed in, in a zone that allows.
fn somebody() -> impl Strategy<Value = Asked> {
    asked().prop_filter("somebody in an open zone", |asked| {
        matches!(asked.subject, Subject::Person(_)) && asked.zone.default == DefaultVerdict::Allow
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn search_modes_read_the_book(levels in search_levels(), asked in somebody()) {
        let policy = search_policy(&levels);
        let pupil = asked.subject.account().unwrap().role == Role::Eleve;
        let lesson = (0..4 * 1800).contains(&(asked.at.unix_seconds() - MONDAY_8));
        for (site, youtube) in [("www.google.fr", false), ("m.youtube.com", true)] {
            let site = site.parse().unwrap();
            let verdict = policy.judge(&engine_question(&asked, &site, ClockTrust::Trusted));
            prop_assert_eq!(strictness(&verdict), search_by_the_book(&levels, pupil, lesson, youtube));
        }
        let unsafe_engine = "fr.search.yahoo.com".parse().unwrap();
        let verdict = policy.judge(&engine_question(&asked, &unsafe_engine, ClockTrust::Trusted));
        let forced = search_by_the_book(&levels, pupil, lesson, false) == 2;
        prop_assert_eq!(matches!(verdict, Verdict::Refuse(_)), forced);
    }

    #[test]
    fn a_clock_in_doubt_is_never_less_strict_than_any_hour(
        levels in levels(),
        search in search_levels(),
        openings in prop::collection::vec(opening(), 0..4),
        asked in somebody(),
        hours in prop::collection::vec(-4..8i64, 1..6),
    ) {
        let times = hours.iter().map(|hour| Moment::from_unix_seconds(MONDAY_8 + hour * 1800));
        let (rules, modes) = (policy(&levels).with_openings(openings), search_policy(&search));
        for at in times {
            let doubted = rules.judge(&Question { clock: ClockTrust::Doubtful, ..asked.question() });
            let at_that_hour = rules.judge(&Question { at, ..asked.question() });
            if matches!(doubted, Verdict::Allow(_)) {
                prop_assert!(matches!(at_that_hour, Verdict::Allow(_)), "{} at {}", at_that_hour, at);
            }
            for site in ["www.google.fr", "m.youtube.com", "search.yahoo.com"] {
                let site = site.parse().unwrap();
                let doubted = modes.judge(&engine_question(&asked, &site, ClockTrust::Doubtful));
                let question = Question { at, ..engine_question(&asked, &site, ClockTrust::Trusted) };
                prop_assert!(strictness(&doubted) >= strictness(&modes.judge(&question)));
            }
        }
    }

    #[test]
    fn without_timetables_and_openings_a_doubt_changes_nothing(mut levels in levels(), asked in asked()) {
        for rule in levels.iter_mut().flatten() {
            rule.when = 0;
        }
        let policy = policy(&levels);
        let doubted = policy.judge(&Question { clock: ClockTrust::Doubtful, ..asked.question() });
        prop_assert_eq!(shown(&doubted), shown(&policy.judge(&asked.question())));
    }
}
