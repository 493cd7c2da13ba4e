//! The budgets of all clients as the service shares them: one lock, the clock, and a word in the log.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::base::{Name, iana::Rcode};
use tokio::time::Instant;
use tracing::debug;

use super::{
    answer::Answer,
    budget::{Budgets, Passage},
    news::{self, Told},
};
use crate::enforce::places::Client;

/// What clients say and hear in DNS, counted against tunnels. Cloning is cheap; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Tunnels {
    budgets: Arc<Mutex<Budgets>>,
}

impl Tunnels {
    /// How many clients are held for now, wholly or below some name.
    #[must_use]
    pub fn held(&self) -> usize {
        self.budgets().held(Instant::now())
    }

    /// Whether `client` may ask upstream about `name`.
    pub(super) fn leave(&self, client: Client, name: &Name<[u8]>) -> Passage {
        let told = Told::of(name);
        noted(self.budgets().leave(client, &told, Instant::now()))
    }

    /// Whether `client` may be given what upstream said about `name`.
    pub(super) fn came_back(&self, client: Client, name: &Name<[u8]>, answer: &Answer) -> Passage {
        let (told, brought) = (Told::of(name), news::records(answer.message()));
        let exists = answer.rcode != Rcode::NXDOMAIN;
        noted(self.budgets().came_back(client, &told, &brought, exists, Instant::now()))
    }

    fn budgets(&self) -> MutexGuard<'_, Budgets> {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn noted(passage: Passage) -> Passage {
    if passage == Passage::Held {
        debug!("question held, too much is told by names");
    }
    passage
}
