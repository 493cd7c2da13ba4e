//! The one writer of the journal: a thread that takes what is queued, writes it, and answers.
//!
//! Everything queued goes down in one `write` a series, then everybody who waits is answered: a kill loses nothing that
//! was answered. The disk itself is asked (`fdatasync`) once a second, and when a segment or the daemon ends: a power cut
//! loses at most the last second.
//!
//! Where a write fails both series are cut back to their last whole record, and the same batch is tried again for a
//! second. Then everything is refused at once, and each waiting time that has passed lets one batch try again, until one
//! goes through. Refused means closed: the gate allows nothing that is not written down.

use std::{
    fs::File,
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, bail};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{JournalClosed, pseudonym::DayKeys, record::put_clock_stepped, series::Series};
use crate::{model::Moment, system::clock::Clock};

/// Batches written with one call at most, so that nobody waits long behind the others.
const BATCHES_MAX: usize = 1024;

/// How often the disk is asked; this much a power cut may lose.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// How long the batch that meets a failing disk is tried again before it is refused.
const PATIENCE: Duration = Duration::from_secs(1);

/// The pause between those tries.
const TRY_PAUSE: Duration = Duration::from_millis(50);

/// The first and the longest pause between tries while everything is refused.
const REFUSE_PAUSE_MIN: Duration = Duration::from_millis(250);
const REFUSE_PAUSE_MAX: Duration = Duration::from_secs(4);

/// A difference between the clock and the time that really passed which is noted in both series.
const CLOCK_STEP_MIN_MILLISECONDS: u64 = 2000;

/// What the writer's thread is sent.
#[derive(Debug)]
pub(super) enum Message {
    /// Frames for each series, and who waits for them.
    Write(Batch),
    /// Write what is queued, then end.
    Stop,
}

/// Whole frames of each series that go down together or not at all.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) presences: Vec<u8>,
    pub(super) decisions: Vec<u8>,
    pub(super) answer: oneshot::Sender<Result<(), JournalClosed>>,
}

/// What the writer shares with those who read its state.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Whether records are refused because the disk does not take them.
    pub(super) refusing: AtomicBool,
    /// The files written since the disk was last asked.
    unsynced: Mutex<Vec<Arc<File>>>,
    /// Whether the disk failed when it was asked.
    sync_failed: AtomicBool,
}

/// The writer, ready to serve. There is one to a journal; the directory's lock sees to it.
#[derive(Debug)]
pub struct Writer {
    pub(super) queue: mpsc::Sender<Message>,
    pub(super) thread: WriterThread,
}

impl Writer {
    /// Writes until `stop`, then writes what is still queued and brings it to the disk. Later records are refused.
    ///
    /// # Errors
    /// When the writer's thread cannot start or ends on its own.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let Self { queue, thread } = self;
        let shared = thread.shared.clone();
        let (end, mut ended) = oneshot::channel();
        let handle = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || {
                let outcome = thread.run();
                // Nobody listens when the service was dropped, and then nobody needs to know.
                let _ = end.send(outcome);
            })
            .context("cannot start the journal's thread")?;
        let mut tick = tokio::time::interval(SYNC_EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = &mut ended => bail!("the journal's thread ended on its own"),
                _ = tick.tick() => shared.sync().await,
            }
        }
        // A thread that is gone already has nothing left to write.
        let _ = queue.send(Message::Stop).await;
        let outcome = ended.await.context("the journal's thread was cut short")?;
        if handle.join().is_err() {
            bail!("the journal's thread was cut short");
        }
        outcome.context("cannot bring the end of the journal to the disk")
    }
}

impl Shared {
    /// Asks the disk for the files written since the last time, on a thread that may wait.
    async fn sync(self: &Arc<Self>) {
        let files = self.take_unsynced();
        if files.is_empty() {
            return;
        }
        let asked = tokio::task::spawn_blocking(move || files.iter().try_for_each(|file| file.sync_data()));
        if let Ok(Err(cause)) = asked.await {
            error!(cause = %cause, "disk failed to take the journal");
            self.sync_failed.store(true, Ordering::Release);
        }
    }

    fn take_unsynced(&self) -> Vec<Arc<File>> {
        std::mem::take(&mut *self.unsynced.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note_unsynced(&self, file: Arc<File>) {
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        if !unsynced.iter().any(|known| Arc::ptr_eq(known, &file)) {
            unsynced.push(file);
        }
    }
}

/// What the thread owns.
#[derive(Debug)]
pub(super) struct WriterThread {
    pub(super) received: mpsc::Receiver<Message>,
    pub(super) decisions: Series,
    pub(super) presences: Series,
    pub(super) keys: Arc<DayKeys>,
    pub(super) clock: Clock,
    pub(super) shared: Arc<Shared>,
    /// Held for as long as this writer may write.
    pub(super) lock: File,
    pub(super) state: State,
    /// When the last batch went down, by the clock and by the time that really passes.
    pub(super) last_written: Option<(Moment, Instant)>,
}

/// Whether the disk takes what is written.
#[derive(Debug)]
pub(super) enum State {
    Writing,
    Refusing { until: Instant, pause: Duration },
}

impl WriterThread {
    fn run(mut self) -> io::Result<()> {
        let mut batches = Vec::with_capacity(BATCHES_MAX);
        let mut messages = Vec::with_capacity(BATCHES_MAX);
        loop {
            let count = self.received.blocking_recv_many(&mut messages, BATCHES_MAX);
            for message in messages.drain(..) {
                match message {
                    Message::Write(batch) => batches.push(batch),
                    // What is queued by now is still received; nothing more gets in.
                    Message::Stop => self.received.close(),
                }
            }
            if !batches.is_empty() {
                self.write_and_answer(&mut batches);
            }
            if count == 0 {
                break;
            }
        }
        let last = self.shared.take_unsynced().iter().try_for_each(|file| file.sync_data());
        drop(self.lock);
        last
    }

    fn write_and_answer(&mut self, batches: &mut Vec<Batch>) {
        let mut decisions = Vec::with_capacity(batches.iter().map(|batch| batch.decisions.len()).sum());
        let mut presences = Vec::new();
        for batch in batches.iter() {
            decisions.extend_from_slice(&batch.decisions);
            presences.extend_from_slice(&batch.presences);
        }
        let written = self.write(&decisions, &presences);
        for batch in batches.drain(..) {
            // Whoever does not wait any more has acted on nothing.
            let _ = batch.answer.send(if written { Ok(()) } else { Err(JournalClosed) });
        }
    }

    /// Writes now, or waits a little, or refuses; says whether everything is written.
    fn write(&mut self, decisions: &[u8], presences: &[u8]) -> bool {
        let begun = Instant::now();
        let (patience, pause) = match self.state {
            State::Writing => (PATIENCE, REFUSE_PAUSE_MIN),
            State::Refusing { until, .. } if begun < until => return false,
            State::Refusing { pause, .. } => (Duration::ZERO, (pause * 2).min(REFUSE_PAUSE_MAX)),
        };
        loop {
            let Err(cause) = self.try_write(decisions, presences) else {
                if !matches!(self.state, State::Writing) {
                    info!("journal takes records again");
                    self.state = State::Writing;
                    self.shared.refusing.store(false, Ordering::Relaxed);
                }
                return true;
            };
            if begun.elapsed() >= patience {
                if matches!(self.state, State::Writing) {
                    error!(cause = %cause, "journal cannot be written; everything is refused until it can");
                    self.shared.refusing.store(true, Ordering::Relaxed);
                }
                self.state = State::Refusing { until: Instant::now() + pause, pause };
                return false;
            }
            std::thread::sleep(TRY_PAUSE);
        }
    }

    fn try_write(&mut self, decisions: &[u8], presences: &[u8]) -> io::Result<()> {
        if self.shared.sync_failed.swap(false, Ordering::Acquire) {
            // What the disk holds is unknown: both files are read from their beginning before they go on.
            self.decisions.distrust();
            self.presences.distrust();
            return Err(io::Error::other("the disk failed to take what was written"));
        }
        self.keys.save()?;
        let (now, instant) = (self.clock.now(), Instant::now());
        let mark = self.clock_step_mark(now, instant);
        if mark.is_empty() {
            self.append(decisions, presences, now)?;
        } else {
            self.append(&[&mark, decisions].concat(), &[&mark, presences].concat(), now)?;
        }
        self.last_written = Some((now, instant));
        for series in [&self.decisions, &self.presences] {
            if let Some(file) = series.file() {
                self.shared.note_unsynced(file);
            }
        }
        Ok(())
    }

    /// Appends to both series or to none.
    fn append(&mut self, decisions: &[u8], presences: &[u8], now: Moment) -> io::Result<()> {
        self.presences.append(presences, now)?;
        self.decisions.append(decisions, now).inspect_err(|_| self.presences.take_back(presences.len()))
    }

    /// The frame that marks a step of the clock since the last batch; empty where it went with the time.
    fn clock_step_mark(&self, now: Moment, instant: Instant) -> Vec<u8> {
        let mut mark = Vec::new();
        if let Some((last, last_instant)) = self.last_written {
            let passed = instant.duration_since(last_instant);
            let step = now.unix_milliseconds().saturating_sub((last + passed).unix_milliseconds());
            if step.unsigned_abs() > CLOCK_STEP_MIN_MILLISECONDS {
                put_clock_stepped(&mut mark, now, step);
            }
        }
        mark
    }
}
