//! What passes on the live line, counted.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// What passes on the line of this instance. Cloning is cheap; all clones count the same.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    waiting: Arc<AtomicU64>,
    answers: Arc<AtomicU64>,
}

/// A request whose answer is held back, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Held(Arc<AtomicU64>);

impl Traffic {
    /// Requests whose answer is held back at this moment.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Answers given since the start.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    pub(crate) fn hold(&self) -> Held {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Held(Arc::clone(&self.waiting))
    }

    pub(crate) fn answer(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_was_given_up_waits_no_more() {
        let traffic = Traffic::default();
        let held = [traffic.hold(), traffic.clone().hold()];
        assert_eq!(traffic.waiting(), 2);
        drop(held);
        assert_eq!((traffic.waiting(), traffic.answers()), (0, 0));
    }
}
