//! The body of an answer: from memory, from the store, from a fetch that still runs, or straight from the origin.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use futures_util::Stream as _;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use super::{
    store::{Follower, Reading, Stream},
    unpack::Unpacking,
    upstream::Arriving,
};

/// The body ended before its end. The connection to the client is closed, so that nobody takes a part for the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body was cut short")]
pub struct CutShort;

/// The body of an answer.
#[derive(Debug)]
pub struct Body {
    source: Source,
    /// Bytes of the source that are left out at its beginning.
    skip: u64,
    /// Bytes that are still to come, where that is known. Fewer are [`CutShort`], more are left out.
    left: Option<u64>,
    /// What is sent behind the source.
    after: Bytes,
}

#[derive(Debug)]
enum Source {
    None,
    AtOnce(Bytes),
    Kept(Stream),
    Growing(Follower),
    Arriving(Box<Arriving>),
    Packed(Box<Unpacking>),
}

impl Body {
    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Source::None, Some(0))
    }

    /// These bytes.
    #[must_use]
    pub fn from_bytes(bytes: Bytes) -> Self {
        let length = length_of(&bytes);
        Self::new(Source::AtOnce(bytes), Some(length))
    }

    fn new(source: Source, left: Option<u64>) -> Self {
        Self { source, skip: 0, left, after: Bytes::new() }
    }

    /// What the store reads, `length` bytes.
    pub(super) fn kept(reading: Reading, length: u64) -> Self {
        match reading {
            Reading::AtOnce(bytes) => Self::new(Source::AtOnce(bytes), Some(length)),
            Reading::Pieces(stream) => Self::new(Source::Kept(stream), Some(length)),
        }
    }

    /// What grows, from byte `skip` on, `length` bytes where that is known.
    pub(super) fn growing(follower: Follower, skip: u64, length: Option<u64>) -> Self {
        Self { skip, ..Self::new(Source::Growing(follower), length) }
    }

    /// What comes from the origin.
    pub(super) fn arriving(arriving: Arriving) -> Self {
        let left = arriving.size_hint().exact();
        Self::new(Source::Arriving(Box::new(arriving)), left)
    }

    /// What this body, packed by gzip, is unpacked.
    pub(super) fn unpacked(self) -> Self {
        Self::new(Source::Packed(Box::new(Unpacking::of(self))), None)
    }

    /// The same with `after` behind it.
    pub(super) fn followed_by(mut self, after: Bytes) -> Self {
        self.after = after;
        self
    }

    fn poll_source(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, CutShort>>> {
        match &mut self.source {
            Source::None => Poll::Ready(None),
            Source::AtOnce(bytes) => {
                let bytes = std::mem::take(bytes);
                self.source = Source::None;
                Poll::Ready((!bytes.is_empty()).then_some(Ok(bytes)))
            }
            Source::Kept(stream) => Pin::new(stream)
                .poll_next(context)
                .map(|piece| piece.map(|piece| piece.map_err(|_| CutShort))),
            Source::Growing(follower) => Pin::new(follower)
                .poll_next(context)
                .map(|piece| piece.map(|piece| piece.map_err(|_| CutShort))),
            Source::Packed(unpacking) => unpacking.poll_next(context),
            // Trailers end here: nothing behind the box waits for them.
            Source::Arriving(arriving) => loop {
                match ready!(Pin::new(&mut **arriving).poll_frame(context)) {
                    None => return Poll::Ready(None),
                    Some(Err(_)) => return Poll::Ready(Some(Err(CutShort))),
                    Some(Ok(frame)) => {
                        if let Ok(bytes) = frame.into_data() {
                            return Poll::Ready(Some(Ok(bytes)));
                        }
                    }
                }
            },
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        while self.left != Some(0) {
            match ready!(self.poll_source(context)) {
                Some(Ok(mut bytes)) => {
                    let skipped = self.skip.min(length_of(&bytes));
                    bytes.advance(usize::try_from(skipped).unwrap_or(usize::MAX));
                    self.skip -= skipped;
                    if let Some(left) = &mut self.left {
                        bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                        *left -= length_of(&bytes);
                    }
                    if !bytes.is_empty() {
                        return Poll::Ready(Some(Ok(Frame::data(bytes))));
                    }
                }
                Some(Err(cut)) => return Poll::Ready(Some(Err(cut))),
                None if self.left.is_some() => return Poll::Ready(Some(Err(CutShort))),
                None => self.left = Some(0),
            }
        }
        self.source = Source::None;
        let after = std::mem::take(&mut self.after);
        Poll::Ready((!after.is_empty()).then(|| Ok(Frame::data(after))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0) && self.after.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, |left| SizeHint::with_exact(left + length_of(&self.after)))
    }
}

fn length_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn what_stands_behind_is_counted_and_sent() {
        let body = Body::from_bytes(Bytes::from_static(b"abc")).followed_by(Bytes::from_static(b"de"));
        assert_eq!(body.size_hint().exact(), Some(5));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abcde");
    }

    #[tokio::test]
    async fn a_source_that_ends_too_early_is_cut_short_and_one_that_goes_on_is_not_heard() {
        let mut body = Body::from_bytes(Bytes::from_static(b"abc"));
        body.left = Some(4);
        assert_eq!(body.collect().await.unwrap_err(), CutShort);
        let mut body = Body::from_bytes(Bytes::from_static(b"abcdef"));
        (body.skip, body.left) = (1, Some(2));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "bc");
    }
}
