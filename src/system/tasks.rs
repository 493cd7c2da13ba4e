//! Named tasks with a supervisor and a stop signal; nothing in the daemon runs outside them.

use std::{collections::HashMap, future::Future, time::Duration};

use anyhow::{Context as _, anyhow};
use tokio::{
    runtime,
    sync::oneshot,
    task::{Id, JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

/// How long services may take to end after they were asked to, and then what they stand on.
const STOP_WAIT_MAX: Duration = Duration::from_secs(7);

/// How long what the services stand on may take to end after them. Together under systemd's ten seconds.
const FOUNDATION_STOP_WAIT_MAX: Duration = Duration::from_secs(2);

/// The daemon's tasks. Each is vital: the end of one is the end of all, and systemd starts the daemon again.
#[derive(Debug)]
pub struct Tasks {
    services: Crew,
    foundations: Crew,
}

impl Tasks {
    /// No tasks yet; cancelling `stop` asks all of them to end.
    #[must_use]
    pub fn new(stop: CancellationToken) -> Self {
        Self { services: Crew::new(stop), foundations: Crew::new(CancellationToken::new()) }
    }

    /// Starts `service` under `name` with its stop signal. It must end soon after the signal, and not before.
    pub fn start<F>(&mut self, name: &'static str, service: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.services.start(name, service);
    }

    /// As [`Tasks::start`], on a thread and a runtime of its own. For a service that is woken by every packet: on shared
    /// threads each packet wakes one thread while the service runs on another.
    pub fn start_on_own_thread<F>(
        &mut self,
        name: &'static str,
        service: impl FnOnce(CancellationToken) -> F + Send + 'static,
    ) where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.services.start(name, |stop| on_own_thread(name, move || service(stop)));
    }

    /// Starts what the services stand on, such as the journal: it is asked to end only after all of them have.
    pub fn start_foundation<F>(&mut self, name: &'static str, service: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.foundations.start(name, service);
    }

    /// Runs until the stop signal, or until a task ends on its own; then all are asked to end, services first.
    ///
    /// # Errors
    /// The failure of the first task that ended on its own. Later failures go to the log.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let stop = self.services.stop.clone();
        let outcome = tokio::select! {
            biased;
            () = stop.cancelled() => Ok(()),
            error = self.services.first_end() => Err(error),
            error = self.foundations.first_end() => Err(error),
        };
        self.services.end(STOP_WAIT_MAX).await;
        self.foundations.end(FOUNDATION_STOP_WAIT_MAX).await;
        info!("all tasks ended");
        outcome
    }
}

/// Runs `service` on a new thread and waits for its end. Dropping the wait does not end the thread; the stop signal does.
async fn on_own_thread<F>(
    name: &'static str,
    service: impl FnOnce() -> F + Send + 'static,
) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let (end, ended) = oneshot::channel();
    let run = move || {
        let outcome = runtime::Builder::new_current_thread().enable_all().build();
        let outcome = outcome.context("cannot start a runtime").and_then(|runtime| {
            // A task: to wake what a runtime blocks on costs a write to itself, even on its own thread.
            let service = runtime.spawn(service());
            runtime.block_on(service).context("the service was cut short")?
        });
        // Nobody listens when the wait was dropped, and then nobody needs to know.
        let _ = end.send(outcome);
    };
    std::thread::Builder::new().name(name.to_owned()).spawn(run).context("cannot start a thread")?;
    ended.await.context("the thread was cut short")?
}

/// Tasks that end together.
#[derive(Debug)]
struct Crew {
    running: JoinSet<anyhow::Result<()>>,
    names: HashMap<Id, &'static str>,
    stop: CancellationToken,
}

impl Crew {
    fn new(stop: CancellationToken) -> Self {
        Self { running: JoinSet::new(), names: HashMap::new(), stop }
    }

    fn start<F>(&mut self, name: &'static str, service: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        debug!(task = name, "task starts");
        let handle = self.running.spawn(service(self.stop.clone()));
        self.names.insert(handle.id(), name);
    }

    /// Waits for the first task that ends, which none should; for ever where there are none.
    async fn first_end(&mut self) -> anyhow::Error {
        match self.running.join_next_with_id().await {
            Some(ended) => self.cause_of(ended),
            None => std::future::pending().await,
        }
    }

    /// Asks all to end and waits for them; whatever goes wrong is reported, and the waiting goes on.
    async fn end(&mut self, wait_max: Duration) {
        self.stop.cancel();
        let all_ended = async {
            while let Some(ended) = self.running.join_next_with_id().await {
                if !matches!(ended, Ok((_, Ok(())))) {
                    let cause = self.cause_of(ended);
                    error!(cause = format!("{cause:#}"), "task failed while stopping");
                }
            }
        };
        if tokio::time::timeout(wait_max, all_ended).await.is_err() {
            warn!("some tasks did not end in time and are dropped");
        }
    }

    fn cause_of(&self, ended: Result<(Id, anyhow::Result<()>), JoinError>) -> anyhow::Error {
        let name_of = |id: &Id| self.names.get(id).copied().unwrap_or("unnamed");
        match ended {
            Ok((id, Ok(()))) => anyhow!("task `{}` ended on its own", name_of(&id)),
            Ok((id, Err(cause))) => cause.context(format!("task `{}` failed", name_of(&id))),
            Err(cause) => {
                let name = name_of(&cause.id());
                anyhow::Error::new(cause).context(format!("task `{name}` was cut short"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    async fn until(stop: CancellationToken) -> anyhow::Result<()> {
        stop.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn the_end_of_one_task_stops_the_others_and_is_reported() {
        let mut tasks = Tasks::new(CancellationToken::new());
        tasks.start("patient", until);
        tasks.start("failing", |_| async { Err(anyhow!("no paper")) });
        let failure = tasks.run().await.unwrap_err();
        assert_eq!(format!("{failure:#}"), "task `failing` failed: no paper");
    }

    #[tokio::test]
    async fn a_task_on_its_own_thread_stops_and_fails_like_the_others() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.start_on_own_thread("apart", until);
        stop.cancel();
        assert!(tasks.run().await.is_ok());
        let mut tasks = Tasks::new(CancellationToken::new());
        tasks.start_on_own_thread("failing", |_| async {
            assert_eq!(std::thread::current().name(), Some("failing"));
            Err(anyhow!("no paper"))
        });
        let failure = tasks.run().await.unwrap_err();
        assert_eq!(format!("{failure:#}"), "task `failing` failed: no paper");
    }

    #[tokio::test]
    async fn a_stop_signal_ends_all_tasks_without_a_failure() {
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        tasks.start("patient", until);
        stop.cancel();
        assert!(tasks.run().await.is_ok());
    }

    #[tokio::test]
    async fn foundations_end_after_the_services_that_stand_on_them() {
        let ended = Arc::new(Mutex::new(Vec::new()));
        let stop = CancellationToken::new();
        let mut tasks = Tasks::new(stop.clone());
        let told = |name, pause| {
            let ended = Arc::clone(&ended);
            move |stop: CancellationToken| async move {
                stop.cancelled().await;
                tokio::time::sleep(pause).await;
                ended.lock().unwrap().push(name);
                Ok(())
            }
        };
        tasks.start_foundation("journal", told("journal", Duration::ZERO));
        tasks.start("resolver", told("resolver", Duration::from_millis(20)));
        stop.cancel();
        tasks.run().await.unwrap();
        assert_eq!(*ended.lock().unwrap(), ["resolver", "journal"]);
    }
}
