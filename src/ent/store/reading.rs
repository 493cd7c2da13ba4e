//! A kept body on its way out.
//!
//! Long bodies are read in pieces of 256 KiB, not mapped: a page of a mapping that the disk cannot read ends the process,
//! and with it the school's network; a read that fails is a value. All files a reading needs are opened before it gives
//! its first byte, so that nothing that makes room meanwhile can cut it.

use std::{
    io,
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use thiserror::Error;
use tokio::task::JoinHandle;

use super::{
    growing::length_of,
    inside::Inside,
    kept::{BodyId, Digest, Held},
    pieces::PIECE_BYTES,
    run::OpenRun,
};

/// What is kept cannot be read: it is damaged, it is gone, or the disk fails. The store has dropped it; fetch it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a kept body cannot be read")]
pub struct Lost;

/// The bytes asked for.
#[derive(Debug)]
pub enum Reading {
    /// All of them: the body was in memory.
    AtOnce(Bytes),
    /// Piece by piece.
    Pieces(Stream),
}

/// Pieces of a body, in order, each checked against its digest before it is given out. Ends after the last byte asked
/// for, or with one [`Lost`] before the first byte that is not what was kept.
#[derive(Debug)]
pub struct Stream {
    inside: Arc<Inside>,
    body: BodyId,
    /// What is still to be given out.
    rest: Range<u64>,
    runs: Vec<Arc<OpenRun>>,
    state: State,
}

#[derive(Debug)]
enum State {
    Opening(JoinHandle<Result<Vec<Arc<OpenRun>>, Unreadable>>),
    Open,
    Reading(JoinHandle<Result<Bytes, Unreadable>>),
    Over,
}

/// Why a run cannot be read.
#[derive(Debug)]
struct Unreadable {
    run: Digest,
    cause: io::Error,
}

/// Where a piece lies: in which run, which bytes of it.
#[derive(Clone, Debug)]
struct Spot {
    run: Digest,
    range: Range<u64>,
    /// The number of the piece of the run that holds them.
    piece: u64,
}

impl Stream {
    pub(super) fn new(inside: &Arc<Inside>, body: &BodyId, range: Range<u64>) -> Self {
        let rest = range.start..range.end.min(body.length);
        let runs: Vec<Digest> =
            body.parts.iter().filter(|part| touches(part, &rest)).map(|part| part.run).collect();
        let (runs, state) = open(inside, runs);
        Self { inside: Arc::clone(inside), body: body.clone(), rest, runs, state }
    }

    /// Where the next bytes lie; none where they are not held.
    fn spot(&self) -> Option<Spot> {
        let at = self.rest.start;
        let part = self.body.parts.iter().find(|part| part.from <= at && at < part.end())?;
        let from = at - part.from + part.run_from;
        let piece = from / PIECE_BYTES;
        let end = (self.rest.end.min(part.end()) - part.from).saturating_add(part.run_from);
        Some(Spot { run: part.run, range: from..end.min((piece + 1).saturating_mul(PIECE_BYTES)), piece })
    }

    /// The bytes at `spot` from memory, or the reading of them.
    fn take(&mut self, spot: Spot) -> Result<Bytes, State> {
        if let Some(piece) = self.inside.pieces.get(spot.run, spot.piece) {
            let within = |at: u64| usize::try_from(at - spot.piece * PIECE_BYTES).unwrap_or(usize::MAX);
            let (from, to) = (within(spot.range.start), within(spot.range.end));
            if to <= piece.len() {
                return Ok(piece.slice(from..to));
            }
        }
        let Some(file) = self.runs.iter().find(|run| run.digest() == spot.run).cloned() else {
            return Err(State::Over);
        };
        let inside = Arc::clone(&self.inside);
        Err(State::Reading(tokio::task::spawn_blocking(move || {
            let bytes = file.read(&spot.range).map_err(|cause| Unreadable { run: spot.run, cause })?;
            let begin = spot.piece * PIECE_BYTES;
            if spot.range == (begin..(begin + PIECE_BYTES).min(file.length())) {
                inside.pieces.was_read(spot.run, spot.piece, &bytes);
            }
            Ok(bytes)
        })))
    }

    /// Ends with [`Lost`]; what cannot be read is dropped.
    fn lose(&mut self, unreadable: Option<Unreadable>) -> Poll<Option<Result<Bytes, Lost>>> {
        self.state = State::Over;
        let inside = Arc::clone(&self.inside);
        let (key, id) = (self.body.key, self.body.id);
        // Goes on by itself: what it does is done whether or not anybody waits.
        tokio::task::spawn_blocking(move || {
            // A file that is not there made room in the moment before it was opened.
            if let Some(Unreadable { run, cause }) = unreadable
                && cause.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(cause = %cause, "a kept body cannot be read and is dropped");
                inside.drop_run(run);
            }
            inside.drop_damaged(&key, id);
        });
        Poll::Ready(Some(Err(Lost)))
    }
}

impl futures_util::Stream for Stream {
    type Item = Result<Bytes, Lost>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Opening(opening) => match ready!(Pin::new(opening).poll(context)) {
                    Ok(Ok(runs)) => {
                        this.runs = runs;
                        this.state = State::Open;
                    }
                    Ok(Err(unreadable)) => return this.lose(Some(unreadable)),
                    Err(_) => return this.lose(None),
                },
                State::Reading(reading) => match ready!(Pin::new(reading).poll(context)) {
                    Ok(Ok(bytes)) if !bytes.is_empty() => {
                        this.state = State::Open;
                        this.rest.start += length_of(&bytes);
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                    Ok(Err(unreadable)) => return this.lose(Some(unreadable)),
                    _ => return this.lose(None),
                },
                State::Open if this.rest.is_empty() => this.state = State::Over,
                State::Open => {
                    let Some(spot) = this.spot() else {
                        // It was asked for what is not held: nothing is damaged.
                        this.state = State::Over;
                        return Poll::Ready(Some(Err(Lost)));
                    };
                    match this.take(spot) {
                        Ok(bytes) => {
                            this.rest.start += length_of(&bytes);
                            return Poll::Ready(Some(Ok(bytes)));
                        }
                        Err(State::Over) => return this.lose(None),
                        Err(state) => this.state = state,
                    }
                }
                State::Over => return Poll::Ready(None),
            }
        }
    }
}

/// Opens the files of `runs`; at once where all of them are open already.
fn open(inside: &Arc<Inside>, runs: Vec<Digest>) -> (Vec<Arc<OpenRun>>, State) {
    if let Some(open) = runs.iter().map(|run| inside.pieces.open_run(*run)).collect() {
        return (open, State::Open);
    }
    let inside = Arc::clone(inside);
    let opening = move || runs.into_iter().map(|run| open_one(&inside, run)).collect();
    (Vec::new(), State::Opening(tokio::task::spawn_blocking(opening)))
}

fn open_one(inside: &Inside, run: Digest) -> Result<Arc<OpenRun>, Unreadable> {
    if let Some(open) = inside.pieces.open_run(run) {
        return Ok(open);
    }
    let opened = OpenRun::open(&inside.dir, run).map_err(|cause| Unreadable { run, cause })?;
    let opened = Arc::new(opened);
    inside.pieces.was_opened(&opened);
    Ok(opened)
}

fn touches(part: &Held, range: &Range<u64>) -> bool {
    part.from < range.end && part.end() > range.start
}
