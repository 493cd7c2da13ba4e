//! Waves on a small fleet of pretended boxes, and on drawn ones that lose steps, refuse and fall silent.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use preau::{
    model::{Moment, Uai},
    protocol::line::{Figures, Finding, InForce, Refused as RefusedThere, Report},
};
use proptest::prelude::*;

use super::{
    tests::{NOW, uai},
    *,
};
use crate::words::Place;

/// What a pretended box does with what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Take,
    Refuse,
    Silent,
    Break,
}

/// A release and its fleet without a database: each step is applied as [`super::stride`] would.
struct World {
    plan: Plan,
    state: State,
    stage: usize,
    since: Moment,
    forgiven: Moment,
    scope: BTreeSet<Uai>,
    named: BTreeMap<Place, BTreeSet<Uai>>,
    reached: BTreeMap<Uai, Reached>,
    known: HashMap<Uai, Known>,
    does: BTreeMap<Uai, Does>,
    now: Moment,
}

impl World {
    fn new(plan: Plan, does: &[Does]) -> Self {
        let scope: BTreeSet<_> = (0..does.len()).map(|number| uai(u32::try_from(number).unwrap())).collect();
        let does = scope.iter().cloned().zip(does.iter().copied()).collect();
        let canary: BTreeSet<_> = scope.iter().take(2).cloned().collect();
        let known = scope.iter().map(|school| (school.clone(), Known::default())).collect();
        Self {
            plan,
            state: State::Going,
            stage: 0,
            since: NOW,
            forgiven: Moment::from_unix_milliseconds(0),
            named: [(tests::rep(), canary)].into(),
            scope,
            reached: BTreeMap::new(),
            known,
            does,
            now: NOW,
        }
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            release: 1,
            undoes: false,
            plan: &self.plan,
            state: self.state,
            stage: self.stage,
            since: self.since,
            forgiven: self.forgiven,
            scope: &self.scope,
            named: &self.named,
            reached: &self.reached,
            known: &self.known,
            now: self.now,
        }
    }

    fn apply(&mut self, step: &Step) {
        let stand = |world: &mut Self, state| (world.state, world.since) = (state, world.now);
        match step {
            Step::Rest => {}
            Step::Reach(schools) => {
                for school in schools {
                    let report = self.known[school].report.as_ref().map(|(_, _, report)| report);
                    let baseline = Baseline::of(report);
                    let reached = Reached { stage: self.stage, at: self.now, baseline };
                    assert!(self.reached.insert(school.clone(), reached).is_none(), "reached twice");
                    let known = self.known.get_mut(school).unwrap();
                    (known.given, known.is_given) = (known.given + 1, true);
                }
            }
            Step::Watch => stand(self, State::Watching),
            Step::Wait => stand(self, State::Waiting),
            Step::Next => {
                stand(self, State::Going);
                self.stage += 1;
            }
            Step::Halt(_) => stand(self, State::Halted),
            Step::Finish => stand(self, State::Done),
        }
    }

    /// Time passes; whoever was given something reports what came of it.
    fn report(&mut self) {
        self.now = self.now + Duration::from_secs(60);
        for (school, known) in &mut self.known {
            let does = if self.reached.contains_key(school) { self.does[school] } else { Does::Take };
            let (policy, refused) = match does {
                Does::Take | Does::Break => (known.given, None),
                Does::Refuse => (known.given.saturating_sub(1), Some(known.given)),
                Does::Silent => {
                    known.report = known.report.take().map(|(at, _, report)| (at, true, report));
                    continue;
                }
            };
            let refused = refused.map(|number| RefusedThere {
                what: "policy".to_owned(),
                number,
                why: "unreadable".to_owned(),
                sentence: String::new(),
            });
            let severity = "wrong".to_owned();
            let finding = Finding { code: "journal-full".to_owned(), severity };
            let report = Report {
                start: "a".to_owned(),
                in_force: InForce { policy, refused, ..InForce::default() },
                findings: if does == Does::Break { vec![finding] } else { Vec::new() },
                ..Report::default()
            };
            known.report = Some((self.now, false, report));
        }
    }

    /// Goes on until nothing happens any more, with time and reports in between.
    fn run(&mut self) {
        for _ in 0..200 {
            let step = self.scene().step();
            self.apply(&step);
            if step == Step::Rest {
                self.report();
            }
        }
    }

    fn reached_in(&self, stage: usize) -> usize {
        self.reached.values().filter(|reached| reached.stage == stage).count()
    }
}

fn stage(reach: Reach, then: Then) -> Stage {
    Stage { reach, then, effective_percent: 90 }
}

fn careful() -> Plan {
    Plan::new(vec![
        stage(Reach::Places(vec![tests::rep()]), Then::Minutes(10)),
        stage(Reach::Percent(30), Then::Minutes(0)),
        stage(Reach::All, Then::Minutes(0)),
    ])
    .unwrap()
}

#[test]
fn a_release_goes_from_canaries_to_all() {
    let mut world = World::new(careful(), &[Does::Take; 40]);
    assert!(matches!(world.scene().step(), Step::Reach(schools) if schools == [uai(0), uai(1)]));
    world.run();
    assert_eq!((world.state, world.reached.len()), (State::Done, 40));
    assert_eq!(world.reached_in(0), 2);
    assert!((10..=12).contains(&world.reached_in(1)), "12 of 40, less canaries drawn by chance");
    let next = world.reached.values().find(|reached| reached.stage == 1).unwrap();
    assert!(next.at.since(NOW) >= Duration::from_secs(600), "after the pause");
}

#[test]
fn canaries_that_refuse_keep_it_from_everybody_else() {
    let mut does = [Does::Take; 40];
    does[1] = Does::Refuse;
    let mut world = World::new(careful(), &does);
    world.run();
    assert_eq!((world.state, world.reached.len()), (State::Halted, 2));
}

#[test]
fn something_wrong_that_was_not_there_before_halts_it() {
    let mut does = [Does::Take; 40];
    does[0] = Does::Break;
    let mut world = World::new(careful(), &does);
    world.run();
    assert_eq!((world.state, world.reached.len()), (State::Halted, 2));

    let mut world = World::new(careful(), &does);
    world.report();
    let (_, _, report) = world.known.get_mut(&uai(0)).unwrap().report.as_mut().unwrap();
    report.findings = vec![Finding { code: "journal-full".to_owned(), severity: "wrong".to_owned() }];
    world.run();
    assert_eq!(world.state, State::Done, "it was wrong before");
}

#[test]
fn who_goes_on_after_trouble_is_not_stopped_by_the_same_again() {
    let mut does = [Does::Take; 40];
    does[1] = Does::Refuse;
    let mut world = World::new(careful(), &does);
    world.run();
    (world.state, world.forgiven, world.since) = (State::Going, world.now, world.now);
    world.run();
    assert_eq!(world.reached.len(), 2, "half of the stage is not nine tenths");
    world.plan = Plan::new(vec![
        Stage { effective_percent: 50, ..stage(Reach::Places(vec![tests::rep()]), Then::Minutes(0)) },
        stage(Reach::All, Then::Minutes(0)),
    ])
    .unwrap();
    world.run();
    assert_eq!((world.state, world.reached.len()), (State::Done, 40));
}

#[test]
fn schools_that_are_silent_are_waited_for_by_nobody_but_one_must_be_heard() {
    let mut does = [Does::Silent; 40];
    let mut world = World::new(careful(), &does);
    world.run();
    assert_eq!((world.state, world.reached.len()), (State::Watching, 2), "nobody has said anything");
    does[1] = Does::Take;
    does[7] = Does::Take;
    let plan = Plan::new(vec![
        stage(Reach::Places(vec![tests::rep()]), Then::Minutes(0)),
        stage(Reach::All, Then::Minutes(0)),
    ]);
    let mut world = World::new(plan.unwrap(), &does);
    world.run();
    assert_eq!((world.state, world.reached.len()), (State::Done, 40), "they have it when they return");
}

#[test]
fn a_stage_may_wait_for_a_person() {
    let plan = Plan::new(vec![stage(Reach::Percent(1), Then::Person), stage(Reach::All, Then::Minutes(0))]);
    let mut world = World::new(plan.unwrap(), &[Does::Take; 10]);
    world.run();
    assert_eq!((world.state, world.reached.len()), (State::Waiting, 1));
}

#[test]
fn three_times_the_refusals_halt_it_and_three_times_next_to_nothing_do_not() {
    for (before, after, halts) in [
        ((900, 100), (1300, 600), true),
        ((900, 100), (1700, 200), false),
        ((999, 1), (1950, 50), false),
        ((9, 1), (10, 100), false),
    ] {
        let mut world = World::new(careful(), &[Does::Take; 10]);
        let figures = |(allowed, refused)| Figures { allowed, refused, ..Figures::default() };
        let set = |world: &mut World, counts| {
            for known in world.known.values_mut() {
                known.report.as_mut().unwrap().2.figures = figures(counts);
            }
        };
        world.report();
        set(&mut world, before);
        let step = world.scene().step();
        world.apply(&step);
        world.report();
        set(&mut world, after);
        let step = world.scene().step();
        assert_eq!(
            matches!(step, Step::Halt(Halt::Refusals { .. })),
            halts,
            "{before:?} {after:?}: {step:?}"
        );
    }
}

#[test]
fn a_plan_is_kept_as_it_was_made() {
    assert_eq!(Plan::read(&careful().text().unwrap()).unwrap(), careful());
    for stages in [
        vec![],
        vec![stage(Reach::Percent(50), Then::Person)],
        vec![stage(Reach::Percent(0), Then::Person), stage(Reach::All, Then::Person)],
    ] {
        assert!(Plan::new(stages).is_err());
    }
}

fn does() -> impl Strategy<Value = Does> {
    prop_oneof![8 => Just(Does::Take), 1 => Just(Does::Refuse), 2 => Just(Does::Silent), 1 => Just(Does::Break)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// A step that is lost comes again; nobody is reached twice or too early; trouble in a stage keeps it from the next.
    #[test]
    fn whoever_dies_between_two_steps_loses_nothing(
        does in prop::collection::vec(does(), 1..30),
        lost in prop::collection::vec(any::<bool>(), 300),
    ) {
        let mut world = World::new(careful(), &does);
        for is_lost in lost {
            let step = world.scene().step();
            prop_assert_eq!(&step, &world.scene().step(), "the same scene, the same step");
            if is_lost {
                world.now = world.now + Duration::from_secs(7);
                continue;
            }
            if step == Step::Next {
                let counts = world.scene().counts(world.stage);
                prop_assert_eq!(counts.left, 0);
                prop_assert_eq!(counts.refusing, 0, "{:?}", counts);
            }
            let before = world.reached.len();
            let is_open = matches!(world.state, State::Going | State::Watching | State::Waiting);
            world.apply(&step);
            prop_assert!(is_open || world.reached.len() == before);
            if step == Step::Rest {
                world.report();
            }
        }
        let fit = does.iter().all(|does| matches!(does, Does::Take));
        if fit {
            prop_assert_eq!((world.state, world.reached.len()), (State::Done, does.len()));
        }
        let canaries = does.iter().take(2);
        if canaries.clone().any(|does| matches!(does, Does::Refuse | Does::Break)) {
            prop_assert_eq!(world.state, State::Halted);
            prop_assert!(world.reached.len() <= 2);
        }
    }
}
