//! How much of the line is taken, and when: rate, budget of a day, windows, and way for whoever comes first.
//!
//! ```text
//! <state_dir>/central/budget      2026-11-22 123456       the day in Europe/Paris, the bytes fetched in it
//! ```
//!
//! What is small goes at once and only counts. What is large waits for its window, for the day's budget, while something
//! small is being fetched, and while the line is pressed. While the clock is doubted the hour is not known: then windows
//! are closed, and the budget's day does not end.

use std::{
    fs,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::tz::TimeZone;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::warn;

use crate::{
    model::{ClockTrust, Moment},
    sync::Settings,
    system::{clock::Clock, files},
};

/// How often somebody who waits looks whether he may go on.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// After how many bytes what was fetched is written down: at most this is forgotten by a power cut.
const WRITE_EVERY_BYTES: u64 = 1 << 20;

/// Whether the line is wanted for something better just now.
pub(super) type Pressed = Arc<dyn Fn() -> bool + Send + Sync>;

/// The allowance of one box.
pub(super) struct Allowance {
    settings: Settings,
    clock: Clock,
    pressed: Pressed,
    budget_path: PathBuf,
    spent: Mutex<Spent>,
    /// When the line is free again at the rate set.
    free_at: Mutex<Option<Instant>>,
    /// Small things being fetched.
    small: AtomicUsize,
}

/// What was fetched in a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Spent {
    day: String,
    bytes: u64,
    unwritten: u64,
}

/// While it lives, what is large waits.
pub(super) struct First<'a>(&'a AtomicUsize);

impl Allowance {
    /// The allowance by these settings; what was spent is read from `budget_path`.
    pub(super) fn new(settings: Settings, clock: Clock, pressed: Pressed, budget_path: PathBuf) -> Self {
        let spent =
            fs::read_to_string(&budget_path).ok().and_then(|text| Spent::read(&text)).unwrap_or_default();
        Self {
            settings,
            clock,
            pressed,
            budget_path,
            spent: Mutex::new(spent),
            free_at: Mutex::default(),
            small: AtomicUsize::new(0),
        }
    }

    /// Something small is fetched as long as what this gives lives.
    pub(super) fn first(&self) -> First<'_> {
        self.small.fetch_add(1, Ordering::Relaxed);
        First(&self.small)
    }

    /// Waits until something large may go on.
    pub(super) async fn turn(&self) {
        while !self.may_take() {
            sleep(LOOK_EVERY).await;
        }
    }

    /// Whether something large may be fetched just now.
    fn may_take(&self) -> bool {
        let budget = self.settings.budget_bytes.map(std::num::NonZeroU64::get);
        self.small.load(Ordering::Relaxed) == 0
            && !(self.pressed)()
            && self.is_in_window()
            && budget.is_none_or(|budget| self.spent_today() < budget)
    }

    fn is_in_window(&self) -> bool {
        let windows = &self.settings.windows;
        windows.is_empty()
            || local(&self.clock).is_some_and(|(_, minute)| windows.iter().any(|window| window.holds(minute)))
    }

    fn spent_today(&self) -> u64 {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.turn_to(local(&self.clock).map(|(day, _)| day));
        spent.bytes
    }

    /// Counts bytes that came over the line.
    pub(super) fn count(&self, bytes: u64) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.turn_to(local(&self.clock).map(|(day, _)| day));
        spent.bytes = spent.bytes.saturating_add(bytes);
        spent.unwritten = spent.unwritten.saturating_add(bytes);
        if spent.unwritten >= WRITE_EVERY_BYTES {
            self.write(&mut spent);
        }
    }

    /// Waits until the line is free for more, after `bytes` of something large came over it.
    pub(super) async fn pace(&self, bytes: u64) {
        let Some(rate) = self.settings.rate_bytes else { return };
        let until = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(rate.get());
            let taken = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
            let from = free_at.map_or(now, |at| at.max(now));
            *free_at.insert(from + taken)
        };
        sleep_until(until).await;
    }

    /// Writes down what was spent.
    pub(super) fn note(&self) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.unwritten > 0 {
            self.write(&mut spent);
        }
    }

    /// A disk that refuses costs the memory of the budget, not the download.
    fn write(&self, spent: &mut Spent) {
        spent.unwritten = 0;
        if self.settings.budget_bytes.is_none() {
            return;
        }
        let text = format!("{} {}\n", spent.day, spent.bytes);
        if let Err(error) = files::replace(&self.budget_path, text.as_bytes()) {
            warn!(%error, "cannot write down how much of the day's budget is spent");
        }
    }
}

impl Drop for First<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Spent {
    fn read(text: &str) -> Option<Self> {
        let (day, bytes) = text.trim().split_once(' ')?;
        Some(Self { day: day.to_owned(), bytes: bytes.parse().ok()?, unwritten: 0 })
    }

    /// Begins anew on another day, an earlier one as well: a clock that was once wrong locks nobody out.
    fn turn_to(&mut self, day: Option<String>) {
        if let Some(day) = day.filter(|day| *day != self.day) {
            *self = Self { day, bytes: 0, unwritten: 0 };
        }
    }
}

/// The day and its minute in Europe/Paris; none while the clock is doubted.
fn local(clock: &Clock) -> Option<(String, u16)> {
    if clock.trust() == ClockTrust::Doubtful {
        return None;
    }
    day_and_minute(clock.now())
}

fn day_and_minute(now: Moment) -> Option<(String, u16)> {
    let paris = TimeZone::get("Europe/Paris").ok()?;
    let local = jiff::Timestamp::from_millisecond(now.unix_milliseconds()).ok()?.to_zoned(paris).datetime();
    let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
    Some((local.date().to_string(), u16::try_from(minute).ok()?))
}
