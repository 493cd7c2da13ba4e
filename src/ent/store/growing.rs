//! A body that grows while others read it: one writes, any number follow, each at its own pace from the first byte.
//!
//! The last bytes are in memory, the older ones in the draft's file. Where there is no file, because the disk fails, the
//! bytes that the slowest follower lacks stay in memory and the writer waits for it, as a plain proxy would.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    os::unix::fs::FileExt as _,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use thiserror::Error;
use tokio::task::JoinHandle;

/// Bytes that stay in memory behind the end; a follower further behind reads the file.
pub(super) const RECENT_BYTES_MAX: u64 = 256 * 1024;

/// Bytes read from the file at once.
const READ_BYTES: u64 = 256 * 1024;

/// The body ended before its end: whoever wrote it gave up, or the bytes between are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the body was cut short")]
pub struct Cut;

/// A body being written. Cloning is cheap; all clones are one body.
#[derive(Clone, Debug)]
pub struct Growing(Arc<Mutex<State>>);

/// How the writing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With the last byte.
    Finished,
    /// Before it.
    Cut,
}

/// Who takes the bytes that are older than those in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Older {
    /// Nobody yet: there are few, and all are in memory.
    InMemory,
    /// The draft's file.
    OnDisk,
    /// Nobody any more: they are gone once all followers have them.
    Gone,
}

#[derive(Debug)]
struct State {
    /// The bytes from `recent_from` to `end`, each piece with its offset.
    recent: VecDeque<(u64, Bytes)>,
    recent_from: u64,
    end: u64,
    ending: Option<Ending>,
    older: Older,
    /// The draft's file and how many bytes are in it.
    file: Option<(Arc<File>, u64)>,
    followers: HashMap<u64, Place>,
    follower_next: u64,
    writer: Option<Waker>,
}

/// How far a follower is, and how to wake it where it waits.
#[derive(Debug)]
struct Place {
    offset: u64,
    waker: Option<Waker>,
}

impl Growing {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            recent: VecDeque::new(),
            recent_from: 0,
            end: 0,
            ending: None,
            older: Older::InMemory,
            file: None,
            followers: HashMap::new(),
            follower_next: 0,
            writer: None,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads it from its first byte; none where that byte is gone, which only happens while the disk fails.
    #[must_use]
    pub fn follow(&self) -> Option<Follower> {
        let mut state = self.state();
        if state.recent_from > state.on_file() {
            return None;
        }
        let number = state.follower_next;
        state.follower_next += 1;
        state.followers.insert(number, Place { offset: 0, waker: None });
        Some(Follower { growing: self.clone(), number, reading: None, is_over: false })
    }

    /// The bytes written so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.state().end
    }

    /// Whether the last byte is written.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.state().ending == Some(Ending::Finished)
    }

    /// Whether anybody reads it.
    #[must_use]
    pub fn has_followers(&self) -> bool {
        !self.state().followers.is_empty()
    }

    /// Adds `bytes` to the end.
    pub(super) fn push(&self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        let mut state = self.state();
        let at = state.end;
        state.end = at.saturating_add(length_of(&bytes));
        state.recent.push_back((at, bytes));
        state.trim();
        state.wake_followers();
    }

    /// The bytes from `from`, where a piece begins, to the end; none where they are not in memory.
    pub(super) fn since(&self, from: u64) -> Option<Vec<Bytes>> {
        let state = self.state();
        let begin = state.recent.partition_point(|(at, _)| *at < from);
        let pieces: Vec<Bytes> = state.recent.range(begin..).map(|(_, bytes)| bytes.clone()).collect();
        let length: u64 = pieces.iter().map(|piece| length_of(piece)).sum();
        (from.checked_add(length) == Some(state.end)).then_some(pieces)
    }

    /// Says that `file` holds the bytes before `until`.
    pub(super) fn on_disk(&self, file: &Arc<File>, until: u64) {
        let mut state = self.state();
        state.older = Older::OnDisk;
        state.file = Some((Arc::clone(file), until));
        state.trim();
    }

    /// Says that no file takes the bytes any more. What one holds can still be read from it.
    pub(super) fn without_disk(&self) {
        let mut state = self.state();
        state.older = Older::Gone;
        state.trim();
    }

    /// Says that no more bytes come. Only the first word counts.
    pub(super) fn end(&self, ending: Ending) {
        let mut state = self.state();
        state.ending.get_or_insert(ending);
        state.wake_followers();
    }

    /// Waits while the slowest follower is too far behind the end for memory alone.
    pub(super) fn poll_room(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        state.trim();
        if state.end - state.recent_from <= RECENT_BYTES_MAX || state.older != Older::Gone {
            return Poll::Ready(());
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }
}

impl State {
    /// Lets go of the oldest pieces in memory that nobody needs from there.
    fn trim(&mut self) {
        let spare_until = match self.older {
            Older::InMemory => 0,
            Older::OnDisk => self.on_file().min(self.end.saturating_sub(RECENT_BYTES_MAX)),
            Older::Gone => self.followers.values().map(|place| place.offset).min().unwrap_or(self.end),
        };
        while let Some((at, bytes)) = self.recent.front() {
            let end = at + length_of(bytes);
            if end > spare_until {
                break;
            }
            self.recent_from = end;
            self.recent.pop_front();
        }
    }

    /// How many bytes the file has.
    fn on_file(&self) -> u64 {
        self.file.as_ref().map_or(0, |(_, until)| *until)
    }

    fn wake_followers(&mut self) {
        for waker in self.followers.values_mut().filter_map(|place| place.waker.take()) {
            waker.wake();
        }
    }

    /// A follower has `by` bytes more.
    fn advance(&mut self, number: u64, by: u64) {
        if let Some(place) = self.followers.get_mut(&number) {
            place.offset += by;
        }
        if self.older == Older::Gone {
            self.trim();
            if let Some(writer) = self.writer.take() {
                writer.wake();
            }
        }
    }

    /// The rest of the piece in memory that holds the byte at `offset`.
    fn piece(&self, offset: u64) -> Option<Bytes> {
        let after = self.recent.partition_point(|(at, _)| *at <= offset);
        let (at, bytes) = self.recent.get(after.checked_sub(1)?)?;
        let skip = usize::try_from(offset - at).ok()?;
        (skip < bytes.len()).then(|| bytes.slice(skip..))
    }
}

/// One who reads a growing body from its first byte; waits where the writer has not come yet. Ends after the last byte,
/// or with one [`Cut`].
#[derive(Debug)]
pub struct Follower {
    growing: Growing,
    number: u64,
    reading: Option<JoinHandle<std::io::Result<Bytes>>>,
    is_over: bool,
}

/// What a follower can do at its place.
enum Step {
    Give(Bytes),
    Read(Arc<File>, u64, u64),
    End(Ending),
    Wait,
}

impl Follower {
    fn step(&self, context: &Context<'_>) -> Step {
        let mut state = self.growing.state();
        let Some(offset) = state.followers.get(&self.number).map(|place| place.offset) else {
            return Step::End(Ending::Cut);
        };
        if offset < state.end {
            if let Some(piece) = state.piece(offset) {
                state.advance(self.number, length_of(&piece));
                return Step::Give(piece);
            }
            return match &state.file {
                Some((file, until)) if offset < *until => {
                    Step::Read(Arc::clone(file), offset, (*until - offset).min(READ_BYTES))
                }
                _ => Step::End(Ending::Cut),
            };
        }
        if let Some(ending) = state.ending {
            return Step::End(ending);
        }
        if let Some(place) = state.followers.get_mut(&self.number) {
            place.waker = Some(context.waker().clone());
        }
        Step::Wait
    }
}

impl futures_util::Stream for Follower {
    type Item = Result<Bytes, Cut>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.is_over {
                return Poll::Ready(None);
            }
            if let Some(reading) = &mut self.reading {
                let read = ready!(Pin::new(reading).poll(context));
                self.reading = None;
                let Ok(Ok(bytes)) = read else {
                    self.is_over = true;
                    return Poll::Ready(Some(Err(Cut)));
                };
                self.growing.state().advance(self.number, length_of(&bytes));
                return Poll::Ready(Some(Ok(bytes)));
            }
            match self.step(context) {
                Step::Give(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Step::Read(file, offset, length) => {
                    self.reading = Some(tokio::task::spawn_blocking(move || read_at(&file, offset, length)));
                }
                Step::End(ending) => {
                    self.is_over = true;
                    return Poll::Ready((ending == Ending::Cut).then_some(Err(Cut)));
                }
                Step::Wait => return Poll::Pending,
            }
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut state = self.growing.state();
        state.followers.remove(&self.number);
        if let Some(writer) = state.writer.take() {
            writer.wake();
        }
    }
}

/// Reads `length` bytes at `offset`, all of them or none.
pub(super) fn read_at(file: &File, offset: u64, length: u64) -> std::io::Result<Bytes> {
    let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
    file.read_exact_at(&mut bytes, offset)?;
    Ok(Bytes::from(bytes))
}

/// The length of `bytes` as the store counts it.
pub(super) fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
