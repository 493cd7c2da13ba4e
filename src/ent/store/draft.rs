//! A body on its way in: a few bytes stay in memory, more go to a draft's file, on a thread that may wait for the disk.

use std::{future::poll_fn, sync::Arc};

use bytes::{Bytes, BytesMut};

use super::{
    failure::Failure,
    growing::{Ending, Follower, Growing},
    inside::{AT_HAND_BYTES_MAX, Inside},
    run::{FinishedRun, RunDraft},
};

/// Bytes that are gathered before the disk is asked.
const WRITE_BYTES: u64 = 128 * 1024;

/// The longest body that lies in the index itself.
pub(super) const SMALL_BYTES_MAX: u64 = 16 * 1024;

/// A body being written. Dropped before it is finished or cut, its followers are told [`super::Cut`] and nothing of it is
/// kept.
#[derive(Debug)]
pub struct Draft {
    growing: Growing,
    sink: Sink,
    inside: Arc<Inside>,
}

/// Where the bytes go.
#[derive(Debug)]
enum Sink {
    /// Nowhere yet.
    Memory,
    File(Box<RunDraft>),
    /// Nowhere: the disk failed.
    None,
}

/// A body written to its end, to be kept.
#[derive(Debug)]
pub struct Whole(pub(super) Written);

/// A range of a body, to be kept as such.
#[derive(Debug)]
pub struct Part {
    pub(super) written: Written,
    /// Where in the complete body it begins.
    pub(super) first: u64,
    /// The length of the complete body.
    pub(super) total: u64,
}

/// Bytes that nobody adds to any more.
#[derive(Debug)]
pub(super) struct Written {
    growing: Growing,
    sink: Sink,
}

/// What became of them.
#[derive(Debug)]
pub(super) enum Settled {
    /// A few, in memory.
    Small(Bytes),
    /// A run on the disk; with its bytes where they are few enough to stay in memory.
    Run(Box<FinishedRun>, Option<Bytes>),
}

impl Draft {
    pub(super) fn new(inside: &Arc<Inside>) -> Self {
        let growing = Growing::new();
        let mut sink = Sink::Memory;
        if inside.is_plain() {
            growing.without_disk();
            sink = Sink::None;
        }
        Self { growing, sink, inside: Arc::clone(inside) }
    }

    /// Adds `bytes`. Waits for the disk, and while the disk fails for the slowest follower; never fails.
    pub async fn write(&mut self, bytes: Bytes) {
        self.growing.push(bytes);
        let written = match &self.sink {
            Sink::Memory => 0,
            Sink::File(run) => run.length(),
            Sink::None => return poll_fn(|context| self.growing.poll_room(context)).await,
        };
        if self.growing.length().saturating_sub(written) >= WRITE_BYTES {
            self.flush().await;
        }
    }

    /// Brings what is gathered to the file. Cut short, it leaves a draft that is not kept.
    async fn flush(&mut self) {
        let sink = std::mem::replace(&mut self.sink, Sink::None);
        let (growing, inside) = (self.growing.clone(), Arc::clone(&self.inside));
        let flushed = tokio::task::spawn_blocking(move || sink.flush(&growing, &inside)).await;
        match flushed {
            Ok(Ok(run)) => self.sink = Sink::File(Box::new(run)),
            Ok(Err(failure)) => {
                self.inside.disk_failed(&failure);
                self.growing.without_disk();
            }
            Err(_) => self.growing.without_disk(),
        }
    }

    /// The body as others see it grow; can be handed on while the draft is being written.
    #[must_use]
    pub fn growing(&self) -> Growing {
        self.growing.clone()
    }

    /// Reads it from its first byte while it grows; none where that byte is gone, which only happens while the disk fails.
    #[must_use]
    pub fn follow(&self) -> Option<Follower> {
        self.growing.follow()
    }

    /// The last byte is written.
    #[must_use]
    pub fn finish(self) -> Whole {
        Whole(self.end(Ending::Finished))
    }

    /// The last byte of a range is written: the range that begins at byte `first` of a body of `total` bytes.
    #[must_use]
    pub fn finish_part(self, first: u64, total: u64) -> Part {
        Part { written: self.end(Ending::Finished), first, total }
    }

    /// No more bytes come although there should be more: followers are told. What is there begins at byte `first` of a
    /// body of `total` bytes and can be kept as a part of it.
    #[must_use]
    pub fn cut(self, first: u64, total: u64) -> Part {
        Part { written: self.end(Ending::Cut), first, total }
    }

    fn end(mut self, ending: Ending) -> Written {
        self.growing.end(ending);
        Written { growing: self.growing.clone(), sink: std::mem::replace(&mut self.sink, Sink::None) }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Finished or cut, this says nothing more.
        self.growing.end(Ending::Cut);
    }
}

impl Sink {
    fn flush(self, growing: &Growing, inside: &Inside) -> Result<RunDraft, Failure> {
        let mut run = match self {
            Self::Memory => RunDraft::create(inside.draft_path())?,
            Self::File(run) => *run,
            Self::None => return Err(gone()),
        };
        for bytes in growing.since(run.length()).ok_or_else(gone)? {
            run.write(&bytes)?;
        }
        growing.on_disk(run.file(), run.length());
        Ok(run)
    }
}

impl Written {
    /// Its length in bytes.
    pub(super) fn length(&self) -> u64 {
        self.growing.length()
    }

    /// Whether the disk failed while it was written: it cannot be kept.
    pub(super) const fn is_lost(&self) -> bool {
        matches!(self.sink, Sink::None)
    }

    /// Brings it to the disk, unless it is small and `may_be_small`.
    ///
    /// # Errors
    /// When the disk fails, or failed while it was written.
    pub(super) fn settle(self, inside: &Inside, may_be_small: bool) -> Result<Settled, Failure> {
        let length = self.length();
        let at_hand = (length <= AT_HAND_BYTES_MAX).then(|| self.growing.since(0).map(join)).flatten();
        match (&self.sink, at_hand) {
            (Sink::Memory, Some(bytes)) if may_be_small && length <= SMALL_BYTES_MAX => {
                Ok(Settled::Small(bytes))
            }
            (Sink::None, _) => Err(gone()),
            (_, at_hand) => {
                Ok(Settled::Run(Box::new(self.sink.flush(&self.growing, inside)?.finish()?), at_hand))
            }
        }
    }
}

fn join(mut pieces: Vec<Bytes>) -> Bytes {
    if let [_] = pieces[..] {
        return pieces.remove(0);
    }
    let mut all = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|piece| all.extend_from_slice(piece));
    all.freeze()
}

fn gone() -> Failure {
    Failure::Disk(anyhow::anyhow!("the disk failed while the body was written"))
}
