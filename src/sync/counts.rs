//! Tells central what was counted of each day that is over: once, in its turn, however long central was not reached.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::client::{CallError, Client};
use crate::{
    counts::{Counts, Waiting},
    protocol::counts::{COUNTS_PATH, DayCounts},
};

/// How long central may take to answer: a long day on a slow line.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(120);

/// How often it is looked for days to tell, at least and at most: boxes do not come in step.
const LOOK_EVERY: (u64, u64) = (600, 1800);

/// How long after the start it is looked first: whoever starts a box has other things to do with the line.
const FIRST_LOOK_AFTER: Duration = Duration::from_secs(60);

/// The path without the slash that a URL of central's ends in.
const PATH: &str = COUNTS_PATH.split_at(1).1;

/// Tells counts. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Teller {
    client: Client,
    counts: Counts,
    waiting: Waiting,
}

impl Teller {
    /// Tells by `client` the days that are `waiting`, and the one so far when asked to.
    #[must_use]
    pub fn new(client: Client, counts: Counts, waiting: Waiting) -> Self {
        Self { client, counts, waiting }
    }

    /// Tells, for as long as the box runs. Whatever fails is tried again.
    ///
    /// # Errors
    /// None; it ends with `stop`.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let go_on = async {
            sleep(FIRST_LOOK_AFTER).await;
            loop {
                if let Err(cause) = self.tell_waiting().await {
                    warn!(cause = format!("{cause:#}"), "central does not have all counts yet");
                }
                let (least, most) = LOOK_EVERY;
                let more = getrandom::u64().map_or(0, |number| number % (most - least));
                sleep(Duration::from_secs(least + more)).await;
            }
        };
        stop.run_until_cancelled(go_on).await;
        Ok(())
    }

    /// Tells the days that wait, the oldest first.
    ///
    /// # Errors
    /// When central is not reached or pressed, or the disk refuses; what was told until then is told.
    pub async fn tell_waiting(&self) -> anyhow::Result<()> {
        for day in self.waiting.days()? {
            let Some(counts) = self.waiting.read(&day)? else { continue };
            match self.tell(&counts).await {
                Ok(()) => info!(day, "central has the counts of a day"),
                // It will not take them another time either.
                Err(CallError::Refused { status: 400 | 413, refusal }) => {
                    warn!(day, code = refusal.code, "central does not take the counts of a day");
                }
                Err(cause) => return Err(cause.into()),
            }
            self.waiting.forget(&day)?;
        }
        Ok(())
    }

    /// Tells what was counted of this day so far.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn tell_so_far(&self) -> Result<(), CallError> {
        self.tell(&self.counts.so_far()).await
    }

    async fn tell(&self, counts: &DayCounts) -> Result<(), CallError> {
        self.client.post(PATH, counts, ANSWER_WAIT_MAX).await
    }
}
