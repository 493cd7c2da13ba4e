//! The one writer of the journal: a thread that takes what is queued, writes it, and answers.
//!
//! What is ordinary is not queued: whoever records writes it (see `pair.rs`). Everything queued goes down in one `write`
//! a series, then everybody who waits is answered: a kill loses nothing that was answered. The disk itself is asked (`fdatasync`) once a second, and when a segment or the daemon ends: a power cut
//! loses at most the last second.
//!
//! Where a write fails both series are cut back to their last whole record, and the same batch is tried again for a
//! second. Then everything is refused at once, and each waiting time that has passed lets one batch try again, until one
//! goes through. Refused means closed: the gate allows nothing that is not written down.

use std::{
    fs::File,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
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

use super::{
    JournalClosed,
    pair::{Frames, Pair},
};

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

/// What the writer's thread is sent.
#[derive(Debug)]
pub(super) enum Message {
    /// Frames for each series, and who waits for them.
    Write(Batch),
    /// Write what is queued, then end.
    Stop,
}

/// Frames in the queue, and who waits for them.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) frames: Frames,
    pub(super) answer: oneshot::Sender<Result<(), JournalClosed>>,
    pub(super) turn: Turn,
}

/// A place before those who come later: while there is one, nobody but the thread writes.
#[derive(Debug)]
pub(super) struct Turn(Arc<Shared>);

/// What the writer shares with those who record.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Where records go; none before the writer serves, and after it has ended.
    pair: Mutex<Option<Pair>>,
    /// Batches that wait for the thread or are in its hands.
    turns: AtomicUsize,
    /// Whether records are refused because the disk does not take them.
    pub(super) refusing: AtomicBool,
    /// The files written since the disk was last asked.
    unsynced: Mutex<Vec<Arc<File>>>,
    /// Whether the disk is being asked: a write may then have to wait for it.
    syncing: AtomicBool,
    /// Whether the disk failed when it was asked.
    pub(super) sync_failed: AtomicBool,
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

impl Turn {
    /// The next place.
    pub(super) fn take(shared: &Arc<Shared>) -> Self {
        shared.turns.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(shared))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.turns.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Shared {
    /// Writes `frames` for whoever records, if that needs no waiting: nobody else writes or waits for the thread, and
    /// the disk is well and not being asked. Says whether they are written; if not, they are the thread's.
    pub(super) fn write_at_once(&self, frames: &Frames) -> bool {
        let Ok(mut pair) = self.pair.try_lock() else { return false };
        let thread_first = self.turns.load(Ordering::Acquire) > 0
            || self.refusing.load(Ordering::Relaxed)
            || self.syncing.load(Ordering::Acquire);
        !thread_first && pair.as_mut().is_some_and(|pair| pair.write_ordinary(frames, self))
    }

    /// Waits until nobody else writes.
    fn pair(&self) -> MutexGuard<'_, Option<Pair>> {
        self.pair.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the disk for the files written since the last time, on a thread that may wait.
    async fn sync(self: &Arc<Self>) {
        let files = self.take_unsynced();
        if files.is_empty() {
            return;
        }
        // Left on where this is cut short: then the thread writes everything.
        self.syncing.store(true, Ordering::Release);
        let asked = tokio::task::spawn_blocking(move || files.iter().try_for_each(|file| file.sync_data()));
        if let Ok(Err(cause)) = asked.await {
            error!(cause = %cause, "disk failed to take the journal");
            self.sync_failed.store(true, Ordering::Release);
        }
        self.syncing.store(false, Ordering::Release);
    }

    fn take_unsynced(&self) -> Vec<Arc<File>> {
        std::mem::take(&mut *self.unsynced.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn note_unsynced(&self, file: Arc<File>) {
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
    /// Shared with those who record for as long as the thread runs.
    pub(super) pair: Pair,
    pub(super) shared: Arc<Shared>,
    /// Held for as long as this writer may write.
    pub(super) lock: File,
    pub(super) state: State,
}

/// Whether the disk takes what is written.
#[derive(Debug)]
pub(super) enum State {
    Writing,
    Refusing { until: Instant, pause: Duration },
}

impl WriterThread {
    fn run(self) -> io::Result<()> {
        let Self { mut received, pair, shared, lock, mut state } = self;
        *shared.pair() = Some(pair);
        let mut batches = Vec::with_capacity(BATCHES_MAX);
        let mut messages = Vec::with_capacity(BATCHES_MAX);
        loop {
            let count = received.blocking_recv_many(&mut messages, BATCHES_MAX);
            for message in messages.drain(..) {
                match message {
                    Message::Write(batch) => batches.push(batch),
                    // What is queued by now is still received; nothing more gets in.
                    Message::Stop => received.close(),
                }
            }
            if !batches.is_empty() {
                write_and_answer(&shared, &mut state, &mut batches);
            }
            if count == 0 {
                break;
            }
        }
        // From here on nobody writes.
        *shared.pair() = None;
        let last = shared.take_unsynced().iter().try_for_each(|file| file.sync_data());
        drop(lock);
        last
    }
}

fn write_and_answer(shared: &Shared, state: &mut State, batches: &mut Vec<Batch>) {
    let mut all = Frames::default();
    all.decisions.reserve(batches.iter().map(|batch| batch.frames.decisions.len()).sum());
    for Batch { frames, .. } in batches.iter() {
        all.decisions.extend_from_slice(&frames.decisions);
        all.presences.extend_from_slice(&frames.presences);
    }
    // One hand until everything is written or refused, tries and pauses and all: who comes meanwhile queues up.
    let mut pair = shared.pair();
    let written = pair.as_mut().is_some_and(|pair| write(shared, state, pair, &all));
    drop(pair);
    for Batch { answer, turn, .. } in batches.drain(..) {
        drop(turn);
        // Whoever does not wait any more has acted on nothing.
        let _ = answer.send(if written { Ok(()) } else { Err(JournalClosed) });
    }
}

/// Writes now, or waits a little, or refuses; says whether everything is written.
fn write(shared: &Shared, state: &mut State, pair: &mut Pair, frames: &Frames) -> bool {
    let begun = Instant::now();
    let (patience, pause) = match *state {
        State::Writing => (PATIENCE, REFUSE_PAUSE_MIN),
        State::Refusing { until, .. } if begun < until => return false,
        State::Refusing { pause, .. } => (Duration::ZERO, (pause * 2).min(REFUSE_PAUSE_MAX)),
    };
    loop {
        let Err(cause) = pair.write(frames, shared) else {
            if !matches!(state, State::Writing) {
                info!("journal takes records again");
                *state = State::Writing;
                shared.refusing.store(false, Ordering::Relaxed);
            }
            return true;
        };
        if begun.elapsed() >= patience {
            if matches!(state, State::Writing) {
                error!(cause = %cause, "journal cannot be written; everything is refused until it can");
                shared.refusing.store(true, Ordering::Relaxed);
            }
            *state = State::Refusing { until: Instant::now() + pause, pause };
            return false;
        }
        std::thread::sleep(TRY_PAUSE);
    }
}
