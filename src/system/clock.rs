//! The one place that reads the time of day.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::sync::watch;

use crate::model::{ClockTrust, Moment};

/// A source of moments. Cloning is cheap; all clones are one clock.
///
/// What a clock says may be doubted; whoever keeps watch over it says so to all of its clones.
#[derive(Clone)]
pub struct Clock {
    read: Arc<dyn Fn() -> Moment + Send + Sync>,
    trust: watch::Sender<ClockTrust>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn of_the_machine() -> Self {
        Self::from_fn(machine_time)
    }

    /// A clock that says what `read` says; tests move it at will.
    pub fn from_fn(read: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read), trust: watch::Sender::default() }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        (self.read)()
    }

    /// Whether what it says is to be believed.
    #[must_use]
    pub fn trust(&self) -> ClockTrust {
        *self.trust.borrow()
    }

    /// Says to all clones whether it is to be believed.
    pub fn set_trust(&self, trust: ClockTrust) {
        self.trust.send_if_modified(|known| std::mem::replace(known, trust) != trust);
    }

    /// Told when trust is lost or found again.
    #[must_use]
    pub fn trust_changes(&self) -> watch::Receiver<ClockTrust> {
        self.trust.subscribe()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A clock set before 1970 reads as 1970.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time of day")]
fn machine_time() -> Moment {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment::from_unix_milliseconds(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}
