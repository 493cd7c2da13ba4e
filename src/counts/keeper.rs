//! Writes counts down: the day so far every few minutes and at the end, each day that is over once.

use std::{path::Path, time::Duration};

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{
    counting::Counts,
    kept::{Kept, Waiting},
};
use crate::system::clock::Clock;

/// How often the day so far is written: what a power cut may take of it.
const WRITE_EVERY: Duration = Duration::from_secs(300);

/// Days that wait in memory for a disk that takes nothing.
const UNWRITTEN_MAX: usize = 3;

/// Keeps counts on disk.
#[derive(Debug)]
pub struct Keeper {
    counts: Counts,
    waiting: Waiting,
    /// Days that are over and could not be written yet.
    unwritten: Vec<Kept>,
}

impl Keeper {
    /// Opens the counts below `state_dir` and goes on with those of this day.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn open(state_dir: &Path, clock: Clock) -> anyhow::Result<Self> {
        let waiting = Waiting::open(state_dir.join("counts"))?;
        let kept = waiting.today();
        let counts = Counts::new(clock, kept.clone());
        // A day that ended while the box was off is over. A disk that is full keeps no box from starting.
        let today = counts.today().day;
        let over = kept.into_iter().filter(|kept| kept.day < today && !kept.questions.is_empty()).collect();
        let unwritten = write_over(&waiting, over);
        Ok(Self { counts, waiting, unwritten })
    }

    /// What counts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts.clone()
    }

    /// The days that wait to be told.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        self.waiting.clone()
    }

    /// Writes until the stop signal, and then once more.
    ///
    /// # Errors
    /// None: what cannot be written is tried again.
    pub async fn serve(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        loop {
            let is_over = tokio::select! {
                () = stop.cancelled() => true,
                () = sleep(WRITE_EVERY) => false,
            };
            let mut over = std::mem::take(&mut self.unwritten);
            over.extend(self.counts.over());
            over.drain(..over.len().saturating_sub(UNWRITTEN_MAX));
            let (waiting, today) = (self.waiting.clone(), self.counts.today());
            let written = tokio::task::spawn_blocking(move || {
                let unwritten = write_over(&waiting, over);
                // The day before is safe by then.
                is_written(&today, waiting.keep_today(&today));
                unwritten
            });
            self.unwritten = written.await.unwrap_or_default();
            if is_over {
                return Ok(());
            }
        }
    }
}

/// Writes days that are over; gives back which of them could not be.
fn write_over(waiting: &Waiting, over: Vec<Kept>) -> Vec<Kept> {
    over.into_iter().filter(|kept| !is_written(kept, waiting.keep(kept))).collect()
}

fn is_written(kept: &Kept, written: anyhow::Result<()>) -> bool {
    if let Err(cause) = &written {
        warn!(day = kept.day, cause = format!("{cause:#}"), "cannot write counts");
    }
    written.is_ok()
}
