//! What a release does next. Pure: the state, the schools, their reports and the time come in, one step comes out.
//!
//! Each step is carried out in one writing of the database and can be lost at any moment before that: then the same step
//! comes out again. Nothing is remembered elsewhere.
//!
//! ```text
//! Going ──all of the stage reached──▶ Watching ──in force, pause over──▶ Going (next stage) … ──all reached──▶ Done
//!   │                                    │  └─────in force, wants a person──▶ Waiting ──go on──▶ Going (next stage)
//!   └──────────── trouble ───────────────┴──▶ Halted ──go on──▶ Going;   Paused ──go on──▶ Going
//! ```
//!
//! **Trouble**, in any stage: of its schools that report, one at least and five of a hundred refuse what they were given or
//! have something wrong that they had not; or all of them together refuse pupils three times as much as before. Schools that
//! are silent are waited for by nobody: they take it when they return.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use preau::{
    model::{Moment, Uai},
    protocol::line::Report,
};
use serde::{Deserialize, Serialize};

use super::plan::{Plan, Reach, Stage, drawn};
use crate::words::Place;

/// Schools that one step reaches: so many are written at once, and reports are looked at before the next.
pub(super) const BATCH: usize = 250;

/// Of a hundred schools that report, so many with trouble halt a release.
const TROUBLE_PERCENT: usize = 5;

/// Refusals are compared only where so many questions were asked, before and after.
const QUESTIONS_MIN: u64 = 200;

/// And only where so many of a hundred questions are refused: three times nearly nothing is nothing.
const REFUSED_PERCENT_MIN: u64 = 10;

/// How a release stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It is reaching the schools of its stage.
    Going,
    /// All schools of the stage are reached; their reports are watched.
    Watching,
    /// The stage is in force, and somebody has to say to go on.
    Waiting,
    /// Somebody has stopped it for a while.
    Paused,
    /// It has stopped by itself, or somebody has for good.
    Halted,
    /// It has reached all.
    Done,
    /// A later release of the same places took over.
    Superseded,
    /// It was rolled back before it had reached all.
    Undone,
}

impl State {
    const ALL: [Self; 8] = [
        Self::Going,
        Self::Watching,
        Self::Waiting,
        Self::Paused,
        Self::Halted,
        Self::Done,
        Self::Superseded,
        Self::Undone,
    ];

    /// The word it is kept by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Going => "going",
            Self::Watching => "watching",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Halted => "halted",
            Self::Done => "done",
            Self::Superseded => "superseded",
            Self::Undone => "undone",
        }
    }

    /// The state of that word.
    pub(super) fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether it may still reach schools.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Going | Self::Watching | Self::Waiting | Self::Paused | Self::Halted => true,
            Self::Done | Self::Superseded | Self::Undone => false,
        }
    }
}

/// Why a release halted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "why", deny_unknown_fields)]
pub enum Halt {
    /// Somebody halted it.
    Person {},
    /// Boxes do not take what they are given.
    Refused {
        /// So many.
        schools: usize,
        /// Of so many that report.
        reporting: usize,
    },
    /// Boxes that took it have something wrong that they had not.
    Wrong {
        /// So many.
        schools: usize,
        /// Of so many that report.
        reporting: usize,
        /// What is wrong, by its codes.
        codes: BTreeSet<String>,
    },
    /// Pupils are refused more than before.
    Refusals {
        /// Of a thousand questions before.
        before_permille: u64,
        /// Of a thousand since.
        after_permille: u64,
    },
}

/// A school that a release has reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// In which stage, counted from 0.
    pub stage: usize,
    /// When.
    pub at: Moment,
    /// How it was then.
    pub baseline: Baseline,
}

/// How a school was when it was reached: what trouble is measured against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    start: String,
    allowed: u64,
    refused: u64,
    wrong: BTreeSet<String>,
}

impl Baseline {
    /// That of a school that last said this.
    #[must_use]
    pub fn of(report: Option<&Report>) -> Self {
        let Some(report) = report else { return Self::default() };
        let (allowed, refused) = (report.figures.allowed, report.figures.refused);
        Self { start: report.start.clone(), allowed, refused, wrong: wrong(report) }
    }
}

/// What is known of a school.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The number of the policy that it was last given; 0 before the first.
    pub given: u64,
    /// Whether what it is to have was given to it.
    pub is_given: bool,
    /// Whether its documents do not go together, so that nothing can be given to it.
    pub is_unfit: bool,
    /// Its last report, when it was heard, and whether it counts as silent.
    pub report: Option<(Moment, bool, Report)>,
}

/// What has become of a school that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Became {
    /// It has what it was given in force.
    Effective,
    /// It does not take it.
    Refusing,
    /// It reports, and has not taken it yet.
    Underway,
    /// It is not heard.
    Silent,
}

impl Known {
    /// What has become of it, reached at `reached`.
    #[must_use]
    pub fn became(&self, reached: Moment) -> Became {
        if self.is_unfit {
            return Became::Refusing;
        }
        let Some((heard, is_silent, report)) = &self.report else { return Became::Silent };
        let in_force = &report.in_force;
        if self.is_given && in_force.policy >= self.given {
            return Became::Effective;
        }
        if *is_silent {
            return Became::Silent;
        }
        let refuses = in_force.refused.as_ref().is_some_and(|refused| match refused.what.as_str() {
            "policy" => self.is_given && refused.number >= self.given,
            "view" => *heard > reached,
            _ => false,
        });
        if refuses { Became::Refusing } else { Became::Underway }
    }
}

/// A release with all that decides what it does next.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// Its number.
    pub release: i64,
    /// Whether it puts former versions back: then it neither waits nor halts.
    pub undoes: bool,
    /// Its plan.
    pub plan: &'a Plan,
    /// How it stands.
    pub state: State,
    /// The stage, counted from 0.
    pub stage: usize,
    /// Since when it stands so.
    pub since: Moment,
    /// Trouble of schools that were reached until then was seen by somebody who said to go on.
    pub forgiven: Moment,
    /// All schools it is for.
    pub scope: &'a BTreeSet<Uai>,
    /// The schools at the places that its plan names.
    pub named: &'a BTreeMap<Place, BTreeSet<Uai>>,
    /// Those it has reached.
    pub reached: &'a BTreeMap<Uai, Reached>,
    /// What is known of schools.
    pub known: &'a HashMap<Uai, Known>,
    /// The present moment.
    pub now: Moment,
}

/// What is done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Rest,
    /// These schools are reached.
    Reach(Vec<Uai>),
    /// All of the stage is reached: reports are watched from now on.
    Watch,
    /// Somebody has to say to go on.
    Wait,
    /// The next stage begins.
    Next,
    /// It halts.
    Halt(Halt),
    /// It is over: all are reached.
    Finish,
}

/// How many schools of a stage stand how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those the stage has yet to reach.
    pub left: usize,
    /// In force.
    pub effective: usize,
    /// Not taken.
    pub refusing: usize,
    /// Not taken yet.
    pub underway: usize,
    /// Not heard.
    pub silent: usize,
}

impl Counts {
    /// Those that report.
    #[must_use]
    pub fn reporting(self) -> usize {
        self.effective + self.refusing + self.underway
    }
}

impl Scene<'_> {
    /// What is done next.
    #[must_use]
    pub fn step(&self) -> Step {
        let is_asked = matches!(self.state, State::Going | State::Watching | State::Waiting);
        let Some(stage) = self.plan.stages().get(self.stage).filter(|_| is_asked) else {
            return Step::Rest;
        };
        if let Some(halt) = self.trouble() {
            return Step::Halt(halt);
        }
        let left = self.left(self.stage);
        if !left.is_empty() {
            return Step::Reach(left.into_iter().take(BATCH).collect());
        }
        let is_last = self.stage + 1 == self.plan.stages().len();
        match self.state {
            _ if is_last => Step::Finish,
            State::Going => Step::Watch,
            State::Watching if !self.is_in_force(stage) => Step::Rest,
            State::Watching => match stage.then.pause() {
                None => Step::Wait,
                Some(pause) if self.now.since(self.since) >= pause => Step::Next,
                Some(_) => Step::Rest,
            },
            _ => Step::Rest,
        }
    }

    /// When the next step may come by time alone; none where only reports or persons bring it.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        let pause: Duration = self.plan.stages().get(self.stage)?.then.pause()?;
        (self.state == State::Watching).then(|| self.since + pause)
    }

    /// How the schools of a stage stand.
    #[must_use]
    pub fn counts(&self, stage: usize) -> Counts {
        let mut counts = Counts { left: self.left(stage).len(), ..Counts::default() };
        for (school, reached) in self.reached.iter().filter(|(_, reached)| reached.stage == stage) {
            match self.became(school, reached) {
                Became::Effective => counts.effective += 1,
                Became::Refusing => counts.refusing += 1,
                Became::Underway => counts.underway += 1,
                Became::Silent => counts.silent += 1,
            }
        }
        counts
    }

    /// What has become of a school.
    #[must_use]
    pub fn became(&self, school: &Uai, reached: &Reached) -> Became {
        self.known.get(school).map_or(Became::Silent, |known| known.became(reached.at))
    }

    /// The schools that the stage is to reach and that were not reached yet.
    fn left(&self, stage: usize) -> Vec<Uai> {
        let is_left = |school: &&Uai| self.scope.contains(*school) && !self.reached.contains_key(*school);
        match self.plan.stages().get(stage).map(|stage| &stage.reach) {
            None => Vec::new(),
            Some(Reach::All) => self.scope.iter().filter(is_left).cloned().collect(),
            Some(Reach::Percent(percent)) => {
                drawn(self.scope, self.release, *percent).iter().filter(is_left).cloned().collect()
            }
            Some(Reach::Places(places)) => {
                let schools = places.iter().filter_map(|place| self.named.get(place)).flatten();
                schools.filter(is_left).collect::<BTreeSet<_>>().into_iter().cloned().collect()
            }
        }
    }

    /// Whether enough of the stage's schools that report have it in force. A stage that reached somebody waits for one report
    /// at least.
    fn is_in_force(&self, stage: &Stage) -> bool {
        let counts = self.counts(self.stage);
        let reporting = counts.reporting();
        let is_heard = reporting > 0 || counts.silent == 0;
        is_heard && counts.effective * 100 >= reporting * usize::from(stage.effective_percent)
    }

    fn trouble(&self) -> Option<Halt> {
        if self.undoes {
            return None;
        }
        (0..=self.stage).find_map(|stage| self.trouble_in(stage))
    }

    fn trouble_in(&self, stage: usize) -> Option<Halt> {
        let of_stage = self.reached.iter().filter(|(_, reached)| reached.stage == stage);
        let of_stage: Vec<_> =
            of_stage.map(|(school, reached)| (school, reached, self.became(school, reached))).collect();
        let reporting = of_stage.iter().filter(|(_, _, became)| *became != Became::Silent).count();
        let many = (reporting * TROUBLE_PERCENT).div_ceil(100).max(1);
        let counted = || of_stage.iter().filter(|(_, reached, _)| reached.at > self.forgiven);
        let schools = counted().filter(|(_, _, became)| *became == Became::Refusing).count();
        if schools >= many {
            return Some(Halt::Refused { schools, reporting });
        }
        let taken = counted().filter(|(_, _, became)| *became == Became::Effective);
        let taken: Vec<_> = taken
            .filter_map(|(school, reached, _)| {
                let (_, _, report) = self.known.get(*school)?.report.as_ref()?;
                Some((&reached.baseline, report))
            })
            .collect();
        let (mut schools, mut codes) = (0, BTreeSet::new());
        for (baseline, report) in &taken {
            let fresh: Vec<_> = wrong(report).difference(&baseline.wrong).cloned().collect();
            schools += usize::from(!fresh.is_empty());
            codes.extend(fresh);
        }
        if schools >= many {
            return Some(Halt::Wrong { schools, reporting, codes });
        }
        refusals(&taken)
    }
}

/// Whether pupils are refused three times as much as before, all schools together.
fn refusals(taken: &[(&Baseline, &Report)]) -> Option<Halt> {
    let (mut before, mut after) = (Asked::default(), Asked::default());
    for (baseline, report) in taken {
        let was = Asked { allowed: baseline.allowed, refused: baseline.refused };
        // A daemon that was started since counts from zero.
        let counted_before = if report.start == baseline.start { was } else { Asked::default() };
        before.add(was);
        after.add(Asked {
            allowed: report.figures.allowed.saturating_sub(counted_before.allowed),
            refused: report.figures.refused.saturating_sub(counted_before.refused),
        });
    }
    let [before_permille, after_permille] = [before.refused_permille()?, after.refused_permille()?];
    let is_much = after_permille >= REFUSED_PERCENT_MIN * 10 && after_permille >= before_permille * 3;
    is_much.then_some(Halt::Refusals { before_permille, after_permille })
}

#[derive(Clone, Copy, Default)]
struct Asked {
    allowed: u64,
    refused: u64,
}

impl Asked {
    fn add(&mut self, other: Self) {
        self.allowed = self.allowed.saturating_add(other.allowed);
        self.refused = self.refused.saturating_add(other.refused);
    }

    /// Refused of a thousand; none where too few were asked to say.
    fn refused_permille(self) -> Option<u64> {
        let all = self.allowed.saturating_add(self.refused);
        if all < QUESTIONS_MIN { None } else { self.refused.saturating_mul(1000).checked_div(all) }
    }
}

fn wrong(report: &Report) -> BTreeSet<String> {
    let wrong = report.findings.iter().filter(|finding| finding.severity == "wrong");
    wrong.map(|finding| finding.code.clone()).collect()
}
