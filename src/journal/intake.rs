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
    pair::{Frames, Pair},
    pseudonym::DayKeys,
    record::{put_decision, put_presence},
    series::{SEGMENT_BYTES_MAX, Series},
    writer::{Batch, Message, Shared, State, Turn, WriterThread},
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
        let pair =
            Pair::new(series(SeriesName::Decisions), series(SeriesName::Presences), keys.clone(), clock);
        let thread = WriterThread { received, pair, shared: shared.clone(), lock, state: State::Writing };
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
    /// On an ordinary day the caller's own thread writes them and nothing is waited for; see `pair.rs`. A disk that begins
    /// to hang holds back the one thread that found out, until the write returns; all others wait with bounds.
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
        let mut frames = Frames::default();
        for presence in &presences {
            put_presence(&mut frames.presences, presence).map_err(|_| JournalClosed)?;
        }
        frames.decisions.reserve(decisions.len() * DECISION_BYTES_TYPICAL);
        for decision in &decisions {
            put_decision(&mut frames.decisions, decision);
        }
        if self.shared.write_at_once(&frames) {
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        let batch = Batch { frames, answer, turn: Turn::take(&self.shared) };
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

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        fs,
        pin::pin,
        sync::atomic::{AtomicI64, AtomicU32},
        task::{Context, Poll, Waker},
    };

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::{
        journal::{Channel, Ground, Outcome, Record, Segment},
        model::{AccountId, PresenceChange},
    };

    const START: i64 = 1_800_000_000_000;

    /// A journal that is being written in a directory of its own, by a clock of its own.
    struct Running {
        dir: tempfile::TempDir,
        time: Arc<AtomicI64>,
        journal: Journal,
        stop: CancellationToken,
        writer: tokio::task::JoinSet<anyhow::Result<()>>,
    }

    impl Running {
        fn start() -> Self {
            Self::start_in(tempfile::tempdir().unwrap(), SEGMENT_BYTES_MAX)
        }

        fn start_in(dir: tempfile::TempDir, segment_bytes_max: u64) -> Self {
            let time = Arc::new(AtomicI64::new(START));
            let read = time.clone();
            let clock = Clock::from_fn(move || Moment::from_unix_milliseconds(read.load(Ordering::Relaxed)));
            let settings = Settings { dir: dir.path().join("journal") };
            let (journal, writer) = Journal::open_with(&settings, clock, segment_bytes_max).unwrap();
            let stop = CancellationToken::new();
            let mut services = tokio::task::JoinSet::new();
            services.spawn(writer.serve(stop.clone()));
            Self { dir, time, journal, stop, writer: services }
        }

        async fn stop(mut self) -> tempfile::TempDir {
            self.stop.cancel();
            self.writer.join_next().await.unwrap().unwrap().unwrap();
            self.dir
        }

        /// Records a decision and a presence that both carry `number`.
        async fn record(&self, number: u32) -> Result<(), JournalClosed> {
            self.journal.record(vec![presence(number)], vec![decision(number)]).await
        }

        fn files(&self) -> BTreeSet<String> {
            files(&self.dir)
        }
    }

    fn files(dir: &tempfile::TempDir) -> BTreeSet<String> {
        let entries = fs::read_dir(dir.path().join("journal")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn bytes_of(dir: &tempfile::TempDir, name: &str) -> Vec<u8> {
        fs::read(dir.path().join("journal").join(name)).unwrap()
    }

    fn records(dir: &tempfile::TempDir, name: &str) -> Vec<Record> {
        let bytes = bytes_of(dir, name);
        Segment::read(&bytes).unwrap().records().collect::<Result<_, _>>().unwrap()
    }

    fn decision(number: u32) -> DecisionRecord {
        DecisionRecord {
            at: Moment::from_unix_milliseconds(START),
            zone: "cdi".parse().unwrap(),
            who: Pseudonym([7; 8]),
            channel: Channel::Dns,
            site: format!("site-{number}.exemple.fr").parse().unwrap(),
            outcome: Outcome::Allowed(Ground::ZoneDefault),
        }
    }

    fn presence(number: u32) -> Presence {
        Presence {
            at: Moment::from_unix_milliseconds(START),
            account: AccountId::new(&format!("person-{number}")),
            zone: "cdi".parse().unwrap(),
            machine: Mac::new([2; 6]),
            change: PresenceChange::SignedOut,
        }
    }

    #[tokio::test]
    async fn what_is_answered_stands_in_its_series() {
        let running = Running::start();
        for number in 0..10 {
            running.record(number).await.unwrap();
        }
        let decisions: Vec<_> = (0..10).map(|number| Record::Decision(decision(number))).collect();
        let presences: Vec<_> = (0..10).map(|number| Record::Presence(presence(number))).collect();
        assert_eq!(records(&running.dir, "decisions-2027-01-15-0001.journal"), decisions);
        assert_eq!(records(&running.dir, "presences-2027-01-15-0001.journal"), presences);
        running.stop().await;
    }

    #[tokio::test]
    async fn no_person_stands_among_decisions_and_no_site_among_presences() {
        let running = Running::start();
        for number in 0..100 {
            running.record(number).await.unwrap();
        }
        for (file, foreign) in [("decisions", b"person-".as_slice()), ("presences", b"exemple.fr")] {
            let bytes = bytes_of(&running.dir, &format!("{file}-2027-01-15-0001.journal"));
            assert!(bytes.len() > 1000);
            assert!(!bytes.windows(foreign.len()).any(|window| window == foreign), "{file}");
        }
        running.stop().await;
    }

    #[tokio::test]
    async fn a_restart_goes_on_in_the_same_segment_and_moves_a_torn_end_aside() {
        let running = Running::start();
        running.record(1).await.unwrap();
        let dir = running.stop().await;
        let path = dir.path().join("journal/decisions-2027-01-15-0001.journal");
        let whole = fs::read(&path).unwrap();
        let torn = [&whole[..], b"\x30\x00half a frame"].concat();
        fs::write(&path, &torn).unwrap();
        let running = Running::start_in(dir, SEGMENT_BYTES_MAX);
        assert_eq!(fs::read(&path).unwrap(), whole);
        let aside = format!("decisions-2027-01-15-0001.at-{}.torn", whole.len());
        assert_eq!(bytes_of(&running.dir, &aside), b"\x30\x00half a frame");
        running.record(2).await.unwrap();
        let expected = [1, 2].map(|number| Record::Decision(decision(number)));
        assert_eq!(records(&running.dir, "decisions-2027-01-15-0001.journal"), expected);
        running.stop().await;
    }

    #[tokio::test]
    async fn a_segment_whose_header_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("journal")).unwrap();
        let foreign = dir.path().join("journal/decisions-2027-01-15-0001.journal");
        fs::write(&foreign, b"PREAUJRN of a later version, with a longer header").unwrap();
        let running = Running::start_in(dir, SEGMENT_BYTES_MAX);
        running.record(1).await.unwrap();
        assert!(fs::read(&foreign).unwrap().starts_with(b"PREAUJRN of a later"));
        assert_eq!(records(&running.dir, "decisions-2027-01-15-0002.journal").len(), 1);
        running.stop().await;
    }

    #[tokio::test]
    async fn a_day_and_a_full_segment_begin_the_next() {
        let running = Running::start_in(tempfile::tempdir().unwrap(), 300);
        for number in 0..20 {
            running.record(number).await.unwrap();
        }
        let numbered = |number| format!("decisions-2027-01-15-{number:04}.journal");
        let mut read = Vec::new();
        let segments = running.files().iter().filter(|name| name.starts_with("decisions-")).count();
        assert!(segments >= 3, "{segments}");
        for number in 1..=segments {
            assert!(bytes_of(&running.dir, &numbered(number)).len() <= 300);
            read.extend(records(&running.dir, &numbered(number)));
        }
        assert_eq!(read, (0..20).map(|number| Record::Decision(decision(number))).collect::<Vec<_>>());
        running.time.fetch_add(86_400_000, Ordering::Relaxed);
        running.record(20).await.unwrap();
        assert!(running.files().contains("decisions-2027-01-16-0001.journal"));
        running.stop().await;
    }

    #[tokio::test]
    async fn a_step_of_the_clock_is_marked_in_both_series() {
        let running = Running::start();
        running.record(1).await.unwrap();
        running.time.fetch_sub(3_600_000, Ordering::Relaxed);
        running.record(2).await.unwrap();
        for series in ["decisions", "presences"] {
            let records = records(&running.dir, &format!("{series}-2027-01-15-0001.journal"));
            let Record::ClockStepped { at, milliseconds } = records[1] else { panic!("{records:?}") };
            assert_eq!(at, Moment::from_unix_milliseconds(START - 3_600_000));
            assert!((-3_660_000..=-3_600_000).contains(&milliseconds), "{milliseconds}");
            assert_eq!(records.len(), 3);
        }
        running.stop().await;
    }

    /// What recording `number` comes to without any waiting.
    fn record_at_once(journal: &Journal, number: u32) -> Poll<Result<(), JournalClosed>> {
        let recording = pin!(journal.record(vec![presence(number)], vec![decision(number)]));
        recording.poll(&mut Context::from_waker(Waker::noop()))
    }

    /// Records from `first` on until one is written without waiting, and says which: a busy disk is the thread's.
    async fn record_until_at_once(journal: &Journal, first: u32) -> u32 {
        for number in first..first + 20_000 {
            let mut recording = pin!(journal.record(vec![presence(number)], vec![decision(number)]));
            match recording.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(outcome) => {
                    outcome.unwrap();
                    return number;
                }
                Poll::Pending => recording.await.unwrap(),
            }
        }
        panic!("everything waits for the thread");
    }

    #[tokio::test]
    async fn an_ordinary_record_is_written_by_whoever_records() {
        let running = Running::start();
        let last = record_until_at_once(&running.journal, 1).await;
        assert!(last > 1, "the thread begins the segments");
        let decisions: Vec<_> = (1..=last).map(|number| Record::Decision(decision(number))).collect();
        let presences: Vec<_> = (1..=last).map(|number| Record::Presence(presence(number))).collect();
        assert_eq!(records(&running.dir, "decisions-2027-01-15-0001.journal"), decisions);
        assert_eq!(records(&running.dir, "presences-2027-01-15-0001.journal"), presences);
        running.stop().await;
    }

    #[tokio::test]
    async fn nobody_writes_before_those_who_wait_for_the_thread() {
        let running = Running::start();
        let last = record_until_at_once(&running.journal, 1).await;
        let turn = Turn::take(&running.journal.shared);
        let mut frames = Frames::default();
        put_decision(&mut frames.decisions, &decision(last + 1));
        assert!(!running.journal.shared.write_at_once(&frames), "somebody waits for the thread");
        drop(turn);
        record_until_at_once(&running.journal, last + 1).await;
        running.stop().await;
    }

    #[tokio::test]
    async fn a_stopped_journal_is_written_by_nobody() {
        let running = Running::start();
        running.record(1).await.unwrap();
        let journal = running.journal.clone();
        let dir = running.stop().await;
        assert_eq!(record_at_once(&journal, 2), Poll::Ready(Err(JournalClosed)));
        assert_eq!(records(&dir, "decisions-2027-01-15-0001.journal").len(), 1);
    }

    #[tokio::test]
    async fn two_processes_cannot_write_one_journal() {
        let running = Running::start();
        let settings = Settings { dir: running.dir.path().join("journal") };
        let second = Journal::open(&settings, Clock::of_the_machine()).unwrap_err();
        assert!(second.to_string().contains("another process writes the journal"), "{second}");
        let dir = running.stop().await;
        Running::start_in(dir, SEGMENT_BYTES_MAX).stop().await;
    }

    #[tokio::test]
    async fn a_stopped_journal_refuses() {
        let running = Running::start();
        let journal = running.journal.clone();
        assert!(journal.is_writing());
        running.stop().await;
        assert_eq!(journal.record(Vec::new(), vec![decision(1)]).await, Err(JournalClosed));
        assert_eq!(journal.record(Vec::new(), Vec::new()).await, Ok(()));
        assert!(!journal.is_writing());
    }

    #[tokio::test]
    async fn what_is_queued_at_the_stop_is_written_and_answered() {
        let running = Running::start();
        let answered = Arc::new(AtomicU32::new(0));
        let mut callers = tokio::task::JoinSet::new();
        for number in 0..500 {
            let (journal, answered) = (running.journal.clone(), answered.clone());
            callers.spawn(async move {
                if journal.record(Vec::new(), vec![decision(number)]).await.is_ok() {
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        tokio::task::yield_now().await;
        let dir = running.stop().await;
        callers.join_all().await;
        let written = if files(&dir).contains("decisions-2027-01-15-0001.journal") {
            records(&dir, "decisions-2027-01-15-0001.journal").len()
        } else {
            0
        };
        assert_eq!(written, usize::try_from(answered.load(Ordering::Relaxed)).unwrap());
    }

    #[tokio::test]
    async fn a_full_queue_refuses_after_a_second() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings { dir: dir.path().join("journal") };
        let (journal, writer) = Journal::open(&settings, Clock::of_the_machine()).unwrap();
        let mut callers = tokio::task::JoinSet::new();
        for number in 0..4096 {
            let journal = journal.clone();
            callers.spawn(async move { journal.record(Vec::new(), vec![decision(number)]).await });
        }
        while journal.queue.capacity() > 0 {
            tokio::task::yield_now().await;
        }
        let begun = tokio::time::Instant::now();
        assert_eq!(journal.record(Vec::new(), vec![decision(0)]).await, Err(JournalClosed));
        let waited = begun.elapsed();
        assert!(waited >= PLACE_WAIT_MAX && waited < ANSWER_WAIT_MAX, "{waited:?}");
        drop(writer);
        assert!(callers.join_all().await.iter().all(|outcome| *outcome == Err(JournalClosed)));
    }

    #[tokio::test]
    async fn the_files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let running = Running::start();
        running.record(1).await.unwrap();
        let dir = running.dir.path().join("journal");
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
        let path = dir.join("presences-2027-01-15-0001.journal");
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        running.stop().await;
    }
}
