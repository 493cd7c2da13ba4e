//! Both series as one: what is written goes into both or into none, and never by two at once.
//!
//! One hand writes at a time. The writer's thread may always write: it waits for its turn, and tries again, refuses or
//! begins a segment as `writer.rs` says. Whoever records may write for itself what is ordinary: the files are open and
//! have room, the last time the disk was quick, nobody waits for the thread. So an ordinary record costs no change of
//! threads. All else is the thread's, and so is whatever somebody failed to write: it was cut back again.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::{pseudonym::DayKeys, record::put_clock_stepped, series::Series, writer::Shared};
use crate::{model::Moment, system::clock::Clock};

/// A difference between the clock and the time that really passed which is noted in both series.
const CLOCK_STEP_MIN_MILLISECONDS: u64 = 2000;

/// A write that takes longer than this shows a slow disk: threads that serve people must not wait for it.
const QUICK_MAX: Duration = Duration::from_millis(5);

/// How many times as long as a slow write took the disk is then the thread's alone. So those who serve people wait for a
/// slow disk a twentieth of the time at most, and one who was only interrupted is soon quick again.
const SLOW_RESTS: u32 = 20;

/// Whole frames of each series that go down together or not at all.
#[derive(Debug, Default)]
pub(super) struct Frames {
    pub(super) presences: Vec<u8>,
    pub(super) decisions: Vec<u8>,
}

/// Both series, with what is written beside them.
#[derive(Debug)]
pub(super) struct Pair {
    decisions: Series,
    presences: Series,
    keys: Arc<DayKeys>,
    clock: Clock,
    /// When the last batch went down, by the clock and by the time that really passes.
    last_written: Option<(Moment, Instant)>,
    /// Until when only the thread writes, because the disk was slow.
    slow_until: Option<Instant>,
}

impl Pair {
    /// The series as they were left.
    pub(super) fn new(decisions: Series, presences: Series, keys: Arc<DayKeys>, clock: Clock) -> Self {
        Self { decisions, presences, keys, clock, last_written: None, slow_until: None }
    }

    /// Writes, for the writer's thread: whatever that takes.
    pub(super) fn write(&mut self, frames: &Frames, shared: &Shared) -> io::Result<()> {
        if shared.sync_failed.swap(false, Ordering::Acquire) {
            // What the disk holds is unknown: both files are read from their beginning before they go on.
            self.decisions.distrust();
            self.presences.distrust();
            return Err(io::Error::other("the disk failed to take what was written"));
        }
        self.keys.save()?;
        let (now, instant) = (self.clock.now(), Instant::now());
        let mark = self.clock_step_mark(now, instant);
        if mark.is_empty() {
            self.append(frames, now)?;
        } else {
            let marked = |frames: &[u8]| [&mark, frames].concat();
            let Frames { presences, decisions } = frames;
            self.append(&Frames { presences: marked(presences), decisions: marked(decisions) }, now)?;
        }
        self.note_written(now, instant, shared);
        Ok(())
    }

    /// Writes what is ordinary, for whoever records, and says whether it is written. If not, nothing is.
    pub(super) fn write_ordinary(&mut self, frames: &Frames, shared: &Shared) -> bool {
        let (now, begun) = (self.clock.now(), Instant::now());
        let ordinary = self.slow_until.is_none_or(|until| until < begun)
            && !shared.sync_failed.load(Ordering::Acquire)
            && self.keys.are_saved()
            && self.clock_step(now, begun).is_none()
            && self.presences.has_room_for(&frames.presences, now)
            && self.decisions.has_room_for(&frames.decisions, now);
        if !ordinary {
            return false;
        }
        let written = self.append(frames, now).is_ok();
        if written {
            self.note_written(now, begun, shared);
        }
        let took = begun.elapsed();
        self.slow_until = (took > QUICK_MAX).then(|| begun + took * SLOW_RESTS);
        written
    }

    /// Appends to both series or to none.
    fn append(&mut self, frames: &Frames, now: Moment) -> io::Result<()> {
        let Frames { presences, decisions } = frames;
        self.presences.append(presences, now)?;
        self.decisions.append(decisions, now).inspect_err(|_| self.presences.take_back(presences.len()))
    }

    fn note_written(&mut self, now: Moment, instant: Instant, shared: &Shared) {
        self.last_written = Some((now, instant));
        for series in [&self.decisions, &self.presences] {
            if let Some(file) = series.file() {
                shared.note_unsynced(file);
            }
        }
    }

    /// The frame that marks a step of the clock since the last batch; empty where it went with the time.
    fn clock_step_mark(&self, now: Moment, instant: Instant) -> Vec<u8> {
        let mut mark = Vec::new();
        if let Some(step) = self.clock_step(now, instant) {
            put_clock_stepped(&mut mark, now, step);
        }
        mark
    }

    /// By how many milliseconds the clock was set since the last batch, where that is worth a mark.
    fn clock_step(&self, now: Moment, instant: Instant) -> Option<i64> {
        let (last, last_instant) = self.last_written?;
        let passed = instant.duration_since(last_instant);
        let step = now.unix_milliseconds().saturating_sub((last + passed).unix_milliseconds());
        (step.unsigned_abs() > CLOCK_STEP_MIN_MILLISECONDS).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::SeriesName;

    const START: Moment = Moment::from_unix_seconds(1_800_000_000);

    fn pair(dir: &tempfile::TempDir, clock: Clock) -> Pair {
        let keys = DayKeys::open(dir.path().join("day-key"), clock.now()).unwrap();
        let series = |name| Series::open(dir.path().to_owned(), name, 1000);
        Pair::new(series(SeriesName::Decisions), series(SeriesName::Presences), Arc::new(keys), clock)
    }

    fn frames(length: usize) -> Frames {
        Frames { presences: Vec::new(), decisions: vec![7; length] }
    }

    #[test]
    fn a_slow_disk_is_the_threads_for_a_while() {
        let dir = tempfile::tempdir().unwrap();
        let shared = Shared::default();
        let mut pair = pair(&dir, Clock::from_fn(|| START));
        pair.write(&frames(10), &shared).unwrap();
        pair.slow_until = Some(Instant::now() + Duration::from_secs(1));
        assert!(!pair.write_ordinary(&frames(10), &shared));
        pair.slow_until = Some(Instant::now());
        std::thread::sleep(Duration::from_millis(1));
        assert!(pair.write_ordinary(&frames(10), &shared));
    }

    #[test]
    fn what_begins_a_segment_or_follows_trouble_is_the_threads() {
        let dir = tempfile::tempdir().unwrap();
        let shared = Shared::default();
        let mut pair = pair(&dir, Clock::from_fn(|| START));
        assert!(!pair.write_ordinary(&frames(10), &shared), "no segment, and the day's key is not saved");
        pair.write(&frames(10), &shared).unwrap();
        assert!(!pair.write_ordinary(&frames(1000), &shared), "the segment is full");
        shared.sync_failed.store(true, Ordering::Release);
        assert!(!pair.write_ordinary(&frames(10), &shared), "what the disk holds is unknown");
        pair.write(&frames(10), &shared).unwrap_err();
        assert!(!pair.write_ordinary(&frames(10), &shared), "the files are not checked");
    }

    #[test]
    fn a_step_of_the_clock_is_marked_by_the_thread() {
        let dir = tempfile::tempdir().unwrap();
        let shared = Shared::default();
        let mut pair = pair(&dir, Clock::from_fn(|| START));
        pair.write(&frames(10), &shared).unwrap();
        pair.clock = Clock::from_fn(|| START + Duration::from_secs(60));
        assert!(!pair.write_ordinary(&frames(10), &shared));
        pair.write(&frames(10), &shared).unwrap();
        assert!(pair.write_ordinary(&frames(10), &shared));
    }
}
