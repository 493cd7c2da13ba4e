//! The plan of a release: in which stages it reaches schools, and what it waits for between them.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, ensure};
use preau::model::Uai;
use serde::{Deserialize, Serialize};

use crate::words::Place;

/// Stages a plan may have.
const STAGES_MAX: usize = 20;

/// Places a stage may name.
const PLACES_MAX: usize = 200;

/// The longest pause, in minutes: a month.
const PAUSE_MINUTES_MAX: u32 = 31 * 24 * 60;

/// A plan: at least one stage, and the last reaches all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(Vec<Stage>);

/// One stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// The schools it reaches, with those of the stages before.
    pub reach: Reach,
    /// What is waited for before the next stage; nothing is behind the last.
    pub then: Then,
    /// How many of a hundred schools that report must have it in force before the next stage.
    pub effective_percent: u8,
}

/// Which schools a stage reaches, of those the release is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those at these places and below: single schools as canaries, a group, a département.
    Places(Vec<Place>),
    /// So many of a hundred, drawn anew for each release.
    Percent(u8),
    /// All.
    All,
}

/// What is waited for once a stage is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// So many minutes, from when the stage was reached.
    Minutes(u32),
    /// Somebody who says to go on.
    Person,
}

impl Plan {
    /// The plan of these stages.
    ///
    /// # Errors
    /// When there is none or too many, the last does not reach all, or a figure is out of its bounds.
    pub fn new(stages: Vec<Stage>) -> anyhow::Result<Self> {
        ensure!((1..=STAGES_MAX).contains(&stages.len()), "a plan has 1 to {STAGES_MAX} stages");
        ensure!(
            stages.last().is_some_and(|stage| stage.reach == Reach::All),
            "the last stage of a plan reaches all schools"
        );
        for stage in &stages {
            ensure!(stage.effective_percent <= 100, "a share is at most 100 percent");
            match &stage.reach {
                Reach::Places(places) => {
                    ensure!(
                        (1..=PLACES_MAX).contains(&places.len()),
                        "a stage names 1 to {PLACES_MAX} places"
                    );
                }
                Reach::Percent(percent) => {
                    ensure!((1..=100).contains(percent), "a stage reaches 1 to 100 percent");
                }
                Reach::All => {}
            }
            if let Then::Minutes(minutes) = stage.then {
                ensure!(minutes <= PAUSE_MINUTES_MAX, "a pause is at most {PAUSE_MINUTES_MAX} minutes");
            }
        }
        Ok(Self(stages))
    }

    /// All at once.
    #[must_use]
    pub fn at_once() -> Self {
        Self(vec![Stage { reach: Reach::All, then: Then::Minutes(0), effective_percent: 0 }])
    }

    /// The stages.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.0
    }

    /// The places that stages name.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().flat_map(|stage| match &stage.reach {
            Reach::Places(places) => places.as_slice(),
            Reach::Percent(_) | Reach::All => &[],
        })
    }

    /// As the database keeps it.
    pub(super) fn text(&self) -> anyhow::Result<String> {
        let stages = self.0.iter().map(|stage| {
            let (places, percent) = match &stage.reach {
                Reach::Places(places) => (places.iter().map(Place::to_string).collect(), None),
                Reach::Percent(percent) => (Vec::new(), Some(*percent)),
                Reach::All => (Vec::new(), None),
            };
            let minutes = match stage.then {
                Then::Minutes(minutes) => Some(minutes),
                Then::Person => None,
            };
            Written { places, percent, minutes, effective_percent: stage.effective_percent }
        });
        Ok(serde_json::to_string(&stages.collect::<Vec<_>>())?)
    }

    /// What [`Plan::text`] wrote.
    pub(super) fn read(text: &str) -> anyhow::Result<Self> {
        let written: Vec<Written> = serde_json::from_str(text)?;
        let stages = written.into_iter().map(|written| {
            let Written { places, percent, minutes, effective_percent } = written;
            let place = |text: &String| Place::read(text).with_context(|| format!("`{text}` is no place"));
            let reach = match (places.as_slice(), percent) {
                ([], Some(percent)) => Reach::Percent(percent),
                ([], None) => Reach::All,
                (places, _) => Reach::Places(places.iter().map(place).collect::<anyhow::Result<_>>()?),
            };
            let then = minutes.map_or(Then::Person, Then::Minutes);
            Ok(Stage { reach, then, effective_percent })
        });
        Self::new(stages.collect::<anyhow::Result<_>>()?)
    }
}

impl Then {
    /// How long it waits by itself; none where it waits for somebody.
    pub(super) fn pause(self) -> Option<Duration> {
        match self {
            Self::Minutes(minutes) => Some(Duration::from_secs(u64::from(minutes) * 60)),
            Self::Person => None,
        }
    }
}

/// The first `percent` of a hundred of `scope` in the order that `release` draws; one at least.
pub(super) fn drawn(scope: &BTreeSet<Uai>, release: i64, percent: u8) -> BTreeSet<Uai> {
    let lot = |school: &Uai| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&release.to_le_bytes()).update(school.as_str().as_bytes());
        *hasher.finalize().as_bytes()
    };
    let mut order: Vec<_> = scope.iter().collect();
    order.sort_by_cached_key(|school| lot(school));
    let count = (scope.len() * usize::from(percent)).div_ceil(100);
    order.into_iter().take(count).cloned().collect()
}

/// A stage as it is kept: places, or a percentage, or neither for all; no minutes for a person.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    places: Vec<String>,
    percent: Option<u8>,
    minutes: Option<u32>,
    effective_percent: u8,
}
