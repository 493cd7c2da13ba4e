//! Named tasks with a supervisor and a stop signal; nothing in the daemon runs outside them.

use std::{collections::HashMap, future::Future, time::Duration};

use anyhow::{Context as _, anyhow};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

/// How long tasks may take to end after they were asked to.
const STOP_WAIT_MAX: Duration = Duration::from_secs(9);

/// The daemon's tasks. Each is vital: the end of one is the end of all, and systemd starts the daemon again.
#[derive(Debug)]
pub struct Tasks {
    running: JoinSet<anyhow::Result<()>>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
}

impl Tasks {
    /// No tasks yet; cancelling `stop` asks all of them to end.
    #[must_use]
    pub fn new(stop: CancellationToken) -> Self {
        Self { running: JoinSet::new(), names: HashMap::new(), stop }
    }

    /// The signal to hand to a task's own parts.
    #[must_use]
    pub fn stop_signal(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Starts `task` under `name`. It must end soon after the stop signal, and not before.
    pub fn start(
        &mut self,
        name: &'static str,
        task: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        debug!(task = name, "task starts");
        let handle = self.running.spawn(task);
        self.names.insert(handle.id(), name);
    }

    /// Runs until the stop signal, or until a task ends on its own, then asks all tasks to end and waits for them.
    ///
    /// # Errors
    /// The failure of the first task that ended on its own. Later failures go to the log.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let stop = self.stop.clone();
        let outcome = tokio::select! {
            () = stop.cancelled() => Ok(()),
            Some(ended) = self.running.join_next_with_id() => Err(self.end_of(ended)),
        };
        self.stop.cancel();
        let all_ended = async {
            while let Some(ended) = self.running.join_next_with_id().await {
                if !matches!(ended, Ok((_, Ok(())))) {
                    let cause = self.end_of(ended);
                    error!(cause = format!("{cause:#}"), "task failed while stopping");
                }
            }
        };
        if tokio::time::timeout(STOP_WAIT_MAX, all_ended).await.is_err() {
            warn!("some tasks did not end in time and are dropped");
        }
        info!("all tasks ended");
        outcome
    }

    /// What to report of a task that ended.
    fn end_of(&self, ended: Result<(Id, anyhow::Result<()>), tokio::task::JoinError>) -> anyhow::Error {
        let name_of = |id: &Id| self.names.get(id).copied().unwrap_or("unnamed");
        match ended {
            Ok((id, Ok(()))) => anyhow!("task `{}` ended on its own", name_of(&id)),
            Ok((id, Err(cause))) => cause.context(format!("task `{}` failed", name_of(&id))),
            Err(cause) => {
                let name = name_of(&cause.id());
                Err::<(), _>(cause).context(format!("task `{name}` was cut short")).unwrap_err()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_end_of_one_task_stops_the_others_and_is_reported() {
        let mut tasks = Tasks::new(CancellationToken::new());
        let stop = tasks.stop_signal();
        tasks.start("patient", async move {
            stop.cancelled().await;
            Ok(())
        });
        tasks.start("failing", async { Err(anyhow!("no paper")) });
        let failure = tasks.run().await.unwrap_err();
        assert_eq!(format!("{failure:#}"), "task `failing` failed: no paper");
    }

    #[tokio::test]
    async fn a_stop_signal_ends_all_tasks_without_a_failure() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        let signal = tasks.stop_signal();
        tasks.start("patient", async move {
            signal.cancelled().await;
            Ok(())
        });
        stop.cancel();
        assert!(tasks.run().await.is_ok());
    }
}
