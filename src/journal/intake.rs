//! The way into the journal, for whoever decides or signs people in.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, bail};
use thiserror::Error;
use tokio::sync::{mpsc, oneshot};

use super::{
    DecisionRecord, Pseudonym, SeriesName, Writer,
    pseudonym::DayKeys,
    record::{put_decision, put_presence},
    series::{SEGMENT_BYTES_MAX, Series},
    writer::{Batch, Message, Shared, State, WriterThread},
};
use crate::{
    model::{Mac, Moment, Presence, Subject},
    system::clock::Clock,
};

/// Batches that may wait for the writer: a slow disk costs this much memory and then refuses.
const QUEUE_BATCHES_MAX: usize = 4096;

/// How long a batch waits for a place in the queue before it is refused.
const PLACE_WAIT_MAX: Duration = Duration::from_secs(1);

/// How long a batch in the queue waits for its answer before it counts as refused: the disk hangs.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);

/// The bytes of a typical decision, for reserving room.
const DECISION_BYTES_TYPICAL: usize = 80;

/// Where the journal lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The directory of its segments and of the day key; made when it is missing, for its owner only.
    pub dir: PathBuf,
}

/// The journal does not take records: it is stopped, or the disk does not take them.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the journal is closed")]
pub struct JournalClosed;

/// The way into the journal. Cloning is cheap; all clones lead to one writer.
#[derive(Clone, Debug)]
pub struct Journal {
    queue: mpsc::Sender<Message>,
    keys: Arc<DayKeys>,
    shared: Arc<Shared>,
}

impl Journal {
    /// The journal in the settings' directory, and its writer, which must be served for anything to be recorded.
    ///
    /// A full disk is no error here: the writer refuses records until there is room.
    ///
    /// # Errors
    /// When the directory cannot be made or read, or another process writes in it.
    pub fn open(settings: &Settings, clock: Clock) -> anyhow::Result<(Self, Writer)> {
        Self::open_with(settings, clock, SEGMENT_BYTES_MAX)
    }

    fn open_with(
        settings: &Settings,
        clock: Clock,
        segment_bytes_max: u64,
    ) -> anyhow::Result<(Self, Writer)> {
        let dir = &settings.dir;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .with_context(|| format!("cannot make the journal's directory `{}`", dir.display()))?;
        let lock = lock(&dir.join("lock"))?;
        let keys = Arc::new(DayKeys::open(dir.join("day-key"), clock.now())?);
        let shared = Arc::new(Shared::default());
        let (queue, received) = mpsc::channel(QUEUE_BATCHES_MAX);
        let series = |name| Series::open(dir.clone(), name, segment_bytes_max);
        let thread = WriterThread {
            received,
            decisions: series(SeriesName::Decisions),
            presences: series(SeriesName::Presences),
            keys: keys.clone(),
            clock,
            shared: shared.clone(),
            lock,
            state: State::Writing,
            last_written: None,
        };
        let writer = Writer { queue: queue.clone(), thread };
        Ok((Self { queue, keys, shared }, writer))
    }

    /// The pseudonym of `subject`, or of the machine where nobody is known, on the day (UTC) of `at`.
    #[must_use]
    pub fn pseudonym(&self, subject: &Subject, machine: Option<Mac>, at: Moment) -> Pseudonym {
        self.keys.pseudonym(subject, machine, at)
    }

    /// Waits until `presences` and `decisions` are handed to the kernel, each to its own record, in order.
    ///
    /// # Errors
    /// When the journal cannot be written: nothing may then be acted on. It can still have been written where the disk
    /// hung for seconds; the record then says more than happened, never less.
    pub async fn record(
        &self,
        presences: Vec<Presence>,
        decisions: Vec<DecisionRecord>,
    ) -> Result<(), JournalClosed> {
        if presences.is_empty() && decisions.is_empty() {
            return Ok(());
        }
        let mut presence_frames = Vec::new();
        for presence in &presences {
            put_presence(&mut presence_frames, presence).map_err(|_| JournalClosed)?;
        }
        let mut decision_frames = Vec::with_capacity(decisions.len() * DECISION_BYTES_TYPICAL);
        for decision in &decisions {
            put_decision(&mut decision_frames, decision);
        }
        let (answer, answered) = oneshot::channel();
        let batch = Batch { presences: presence_frames, decisions: decision_frames, answer };
        self.queue.send_timeout(Message::Write(batch), PLACE_WAIT_MAX).await.map_err(|_| JournalClosed)?;
        match tokio::time::timeout(ANSWER_WAIT_MAX, answered).await {
            Ok(Ok(outcome)) => outcome,
            // The writer is gone, or hangs: closed.
            Ok(Err(_)) | Err(_) => Err(JournalClosed),
        }
    }

    /// Whether the disk took the last record; false says that everything is refused at present.
    #[must_use]
    pub fn is_writing(&self) -> bool {
        !self.shared.refusing.load(Ordering::Relaxed) && !self.queue.is_closed()
    }
}

/// Takes the directory for this process alone; the kernel gives it back when the process ends, however it ends.
fn lock(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("cannot open `{}`", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => {
            bail!("another process writes the journal (`{}` is locked); stop it first", path.display())
        }
        Err(std::fs::TryLockError::Error(cause)) => {
            Err(cause).with_context(|| format!("cannot lock `{}`", path.display()))
        }
    }
}
