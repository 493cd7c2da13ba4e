//! The handshake bytes of a connection, put together from pieces that come in any order, twice, or overlapping.

use super::{frames::Piece, handshake::NotQuic};
use crate::enforce::proxy::client_hello::BYTES_MAX;

/// The bytes known so far. Bounded by [`BYTES_MAX`], which two hellos fit (a server may ask for a second one).
#[derive(Debug, Default)]
pub(super) struct CryptoStream {
    bytes: Vec<u8>,
    /// Which of the bytes have come, a bit each.
    known: Vec<u64>,
    /// How many bytes from the beginning have come without a gap.
    whole: usize,
}

impl CryptoStream {
    /// Puts a piece in its place.
    ///
    /// # Errors
    /// `TooLong` behind the bound; `Conflict` when a byte that is known would get another value: nobody can say which of
    /// the two the server reads.
    pub(super) fn put(&mut self, piece: Piece<'_>) -> Result<(), NotQuic> {
        let start = usize::try_from(piece.offset).map_err(|_| NotQuic::TooLong)?;
        let end = start.saturating_add(piece.bytes.len());
        if end > BYTES_MAX {
            return Err(NotQuic::TooLong);
        }
        if end > self.bytes.len() {
            self.bytes.resize(end, 0);
            self.known.resize(end.div_ceil(64), 0);
        }
        for (at, byte) in (start..end).zip(piece.bytes) {
            if self.is_known(at) && self.bytes[at] != *byte {
                return Err(NotQuic::Conflict);
            }
            self.bytes[at] = *byte;
            self.known[at / 64] |= 1 << (at % 64);
        }
        while self.whole < self.bytes.len() && self.is_known(self.whole) {
            self.whole += 1;
        }
        Ok(())
    }

    /// The bytes from the beginning up to the first gap.
    pub(super) fn whole(&self) -> &[u8] {
        &self.bytes[..self.whole]
    }

    fn is_known(&self, at: usize) -> bool {
        self.known[at / 64] & 1 << (at % 64) != 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn put(stream: &mut CryptoStream, offset: u64, bytes: &[u8]) -> Result<(), NotQuic> {
        stream.put(Piece { offset, bytes })
    }

    #[test]
    fn a_gap_holds_back_what_follows_it() {
        let mut stream = CryptoStream::default();
        put(&mut stream, 3, b"de").unwrap();
        assert_eq!(stream.whole(), b"");
        put(&mut stream, 0, b"ab").unwrap();
        assert_eq!(stream.whole(), b"ab");
        put(&mut stream, 1, b"bcd").unwrap();
        assert_eq!(stream.whole(), b"abcde");
    }

    #[test]
    fn a_byte_has_one_value_for_good() {
        let mut stream = CryptoStream::default();
        put(&mut stream, 0, b"abc").unwrap();
        assert_eq!(put(&mut stream, 2, b"xd"), Err(NotQuic::Conflict));
        assert_eq!(stream.whole(), b"abc");
    }

    #[test]
    fn nothing_is_kept_behind_the_bound() {
        let mut stream = CryptoStream::default();
        let end = u64::try_from(BYTES_MAX).unwrap();
        assert_eq!(put(&mut stream, end, b"a"), Err(NotQuic::TooLong));
        assert_eq!(put(&mut stream, u64::MAX, b"a"), Err(NotQuic::TooLong));
        assert_eq!(put(&mut stream, end - 1, b"a"), Ok(()));
        assert_eq!(stream.bytes.len(), BYTES_MAX);
    }

    proptest! {
        #[test]
        fn any_order_and_overlap_of_all_pieces_gives_the_whole(
            message in prop::collection::vec(any::<u8>(), 1..2000),
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 1_usize..300), 0..40),
            size in 1_usize..400,
        ) {
            let every = (0..message.len()).step_by(size).map(|start| (start, size)).rev();
            let odd = cuts.iter().map(|(start, size)| (start.index(message.len()), *size));
            let mut stream = CryptoStream::default();
            for (start, size) in odd.chain(every) {
                let bytes = &message[start..message.len().min(start + size)];
                put(&mut stream, u64::try_from(start).unwrap(), bytes).unwrap();
                prop_assert!(message.starts_with(stream.whole()));
            }
            prop_assert_eq!(stream.whole(), &message[..]);
        }
    }
}
