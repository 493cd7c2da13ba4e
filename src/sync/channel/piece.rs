//! One answer of a source as it is taken: counted, paced, and no longer than what was signed for.

use bytes::Bytes;
use tokio::{sync::MutexGuard, time::Instant};

use super::{
    allowance::Allowance,
    refusal::Refusal,
    source::{Fault, Flow, Source},
};

/// What is longer than this, in bytes, comes in pieces over the line even where it is not large: a second of 512 kbit/s.
const SHARED_BYTES: u64 = 64 << 10;

/// What is fetched: where it lies, how long it is by its signature, and whether it goes as something large.
#[derive(Clone, Copy, Debug)]
pub(super) struct Errand<'a> {
    pub(super) path: &'a str,
    pub(super) length: u64,
    pub(super) large: bool,
}

/// The answer.
pub(super) struct Piece<'a> {
    allowance: &'a Allowance,
    flow: Flow,
    errand: Errand<'a>,
    /// Whether it comes over the line, and counts for that.
    line: bool,
    /// The byte that comes next.
    at: u64,
    /// The byte that was asked for last, and one.
    end: u64,
    begun: Option<(Instant, u64)>,
    /// That no other piece comes meanwhile.
    _turn: Option<MutexGuard<'a, ()>>,
}

impl<'a> Piece<'a> {
    /// Asks for what comes from the byte `from` on, when it may be asked for.
    pub(super) async fn ask(
        allowance: &'a Allowance,
        source: &Source,
        errand: Errand<'a>,
        from: u64,
    ) -> Result<Self, Refusal> {
        let (line, left) = (source.is_line(), errand.length - from);
        let (mut piece_bytes, mut turn) = (None, None);
        if line && errand.large {
            allowance.turn(left).await;
        }
        if line && (errand.large || errand.length > SHARED_BYTES) {
            turn = Some(allowance.make_way(left).await);
            piece_bytes = allowance.piece_bytes();
        }
        if line {
            allowance.ask();
        }
        let flow = source.flow(errand.path, from, piece_bytes).await?;
        if flow.began() != from && flow.began() != 0 {
            let sentence = "it answers with another part than was asked for";
            return Err(Refusal::from(Fault::Failed(sentence.to_owned())));
        }
        let end = piece_bytes.map_or(errand.length, |bytes| from.saturating_add(bytes).min(errand.length));
        Ok(Self { allowance, at: flow.began(), flow, errand, line, end, begun: None, _turn: turn })
    }

    /// The byte it begins with: the one asked for, or 0 where the source cannot begin elsewhere.
    pub(super) const fn began(&self) -> u64 {
        self.flow.began()
    }

    /// The next bytes; none at the end of what was asked for.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        if self.at >= self.errand.length {
            self.came();
            return Ok(None);
        }
        let Some(bytes) = self.flow.next().await? else {
            if self.at < self.end {
                return Err(Refusal::from(Fault::Failed("a file ended before its end".to_owned())));
            }
            self.came();
            return Ok(None);
        };
        let rest = usize::try_from(self.errand.length - self.at).unwrap_or(usize::MAX);
        let bytes = bytes.slice(..bytes.len().min(rest));
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.at += length;
        self.begun.get_or_insert_with(|| (Instant::now(), self.at));
        if self.line {
            self.allowance.count(length);
            if self.errand.large {
                self.allowance.pace(length).await;
                self.allowance.turn(self.errand.length - self.at).await;
            }
        }
        Ok(Some(bytes))
    }

    /// Tells how fast it came. The first bytes came with the answer and say nothing, unless they were all.
    fn came(&mut self) {
        if let Some((since, from)) = self.begun.take()
            && self.line
        {
            let from = if self.at > from { from } else { self.flow.began() };
            self.allowance.piece_came(self.at - from, since.elapsed());
        }
    }
}
