//! Word that the line to the Internet is back, for whoever would otherwise wait for his next try.

use std::{future::pending, time::Duration};

use tokio::{sync::watch, time::sleep};

/// Over how long boxes whose lines came back together come to central.
const SPREAD: Duration = Duration::from_secs(3);

/// Word that the line is back. Each clone hears of each return from then on.
#[derive(Clone, Debug)]
pub struct Returns(watch::Receiver<u64>);

impl Returns {
    /// The line is back whenever `counted` changes.
    #[must_use]
    pub const fn new(counted: watch::Receiver<u64>) -> Self {
        Self(counted)
    }

    /// For a box that nobody tells.
    pub(super) fn never() -> Self {
        Self(watch::channel(0).1)
    }

    /// Waits until the line is back, and a moment of this box's own beyond. Dropped meanwhile, it is not told again.
    pub(super) async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            return pending().await;
        }
        sleep(between(Duration::ZERO, SPREAD)).await;
    }
}

/// A duration drawn between the two; the longer one where the machine has no randomness.
pub(super) fn between(shortest: Duration, longest: Duration) -> Duration {
    let span = u64::try_from(longest.saturating_sub(shortest).as_millis()).unwrap_or(u64::MAX - 1);
    let drawn = getrandom::u64().map_or(span, |number| number % (span + 1));
    shortest + Duration::from_millis(drawn)
}
