//! What the fleet counts, and how it is shown.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use super::watched::Watched;

/// Durations of one kind that are kept; of more, the figures are of the first ones.
const KEPT_MAX: usize = 200_000;

/// Kinds of errors that are told apart.
const KINDS_MAX: usize = 32;

/// What was counted since it was begun.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    came: u64,
    answers: u64,
    turned_away: u64,
    errors: BTreeMap<String, u64>,
    connected: Vec<Duration>,
    connected_while_coming: Vec<Duration>,
    orders: Vec<Duration>,
    took: Vec<Duration>,
    clicked: Option<Instant>,
    effective: Vec<Duration>,
}

/// What a fleet measured.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Boxes that were answered at least once.
    pub came: u64,
    /// Within which time all came; none if not all did.
    pub came_within: Option<Duration>,
    /// How long it was measured from then on.
    pub lasted: Duration,
    /// Answers on the live line.
    pub answers: u64,
    /// Requests that were told to come back later.
    pub turned_away: u64,
    /// What went wrong, and how often, from the beginning.
    pub errors: Vec<(String, u64)>,
    /// What connections took: the median, and what 99 of 100 stayed below.
    pub connected: Option<(Duration, Duration)>,
    /// What orders took from the act to the box.
    pub orders: Option<(Duration, Duration)>,
    /// What it took to fetch a view.
    pub took: Option<(Duration, Duration)>,
    /// What it took from the click until a box had the rule.
    pub effective: Option<(Duration, Duration)>,
    /// How many boxes had it.
    pub reached: usize,
    /// The part of one core that central used, and the most memory it had, in MiB.
    pub central: Option<(f64, f64)>,
}

impl Tally {
    pub(super) fn came(&self) -> u64 {
        self.counts().came
    }

    pub(super) fn has_come(&self) {
        self.counts().came += 1;
    }

    pub(super) fn answered(&self) {
        self.counts().answers += 1;
    }

    pub(super) fn turned_away(&self) {
        self.counts().turned_away += 1;
    }

    pub(super) fn connected(&self, took: Duration) {
        keep(&mut self.counts().connected, took);
    }

    pub(super) fn order(&self, took: Duration) {
        keep(&mut self.counts().orders, took);
    }

    pub(super) fn took(&self, took: Duration) {
        keep(&mut self.counts().took, took);
    }

    /// A rule was published at that moment: when it is effective is counted from there.
    pub(super) fn clicked(&self, at: Instant) {
        let counts = &mut *self.counts();
        counts.clicked = Some(at);
        counts.effective.clear();
    }

    /// A box has other rules in force than before.
    pub(super) fn is_effective(&self) {
        let counts = &mut *self.counts();
        if let Some(clicked) = counts.clicked {
            keep(&mut counts.effective, clicked.elapsed());
        }
    }

    pub(super) fn error(&self, error: &anyhow::Error) {
        let kind = format!("{error:#}");
        let mut counts = self.counts();
        if counts.errors.len() < KINDS_MAX || counts.errors.contains_key(&kind) {
            *counts.errors.entry(kind).or_default() += 1;
        }
    }

    /// All have come: what is counted now is what they cost from now on.
    pub(super) fn begin(&self) {
        let mut counts = self.counts();
        (counts.answers, counts.turned_away) = (0, 0);
        counts.connected_while_coming = std::mem::take(&mut counts.connected);
        counts.orders.clear();
    }

    pub(super) fn measured(
        &self,
        came: u64,
        came_within: Option<Duration>,
        lasted: Duration,
        watched: Option<&Watched>,
    ) -> Measured {
        let counts = self.counts();
        let connected = if counts.connected_while_coming.is_empty() {
            &counts.connected
        } else {
            &counts.connected_while_coming
        };
        Measured {
            came,
            came_within,
            lasted,
            answers: counts.answers,
            turned_away: counts.turned_away,
            errors: counts.errors.iter().map(|(kind, count)| (kind.clone(), *count)).collect(),
            connected: middle_and_most(connected),
            orders: middle_and_most(&counts.orders),
            took: middle_and_most(&counts.took),
            effective: middle_and_most(&counts.effective),
            reached: counts.effective.len(),
            central: watched.map(|watched| (watched.cores(), watched.resident_max())),
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn keep(durations: &mut Vec<Duration>, took: Duration) {
    if durations.len() < KEPT_MAX {
        durations.push(took);
    }
}

/// The median, and what 99 of 100 stayed below.
fn middle_and_most(durations: &[Duration]) -> Option<(Duration, Duration)> {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let middle = sorted.get(sorted.len() / 2)?;
    let most = sorted.get((sorted.len() * 99 / 100).min(sorted.len() - 1))?;
    Some((*middle, *most))
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.lasted.as_secs_f64().max(0.001);
        writeln!(f, "boxes that came      {}", self.came)?;
        match self.came_within {
            Some(within) => writeln!(f, "all came within      {:.1} s", within.as_secs_f64())?,
            None => writeln!(f, "not all came")?,
        }
        let answers = u32::try_from(self.answers).map_or(f64::INFINITY, f64::from);
        writeln!(f, "answers a second     {:.1} over {seconds:.0} s", answers / seconds)?;
        writeln!(f, "turned away          {}", self.turned_away)?;
        if self.reached > 0 {
            writeln!(f, "boxes with the rule  {}", self.reached)?;
        }
        for (what, durations) in [
            ("connecting", self.connected),
            ("orders", self.orders),
            ("fetching a view", self.took),
            ("click to effect", self.effective),
        ] {
            if let Some((middle, most)) = durations {
                writeln!(f, "{what:<20} {middle:.1?} in the middle, 99 of 100 below {most:.1?}")?;
            }
        }
        if let Some((cores, mebibytes)) = self.central {
            writeln!(f, "central              {:.1} % of a core, {mebibytes:.0} MiB", cores * 100.0)?;
        }
        for (kind, count) in &self.errors {
            writeln!(f, "error                {count} × {kind}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_most_are_of_what_was_kept() {
        let durations: Vec<_> = (1..=100).map(Duration::from_millis).collect();
        let expected = (Duration::from_millis(51), Duration::from_millis(100));
        assert_eq!(middle_and_most(&durations), Some(expected));
        assert_eq!(middle_and_most(&[]), None);
    }
}
