//! A walk through the school: people try things, and what should happen does or does not.

mod steps;

use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::lab::Lab;

pub use steps::STEPS;

/// One thing somebody tries.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its name in results, for machines to read.
    pub name: &'static str,
    /// Who tries it.
    pub who: &'static str,
    /// What should happen.
    pub expectation: &'static str,
    /// Tries it: what happened, or what happened instead.
    pub play: fn(&mut Lab) -> anyhow::Result<String>,
}

/// What came of a step.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The step's name.
    pub name: &'static str,
    /// Who tried it.
    pub who: &'static str,
    /// What should have happened.
    pub expectation: &'static str,
    /// Whether it did.
    pub passed: bool,
    /// What happened.
    pub seen: String,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// Plays one step.
pub fn play(step: &Step, lab: &mut Lab) -> Outcome {
    let started = Instant::now();
    let result = (step.play)(lab);
    let elapsed: Duration = started.elapsed();
    let (passed, seen) = match result {
        Ok(seen) => (true, seen),
        Err(cause) => (false, format!("{cause:#}")),
    };
    let Step { name, who, expectation, play: _ } = *step;
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    Outcome { name, who, expectation, passed, seen, milliseconds }
}
