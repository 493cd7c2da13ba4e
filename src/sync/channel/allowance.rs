//! How much of the line is taken, and when: rate, budget of a day, windows, and way for whoever comes first.
//!
//! ```text
//! <state_dir>/central/budget      2026-11-22 123456       the day in Europe/Paris, the bytes fetched in it
//! ```
//!
//! What is small goes at once and only counts. What is large waits for its window, for the day's budget, while something
//! small is being fetched, and while others use the line ([`Sharing`]). While the clock is doubted the hour is not known:
//! then windows are closed, and the budget's day does not end.

use std::{
    fmt, fs, mem,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use jiff::tz::TimeZone;
use tokio::{
    sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard, watch},
    time::{Instant, sleep, sleep_until},
};
use tracing::warn;

use super::sharing::Sharing;
use crate::{
    model::{ClockTrust, Moment},
    sync::Settings,
    system::{clock::Clock, files},
};

/// How often somebody who waits looks whether he may go on.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// After how many bytes what was fetched is written down: at most this is forgotten by a power cut.
const WRITE_EVERY_BYTES: u64 = 1 << 20;

/// How many bytes came over the line so far, for whomever; nothing where it is not known.
pub type LineBytes = Arc<dyn Fn() -> Option<u64> + Send + Sync>;

/// Something large that waits for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// What is still to be fetched of it, in bytes.
    pub bytes: u64,
    /// What it waits for.
    pub awaited: Awaited,
}

/// What something large waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// Its hours of the day, or a clock to know them by.
    Window,
    /// The next day's budget.
    Budget,
    /// The line, which is wanted for something better.
    Line,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let awaited = match self.awaited {
            Awaited::Window => "their window",
            Awaited::Budget => "the next day's budget",
            Awaited::Line => "the line",
        };
        write!(f, "{} MB wait for {awaited}", self.bytes.div_ceil(1_000_000))
    }
}

/// The allowance of one box.
pub(super) struct Allowance {
    settings: Settings,
    clock: Clock,
    line_bytes: LineBytes,
    sharing: Mutex<Sharing>,
    /// Held by the piece that comes: two at once would take each other for somebody else.
    piece: AsyncMutex<()>,
    budget_path: PathBuf,
    spent: Mutex<Spent>,
    /// When the line is free again at the rate set.
    free_at: Mutex<Option<Instant>>,
    /// Small things being fetched.
    small: AtomicUsize,
    waits: watch::Sender<Option<Waits>>,
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
    pub(super) fn new(settings: Settings, clock: Clock, line_bytes: LineBytes, budget_path: PathBuf) -> Self {
        let spent =
            fs::read_to_string(&budget_path).ok().and_then(|text| Spent::read(&text)).unwrap_or_default();
        Self {
            settings,
            clock,
            line_bytes,
            sharing: Mutex::new(Sharing::new(Instant::now())),
            piece: AsyncMutex::new(()),
            budget_path,
            spent: Mutex::new(spent),
            free_at: Mutex::default(),
            small: AtomicUsize::new(0),
            waits: watch::Sender::new(None),
        }
    }

    /// What waits for its turn; none where nothing large does.
    pub(super) fn waits(&self) -> watch::Receiver<Option<Waits>> {
        self.waits.subscribe()
    }

    /// Something small is fetched as long as what this gives lives.
    pub(super) fn first(&self) -> First<'_> {
        self.small.fetch_add(1, Ordering::Relaxed);
        First(&self.small)
    }

    /// Waits until something large, of which `bytes` are still to be fetched, may go on.
    pub(super) async fn turn(&self, bytes: u64) {
        self.wait(bytes, || self.awaited()).await;
    }

    /// Waits, before the next piece of something of which `bytes` are still to be fetched, until no other piece comes and
    /// nobody else uses the line. The line is the piece's as long as what this gives lives.
    pub(super) async fn make_way(&self, bytes: u64) -> AsyncMutexGuard<'_, ()> {
        let piece = self.piece.lock().await;
        let Some(before) = (self.line_bytes)() else { return piece };
        // What others asked for stands behind our last piece, and comes in the gap.
        let gap = self.sharing().begin_gap(Instant::now(), before);
        sleep(gap).await;
        self.wait(bytes, || {
            let line_bytes = (self.line_bytes)()?;
            (!self.sharing().is_free(Instant::now(), line_bytes)).then_some(Awaited::Line)
        })
        .await;
        piece
    }

    /// The longest piece to ask for at once; none where nobody can tell who else uses the line.
    pub(super) fn piece_bytes(&self) -> Option<u64> {
        (self.line_bytes)().map(|_| self.sharing().piece_bytes(Instant::now()))
    }

    /// Something is asked for over the line.
    pub(super) fn ask(&self) {
        self.sharing().asked();
    }

    /// A piece came over the line: `bytes` of it in the time `taken`.
    pub(super) fn piece_came(&self, bytes: u64, taken: Duration) {
        self.sharing().came(bytes, taken);
    }

    async fn wait(&self, bytes: u64, awaited: impl Fn() -> Option<Awaited>) {
        let _told = Told(&self.waits);
        while let Some(awaited) = awaited() {
            let waits = Some(Waits { bytes, awaited });
            self.waits.send_if_modified(|told| mem::replace(told, waits) != waits);
            sleep(LOOK_EVERY).await;
        }
    }

    /// What something large has to wait for just now, if for anything.
    fn awaited(&self) -> Option<Awaited> {
        let budget = self.settings.budget_bytes.map(std::num::NonZeroU64::get);
        if !self.is_in_window() {
            Some(Awaited::Window)
        } else if budget.is_some_and(|budget| self.spent_today() >= budget) {
            Some(Awaited::Budget)
        } else if self.small.load(Ordering::Relaxed) > 0 {
            Some(Awaited::Line)
        } else {
            None
        }
    }

    fn sharing(&self) -> MutexGuard<'_, Sharing> {
        self.sharing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_in_window(&self) -> bool {
        self.settings.is_hour_of_large_things(&self.clock)
    }

    fn spent_today(&self) -> u64 {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        spent.turn_to(local(&self.clock).map(|(day, _)| day));
        spent.bytes
    }

    /// Counts bytes that came over the line.
    pub(super) fn count(&self, bytes: u64) {
        self.sharing().took(bytes);
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

impl Settings {
    /// Whether large things may be fetched at this hour. While the clock is doubted it is not, where hours are set.
    #[must_use]
    pub fn is_hour_of_large_things(&self, clock: &Clock) -> bool {
        let holds = |minute| self.windows.iter().any(|window| window.holds(minute));
        self.windows.is_empty() || local(clock).is_some_and(|(_, minute)| holds(minute))
    }
}

/// Tells that nothing waits any more, once it is dropped.
struct Told<'a>(&'a watch::Sender<Option<Waits>>);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.send_if_modified(|told| told.take().is_some());
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
