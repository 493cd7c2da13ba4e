//! The cache's own tasks: connections to origins, bodies on their way into the store, renewals.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
};

use tokio::task::JoinSet;

/// Tasks that end with the cache.
#[derive(Debug, Default)]
pub(super) struct Crew(Mutex<JoinSet<()>>);

impl Crew {
    /// Starts a task, and lets go of those that ended.
    pub(super) fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }

    /// Ends all of them.
    pub(super) async fn end(&self) {
        let mut tasks = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }
}
