//! Who waits for something to change is told when it was committed.
//!
//! A signal says where to look, never what changed: whoever hears it reads the database. One that is missed (an instance
//! that had lost its connection) is made good by looking from time to time. Each instance tells its own listeners at once,
//! and others over PostgreSQL's `NOTIFY`; when it had not heard them for a while it tells [`EVERYTHING`].

use tokio::sync::broadcast;

/// Signals kept for a slow listener; whoever falls behind further is told that it missed some, and looks at everything.
const KEPT: usize = 4096;

/// The topic that means all of them: this instance did not hear the others for a while.
pub const EVERYTHING: &str = "*";

/// The signals of a database. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Signals(broadcast::Sender<String>);

impl Default for Signals {
    fn default() -> Self {
        Self(broadcast::Sender::new(KEPT))
    }
}

impl Signals {
    /// Listens from now on.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<String> {
        self.0.subscribe()
    }

    pub(super) fn tell(&self, topic: &str) {
        // Nobody may be listening.
        let _ = self.0.send(topic.to_owned());
    }
}
