//! The one place that reads the time of day.

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use tokio::sync::watch;

use super::ratchet::Doubt;
use crate::model::{ClockTrust, Moment};

/// A source of moments. Cloning is cheap; all clones are one clock.
///
/// What a clock says may be doubted; whoever keeps watch over it says so to all of its clones.
#[derive(Clone)]
pub struct Clock {
    read: Arc<dyn Fn() -> Moment + Send + Sync>,
    doubt: watch::Sender<Option<Doubt>>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn of_the_machine() -> Self {
        Self::from_fn(machine_time)
    }

    /// A clock that says what `read` says; tests move it at will.
    pub fn from_fn(read: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Self { read: Arc::new(read), doubt: watch::Sender::default() }
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Moment {
        (self.read)()
    }

    /// Whether what it says is to be believed.
    #[must_use]
    pub fn trust(&self) -> ClockTrust {
        if self.doubt().is_some() { ClockTrust::Doubtful } else { ClockTrust::Trusted }
    }

    /// What speaks against it, if anything does.
    #[must_use]
    pub fn doubt(&self) -> Option<Doubt> {
        *self.doubt.borrow()
    }

    /// Says to all clones what speaks against it, if anything does.
    pub fn set_doubt(&self, doubt: Option<Doubt>) {
        self.doubt.send_if_modified(|known| std::mem::replace(known, doubt) != doubt);
    }

    /// Told when the doubt begins, ends or becomes another.
    #[must_use]
    pub fn doubts(&self) -> watch::Receiver<Option<Doubt>> {
        self.doubt.subscribe()
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
