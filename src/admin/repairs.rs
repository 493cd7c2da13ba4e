//! Technicians' sessions at the box: opened by the académie's central, bounded in time, seen by the school, which may end them.
//!
//! Nothing is done for a technician without an open session. It ends when its moment has come by the box's clock, and when
//! the machine has run for as long as it was to last, whichever is first: a clock that is set back prolongs nothing. A start
//! of the daemon ends it too. What was done stays listed for the school.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use thiserror::Error;
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Act, Granted, NotDone, Store,
    openings::check_act,
    repair_table::{self, RepairEnd, RepairSession},
};
use crate::{
    model::Moment,
    protocol::repair::{REPAIR_MINUTES, REPAIR_NAME_CHARS_MAX, REPAIR_REASON_CHARS_MAX, Repair, RepairAct},
    system::clock::Clock,
};

/// Acts in one session: more is no repair, and no page shows it.
const ACTS_MAX: u32 = 60;

/// How often it is looked whether a session is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Technicians' sessions. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Repairs {
    store: Store,
    clock: Clock,
    open: Arc<Mutex<Option<Open>>>,
    told: Arc<watch::Sender<Option<Repair>>>,
}

/// The session that is open.
#[derive(Clone, Copy, Debug)]
struct Open {
    session: u64,
    /// When it is over by the box's clock, and by the time the machine runs.
    ends: Moment,
    until: Instant,
}

/// A session that central wants opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepairWanted {
    /// Its number.
    pub session: u64,
    /// The technician's name.
    pub by: String,
    /// Why.
    pub reason: String,
    /// How long it lasts at most.
    pub minutes: u64,
    /// When it ends.
    pub ends: Moment,
}

/// Why something of a technician's was not done; a fragment for the technician.
#[derive(Debug, Error)]
pub enum RepairRefusal {
    /// Another session is open.
    #[error("another session is open at this box")]
    AnotherOpen,
    /// A session of this number was opened before.
    #[error("a session of this number was opened here before")]
    Known,
    /// It would be over at once.
    #[error("by the box's clock this session is over")]
    Over,
    /// No session of this number is open.
    #[error("no session of this number is open at this box")]
    NotOpen,
    /// Too much was done in this session.
    #[error("{ACTS_MAX} acts were done in this session; open another")]
    TooMany,
    /// The disk refused: what cannot be shown to the school is not done.
    #[error("the box's disk refuses to note it")]
    Disk(#[from] anyhow::Error),
}

impl Repairs {
    /// The sessions in `store`. One that was open when the daemon ended is over.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn open(store: Store) -> anyhow::Result<Self> {
        let clock = store.clock().clone();
        let now = clock.now();
        store.read_at_start(|on| repair_table::end_all(on, now, RepairEnd::Restart))?;
        let last = store.read_at_start(repair_table::last)?;
        let told = Arc::new(watch::Sender::new(last.as_ref().map(told)));
        Ok(Self { store, clock, open: Arc::default(), told })
    }

    /// How the last session stands, as central is told; none where there never was one.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Option<Repair>> {
        self.told.subscribe()
    }

    /// Opens a session.
    ///
    /// # Errors
    /// A refusal; nothing has then changed.
    pub async fn begin(&self, wanted: RepairWanted) -> Result<(), RepairRefusal> {
        let RepairWanted { session, by, reason, minutes, ends } = wanted;
        let now = self.clock.now();
        let minutes = minutes.min(REPAIR_MINUTES.into_iter().max().unwrap_or_default());
        let lasts = Duration::from_secs(60 * minutes);
        let open = Open { session, ends: ends.min(now + lasts), until: Instant::now() + lasts };
        if self.current().is_some() {
            return Err(RepairRefusal::AnotherOpen);
        }
        if open.is_over(now, Instant::now()) {
            return Err(RepairRefusal::Over);
        }
        let kept = RepairSession {
            session,
            by: on_one_line(&by, REPAIR_NAME_CHARS_MAX),
            reason: on_one_line(&reason, REPAIR_REASON_CHARS_MAX),
            opened: now,
            ends: open.ends,
            ended: None,
            acts: Vec::new(),
        };
        let is_new = self.store.write(move |on| {
            // One whose end was not written when it came.
            repair_table::end_all(on, now, RepairEnd::Time)?;
            repair_table::open(on, &kept)
        });
        if !is_new.await? {
            return Err(RepairRefusal::Known);
        }
        *self.lock() = Some(open);
        info!("a technician's session is open");
        self.publish().await;
        Ok(())
    }

    /// Notes that `act` is begun in `session`, where it is open; says the act's number.
    ///
    /// # Errors
    /// A refusal: then it must not be done.
    pub async fn begin_act(&self, session: u64, act: RepairAct) -> Result<i64, RepairRefusal> {
        self.current().filter(|open| open.session == session).ok_or(RepairRefusal::NotOpen)?;
        let now = self.clock.now();
        let begun = self.store.write(move |on| repair_table::begin_act(on, session, now, act, ACTS_MAX));
        begun.await?.ok_or(RepairRefusal::TooMany)
    }

    /// Notes what became of an act.
    pub async fn finish_act(&self, number: i64, well: bool) {
        if let Err(cause) = self.store.write(move |on| repair_table::finish_act(on, number, well)).await {
            warn!(cause = format!("{cause:#}"), "what became of a technician's act cannot be written");
        }
    }

    /// Ends `session` because the académie says so; says whether it was open.
    ///
    /// # Errors
    /// When the disk refuses; it is over all the same.
    pub async fn end(&self, session: u64) -> Result<bool, RepairRefusal> {
        let was_open = self.take(|open| open.session == session);
        if !was_open {
            return Ok(false);
        }
        let now = self.clock.now();
        self.store.write(move |on| repair_table::end(on, session, now, RepairEnd::Central)).await?;
        self.publish().await;
        Ok(true)
    }

    /// Ends `session` because somebody of the school says so. It is over before anything is written.
    ///
    /// # Errors
    /// A refusal: it was not open any more, or the disk refuses the trace; it is over all the same.
    pub async fn end_by_school(&self, granted: &Granted, session: u64, now: Moment) -> Result<(), NotDone> {
        check_act(granted, Act::EndRepairs)?;
        if !self.take(|open| open.session == session) {
            return Err(NotDone::Unknown);
        }
        let what = "met fin à l’intervention d’un technicien".to_owned();
        let ended = self
            .store
            .act(granted, what, now, move |on| repair_table::end(on, session, now, RepairEnd::School))
            .await;
        self.publish().await;
        ended.map(drop).map_err(NotDone::from)
    }

    /// The last sessions, the latest first.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn sessions(&self) -> anyhow::Result<Vec<RepairSession>> {
        self.store.read(repair_table::all).await
    }

    /// The number of the session that is open at this moment.
    #[must_use]
    pub fn open_now(&self) -> Option<u64> {
        self.current().map(|open| open.session)
    }

    /// Ends sessions whose time is over, until the stop signal.
    ///
    /// # Errors
    /// Never; what cannot be written is over all the same.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        while stop.run_until_cancelled(sleep(LOOK_EVERY)).await.is_some() {
            let now = self.clock.now();
            let over = { *self.lock() }.filter(|open| open.is_over(now, Instant::now()));
            let Some(Open { session, .. }) = over else { continue };
            if !self.take(|open| open.session == session) {
                continue;
            }
            let ended = self.store.write(move |on| repair_table::end(on, session, now, RepairEnd::Time));
            if let Err(cause) = ended.await {
                warn!(cause = format!("{cause:#}"), "the end of a technician's session cannot be written");
            }
            self.publish().await;
        }
        Ok(())
    }

    /// The session that is open and not over.
    fn current(&self) -> Option<Open> {
        let now = self.clock.now();
        self.lock().filter(|open| !open.is_over(now, Instant::now()))
    }

    /// Closes the session that is open where `is_it` says so; says whether it did.
    fn take(&self, is_it: impl Fn(&Open) -> bool) -> bool {
        let was_open = self.lock().take_if(|open| is_it(open)).is_some();
        if was_open {
            info!("a technician's session is over");
        }
        was_open
    }

    /// Tells central how the last session stands.
    async fn publish(&self) {
        match self.store.read(repair_table::last).await {
            Ok(last) => drop(self.told.send_replace(last.as_ref().map(told))),
            Err(cause) => warn!(cause = format!("{cause:#}"), "technicians' sessions cannot be read"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// By the box's clock, or by the time the machine has run: a clock that is set back prolongs nothing.
    fn is_over(&self, now: Moment, instant: Instant) -> bool {
        now >= self.ends || instant >= self.until
    }
}

fn told(session: &RepairSession) -> Repair {
    let (at, ended) = match session.ended {
        Some((at, why)) => (at, why.word()),
        None => (session.opened, ""),
    };
    Repair { session: session.session, ended: ended.to_owned(), at: at.unix_seconds() }
}

/// A text of central's on one line, cut to its bound.
fn on_one_line(text: &str, chars_max: usize) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(chars_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_prolongs_nothing() {
        let (opened, begun) = (Moment::from_unix_seconds(1_795_417_500), Instant::now());
        let lasts = Duration::from_secs(900);
        let open = Open { session: 1, ends: opened + lasts, until: begun + lasts };
        assert!(!open.is_over(opened, begun));
        assert!(open.is_over(opened + lasts, begun), "by its clock");
        assert!(open.is_over(opened - lasts, begun + lasts), "by the time the machine ran");
    }
}
