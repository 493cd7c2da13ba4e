//! Where reports come in: heard in memory, written a few seconds' worth at a time.
//!
//! ```text
//!          ┌ what the box must not lose (done, passed on) ─ written with others' at once, then `kept` ┐
//! report ──┤                                                                                          ├─ database
//!          └ what it says of itself ─ the latest of each school in memory ─ every two seconds ────────┘
//! ```
//!
//! With the database gone, the latest report of each school stays in memory and nothing is confirmed; what is bounded stays
//! bounded. A report that is not later than one that was heard is worth nothing: the numbers of a start count up, and a
//! start that another one followed does not come back.

use std::{
    collections::{HashMap, VecDeque},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use preau::{
    model::{Moment, Uai},
    protocol::{
        line::{Done, Figures, Heard, PassedOn, Report},
        repair::TunnelTold,
    },
    system::clock::Clock,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{observed, orders, repairs, requests};
use crate::database::Database;

/// A school that was not heard for so long has missed three heartbeats.
pub const SILENT_AFTER: Duration = Duration::from_secs(180);

/// How often what changed is written.
const WRITE_EVERY: Duration = Duration::from_secs(2);

/// How often it is written which schools were heard at all.
const HEARD_EVERY: Duration = Duration::from_secs(60);

/// How old the figures of a school may be that says nothing else.
const FIGURES_EVERY: Duration = Duration::from_secs(600);

/// How often schools are looked for that have fallen silent.
const SILENCE_EVERY: Duration = Duration::from_secs(10);

/// How long the database and this instance must have been well before silence says something of the schools: longer than
/// the longest a box waits before it tries again.
const SETTLED_AFTER: Duration = Duration::from_secs(360);

/// Reports written in one transaction; other writers come between.
const BATCH: usize = 512;

/// Boxes whose words wait to be kept; more are asked to tell them again.
const TOLD_MAX: usize = 1024;

/// How long a box waits for its words to be kept.
const KEEP_WAIT: Duration = Duration::from_secs(5);

/// Earlier starts of a box that are remembered.
const STARTS: usize = 4;

/// Bounds of a report. What is longer is cut: half of what a box says is better than nothing.
const FINDINGS_MAX: usize = 32;
const WORD_BYTES_MAX: usize = 64;
const SENTENCE_BYTES_MAX: usize = 500;

/// Where reports come in. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Reports {
    database: Database,
    clock: Clock,
    boxes: Arc<Mutex<HashMap<Uai, Known>>>,
    tell: mpsc::Sender<Told>,
}

/// The other end of [`Reports`]: what writes.
#[derive(Debug)]
pub struct Keeper {
    reports: Reports,
    told: mpsc::Receiver<Told>,
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Whether it was later than all before.
    pub later: bool,
    /// Whether what it told is kept.
    pub kept: bool,
}

/// What is remembered of a school's box.
#[derive(Debug)]
struct Known {
    starts: VecDeque<String>,
    number: u64,
    at: Moment,
    heard_written: Option<Moment>,
    /// The digest of what was said last, figures aside.
    essence: [u8; 8],
    written: Option<Moment>,
    due: Option<Box<Report>>,
}

/// What a box must not lose.
#[derive(Debug)]
struct Told {
    school: Uai,
    done: Vec<Done>,
    passed_on: Vec<PassedOn>,
    kept: oneshot::Sender<()>,
}

impl Reports {
    /// Nothing heard yet. The [`Keeper`] is to be served.
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> (Self, Keeper) {
        let (tell, told) = mpsc::channel(TOLD_MAX);
        let reports = Self { database, clock, boxes: Arc::default(), tell };
        (reports.clone(), Keeper { reports, told })
    }

    /// Takes a report of `school`, and waits some seconds at most until what it told is kept.
    pub async fn take(&self, school: &Uai, mut report: Report) -> Taken {
        bound(&mut report);
        let (done, passed_on) = (mem::take(&mut report.done), mem::take(&mut report.passed_on));
        let later = self.hear(school, report);
        let kept = done.is_empty() && passed_on.is_empty() || self.keep(school, done, passed_on).await;
        Taken { later, kept }
    }

    fn hear(&self, school: &Uai, report: Report) -> bool {
        let now = self.clock.now();
        let mut boxes = self.boxes();
        let known = boxes.entry(school.clone()).or_insert_with(|| Known::new(now));
        known.hear(report, now)
    }

    async fn keep(&self, school: &Uai, done: Vec<Done>, passed_on: Vec<PassedOn>) -> bool {
        let (kept, is_kept) = oneshot::channel();
        let told = Told { school: school.clone(), done, passed_on, kept };
        self.tell.try_send(told).is_ok() && matches!(timeout(KEEP_WAIT, is_kept).await, Ok(Ok(())))
    }

    fn boxes(&self) -> MutexGuard<'_, HashMap<Uai, Known>> {
        self.boxes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keeper {
    /// Writes what is heard until the stop signal, and once more then.
    ///
    /// # Errors
    /// Never; a database that refuses is tried again.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { reports, told } = self;
        tokio::join!(reports.keep_told(told, &stop), reports.write_heard(&stop));
        Ok(())
    }
}

impl Reports {
    /// Keeps what boxes told, as much as waits in one transaction.
    async fn keep_told(&self, mut told: mpsc::Receiver<Told>, stop: &CancellationToken) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = told.recv_many(&mut batch, BATCH) => {}
            }
            match self.keep_batch(&batch).await {
                // Who does not wait any more is told again, and tells again.
                Ok(()) => {
                    for told in batch.drain(..) {
                        let _ = told.kept.send(());
                    }
                }
                Err(error) => {
                    warn!(cause = format!("{error:#}"), "what boxes told could not be kept");
                    batch.clear();
                }
            }
        }
    }

    async fn keep_batch(&self, batch: &[Told]) -> anyhow::Result<()> {
        let now = self.clock.now();
        let mut write = self.database.write().await?;
        for told in batch {
            for done in &told.done {
                orders::done(&mut write, &told.school, done, now).await?;
            }
            for passed_on in &told.passed_on {
                requests::keep(&mut write, &told.school, passed_on, now).await?;
            }
        }
        write.commit().await
    }

    async fn write_heard(&self, stop: &CancellationToken) {
        let mut every = interval(WRITE_EVERY);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut well_since = Some(Instant::now());
        let mut looked = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = every.tick() => {}
            }
            let look = looked.elapsed() >= SILENCE_EVERY;
            if look {
                looked = Instant::now();
            }
            let settled = well_since.is_some_and(|since| since.elapsed() >= SETTLED_AFTER);
            match self.write_once(look, settled).await {
                Ok(()) if well_since.is_none() => {
                    info!("reports are written again");
                    well_since = Some(Instant::now());
                }
                Ok(()) => {}
                Err(error) => {
                    if well_since.take().is_some() {
                        warn!(cause = format!("{error:#}"), "reports cannot be written and wait in memory");
                    }
                }
            }
        }
        if let Err(error) = self.write_changes().await {
            warn!(cause = format!("{error:#}"), "the last reports could not be written");
        }
    }

    async fn write_once(&self, look: bool, settled: bool) -> anyhow::Result<()> {
        self.write_changes().await?;
        if look {
            self.write_presence().await?;
            self.find_silent(settled).await?;
        }
        Ok(())
    }

    /// Writes the reports that say something else than before. Those that cannot be written stay due.
    async fn write_changes(&self) -> anyhow::Result<()> {
        loop {
            let batch: Vec<_> = {
                let mut boxes = self.boxes();
                let due = boxes.iter_mut().filter(|(_, known)| known.due.is_some());
                due.take(BATCH).filter_map(|(school, known)| known.take_due(school)).collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            if let Err(error) = self.write_batch(&batch).await {
                let mut boxes = self.boxes();
                for (school, _, report) in batch {
                    if let Some(known) = boxes.get_mut(&school) {
                        known.due.get_or_insert_with(|| Box::new(report));
                    }
                }
                return Err(error);
            }
            let mut boxes = self.boxes();
            for (school, at, _) in &batch {
                if let Some(known) = boxes.get_mut(school) {
                    known.written = Some(*at);
                    known.heard_written = Some(*at);
                }
            }
        }
    }

    async fn write_batch(&self, batch: &[(Uai, Moment, Report)]) -> anyhow::Result<()> {
        let mut write = self.database.write().await?;
        observed::keep(&mut write, batch).await?;
        for (school, at, report) in batch {
            if let Some(repair) = &report.repair {
                repairs::told(&mut write, school, repair, *at).await?;
            }
        }
        write.commit().await
    }

    /// Writes which schools were heard, of those of which that was not written for a while.
    async fn write_presence(&self) -> anyhow::Result<()> {
        let now = self.clock.now();
        let heard: Vec<_> = {
            let boxes = self.boxes();
            let stale = |known: &Known| {
                known.heard_written.is_some_and(|written| {
                    known.at > written
                        && now.since(written) >= HEARD_EVERY
                        && now.since(known.at) < SILENT_AFTER
                })
            };
            boxes
                .iter()
                .filter(|(_, known)| stale(known))
                .map(|(school, known)| (school.clone(), known.at))
                .collect()
        };
        if heard.is_empty() {
            return Ok(());
        }
        let mut write = self.database.write().await?;
        observed::hear(&mut write, &heard).await?;
        write.commit().await?;
        let mut boxes = self.boxes();
        for (school, at) in heard {
            if let Some(known) = boxes.get_mut(&school) {
                known.heard_written = Some(at);
            }
        }
        Ok(())
    }

    /// Finds the schools that were not heard for long, by any instance. Those that only others hear count once this
    /// instance and the database have been well for long enough.
    async fn find_silent(&self, settled: bool) -> anyhow::Result<()> {
        let now = self.clock.now();
        let since = now - SILENT_AFTER;
        let mut overdue = observed::overdue(&self.database, since - HEARD_EVERY).await?;
        {
            let boxes = self.boxes();
            overdue.retain(|school| boxes.get(school).map_or(settled, |known| known.at < since));
        }
        if overdue.is_empty() {
            return Ok(());
        }
        let mut write = self.database.write().await?;
        observed::fall_silent(&mut write, &overdue, since, now).await?;
        write.commit().await
    }
}

impl Known {
    fn new(now: Moment) -> Self {
        Self {
            starts: VecDeque::new(),
            number: 0,
            at: now,
            heard_written: None,
            essence: [0; 8],
            written: None,
            due: None,
        }
    }

    /// Hears a report at `now`; no, if it is not later than those before.
    fn hear(&mut self, report: Report, now: Moment) -> bool {
        match self.starts.iter().position(|start| *start == report.start) {
            Some(0) if report.number <= self.number => return false,
            Some(0) => {}
            Some(_) => return false,
            None => {
                self.starts.push_front(report.start.clone());
                self.starts.truncate(STARTS);
            }
        }
        self.number = report.number;
        let essence = essence(&report);
        let was_away = now.since(self.at) >= SILENT_AFTER;
        let old = self.written.is_none_or(|written| now.since(written) >= FIGURES_EVERY);
        self.at = now;
        if essence != self.essence || was_away || old || self.due.is_some() {
            self.essence = essence;
            self.due = Some(Box::new(report));
        }
        true
    }

    fn take_due(&mut self, school: &Uai) -> Option<(Uai, Moment, Report)> {
        self.due.take().map(|report| (school.clone(), self.at, *report))
    }
}

/// What a report says, without what is another in every report.
fn essence(report: &Report) -> [u8; 8] {
    // How the tunnel stands is said by what changes with it, not by each handshake.
    let tunnel = report.figures.tunnel.as_ref().map(|tunnel| TunnelTold {
        handshake: 0,
        lost_permille: None,
        tried: 0,
        ..tunnel.clone()
    });
    let said = Report {
        number: 0,
        heard: Heard::default(),
        at: 0,
        up_seconds: 0,
        figures: Figures { tunnel, ..Figures::default() },
        ..report.clone()
    };
    let text = serde_json::to_vec(&said).unwrap_or_default();
    let mut essence = [0; 8];
    blake3::Hasher::new().update(&text).finalize_xof().fill(&mut essence);
    essence
}

/// Cuts what is longer than it may be.
fn bound(report: &mut Report) {
    cut(&mut report.start, WORD_BYTES_MAX);
    cut(&mut report.version, WORD_BYTES_MAX);
    report.findings.truncate(FINDINGS_MAX);
    for finding in &mut report.findings {
        cut(&mut finding.code, WORD_BYTES_MAX);
        cut(&mut finding.severity, WORD_BYTES_MAX);
    }
    if let Some(refused) = &mut report.in_force.refused {
        cut(&mut refused.what, WORD_BYTES_MAX);
        cut(&mut refused.why, WORD_BYTES_MAX);
        cut(&mut refused.sentence, SENTENCE_BYTES_MAX);
    }
    if let Some(repair) = &mut report.repair {
        cut(&mut repair.ended, WORD_BYTES_MAX);
    }
    if let Some(tunnel) = &mut report.figures.tunnel {
        cut(&mut tunnel.way, WORD_BYTES_MAX);
        cut(&mut tunnel.trouble, WORD_BYTES_MAX);
    }
}

fn cut(text: &mut String, bytes_max: usize) {
    text.truncate(text.floor_char_boundary(bytes_max));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_of_the_tunnel_costs_no_row_and_another_way_or_its_end_does() {
        let told = TunnelTold { up: true, way: "udp".into(), handshake: 1, ..TunnelTold::default() };
        let of = |tunnel: TunnelTold| {
            let figures = Figures { tunnel: Some(tunnel), signed_in: 3, ..Figures::default() };
            essence(&Report { figures, ..Report::default() })
        };
        let first = of(told.clone());
        let shaken = TunnelTold { handshake: 121, lost_permille: Some(20), tried: 4, ..told.clone() };
        assert_eq!(of(shaken), first);
        assert_ne!(of(TunnelTold { way: "tls".into(), ..told.clone() }), first);
        assert_ne!(of(TunnelTold { up: false, trouble: "silent".into(), ..told }), first);
    }
}
