//! The publisher: takes what is due, writes it, marks it; and looks again.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use tokio::{
    sync::broadcast::{
        Receiver,
        error::{RecvError, TryRecvError},
    },
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Channel, keys::OnLine, publish, views};

/// Views taken at once: the database is held for as long as these are signed.
const BATCH: i64 = 64;

/// Views written at once, each by one object after the other.
const IN_FLIGHT: usize = 16;

/// How long a publisher waits for a signal before it looks of itself.
const LOOKS_EVERY: Duration = Duration::from_secs(30);

/// How often what nothing names is looked for.
const SWEEPS_EVERY: Duration = Duration::from_secs(60 * 60);

/// How long it waits after the database or the bucket could not be reached.
const WAITS_AFTER_FAILURE: Duration = Duration::from_secs(5);

impl Channel {
    /// Publishes views as they become due, until told to stop. Where database or bucket cannot be reached it tries again for
    /// as long as it takes.
    ///
    /// # Errors
    /// Never of itself.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut signals = self.database.signals().listen();
        let mut sweep_at = Instant::now() + SWEEPS_EVERY;
        loop {
            if Instant::now() >= sweep_at {
                self.sweep_once().await;
                sweep_at = Instant::now() + SWEEPS_EVERY;
            }
            let wait = match self.publish_due(&stop).await {
                Ok(0) => LOOKS_EVERY,
                Ok(published) => {
                    info!(views = published, "published");
                    LOOKS_EVERY
                }
                Err(error) => {
                    warn!(cause = format!("{error:#}"), "cannot publish; trying again");
                    WAITS_AFTER_FAILURE
                }
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
                () = hear(&mut signals) => {}
            }
        }
    }

    async fn sweep_once(&self) {
        match self.sweep().await {
            Ok(0) => {}
            Ok(removed) => info!(objects = removed, "removed what nothing names"),
            Err(error) => warn!(cause = format!("{error:#}"), "cannot remove what nothing names"),
        }
    }

    /// Publishes all that is due now, and says how many views.
    ///
    /// # Errors
    /// When the database cannot be reached, or when no view of a batch could be written.
    pub(super) async fn publish_due(&self, stop: &CancellationToken) -> anyhow::Result<usize> {
        let mut published = 0;
        // Whoever only looks does not take the database from those who write.
        while !stop.is_cancelled() && views::any_due(&self.database, self.clock.now()).await? {
            match self.publish_batch().await? {
                0 => break,
                some => published += some,
            }
        }
        Ok(published)
    }

    async fn publish_batch(&self) -> anyhow::Result<usize> {
        let mut write = self.database.write().await?;
        // Read each time: they change when keys are rotated, on every instance.
        let keys = Arc::new(OnLine::read(&self.keys_dir)?);
        views::check_keys(&mut write, &keys).await?;
        let claims = views::claim(&mut write, &keys, self.clock.now(), BATCH).await?;
        if claims.is_empty() {
            return Ok(0);
        }
        write.commit().await?;
        let (objects, keys) = (&self.objects, &keys);
        let written = stream::iter(claims)
            .map(|claim| async move {
                let outcome = publish::publish(objects, keys, &claim).await;
                (claim, outcome)
            })
            .buffer_unordered(IN_FLIGHT)
            .collect::<Vec<_>>()
            .await;
        let mut write = self.database.write().await?;
        let (mut marked, mut failure) = (0, None);
        for (claim, outcome) in written {
            match outcome {
                Ok(outcome) => {
                    views::mark(&mut write, &claim, &outcome).await?;
                    marked += 1;
                }
                // It is tried again when its lease ends.
                Err(error) => failure = Some(error),
            }
        }
        write.commit().await?;
        match failure {
            Some(error) if marked == 0 => Err(error),
            Some(error) => {
                warn!(
                    cause = format!("{error:#}"),
                    "cannot publish some views; trying again in half a minute"
                );
                Ok(marked)
            }
            None => Ok(marked),
        }
    }
}

/// Waits for a signal that a view is due, and takes all that are there: one look answers them all.
async fn hear(signals: &mut Receiver<String>) {
    loop {
        match signals.recv().await {
            Ok(topic) if is_ours(&topic) => break,
            Ok(_) => {}
            // Some were missed: one of them may have been ours.
            Err(RecvError::Lagged(_)) => break,
            // Signals end with the database, which this service holds.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
    while !matches!(signals.try_recv(), Err(TryRecvError::Empty | TryRecvError::Closed)) {}
}

/// `*` is the signal to look at everything.
fn is_ours(topic: &str) -> bool {
    topic == "*" || topic.starts_with("view/")
}
