//! The frames of an Initial packet: of the few that may stand there (RFC 9000 section 12.4), the pieces of the hello.
//!
//! ```text
//! PADDING 0 | PING 1
//! ACK 2, 3:         largest | delay | ranges | first range | ranges × (gap, length) | for 3: three ECN counts
//! CRYPTO 6:         offset | length | bytes
//! CONNECTION_CLOSE 0x1c: error | frame type | length | reason
//! ```
//!
//! All numbers have variable length.

use super::{handshake::NotQuic, packet::Reader};

/// A piece of the handshake, at its place in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
}

/// The pieces in the payload of an Initial packet, in the order they stand there.
pub(super) struct Pieces<'a>(Reader<'a>);

impl<'a> Pieces<'a> {
    pub(super) fn of(payload: &'a [u8]) -> Self {
        Self(Reader(payload))
    }

    /// Reads frames up to the next piece.
    fn piece(&mut self) -> Result<Option<Piece<'a>>, NotQuic> {
        let reader = &mut self.0;
        while !reader.0.is_empty() {
            match reader.number()? {
                0 | 1 => {}
                kind @ (2 | 3) => skip_ack(reader, kind == 3)?,
                6 => {
                    let offset = reader.number()?;
                    let length = reader.length()?;
                    return Ok(Some(Piece { offset, bytes: reader.take(length)? }));
                }
                0x1c => {
                    reader.number()?;
                    reader.number()?;
                    let length = reader.length()?;
                    reader.take(length)?;
                }
                _ => return Err(NotQuic::Frame),
            }
        }
        Ok(None)
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Result<Piece<'a>, NotQuic>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = self.piece();
        if piece.is_err() {
            self.0 = Reader(&[]);
        }
        piece.transpose()
    }
}

fn skip_ack(reader: &mut Reader<'_>, with_ecn: bool) -> Result<(), NotQuic> {
    reader.number()?;
    reader.number()?;
    // Each range takes two bytes at least, so that a false count ends with the payload.
    let ranges = reader.number()?;
    reader.number()?;
    for _ in 0..ranges {
        reader.number()?;
        reader.number()?;
    }
    for _ in 0..if with_ecn { 3 } else { 0 } {
        reader.number()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enforce::quic::scene::hex;

    #[track_caller]
    fn check(payload: &str, expected: &[Result<(u64, &str), NotQuic>]) {
        let payload = hex(payload);
        let read: Vec<_> = Pieces::of(&payload)
            .map(|piece| piece.map(|Piece { offset, bytes }| (offset, bytes.to_vec())))
            .collect();
        let expected: Vec<_> =
            expected.iter().map(|piece| piece.map(|(offset, bytes)| (offset, hex(bytes)))).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn pieces_are_found_between_padding_pings_and_acknowledgements() {
        check("0000 01 06 00 02 aabb 00 06 4010 01 cc 01 00", &[Ok((0, "aabb")), Ok((16, "cc"))]);
        check("02 05 00 01 00 00 00 06 00 01 aa", &[Ok((0, "aa"))]);
        check("03 05 00 00 00 01 02 03 06 00 01 aa", &[Ok((0, "aa"))]);
        check("1c 0a 06 02 6869 06 00 00", &[Ok((0, ""))]);
        check("", &[]);
    }

    #[test]
    fn other_frames_and_wrong_lengths_end_the_reading() {
        check("06 00 01 aa 08 00", &[Ok((0, "aa")), Err(NotQuic::Frame)]);
        check("06 00 05 aa", &[Err(NotQuic::Length)]);
        check("02 05 00 ff ff ff ff ff ff ff ff 00", &[Err(NotQuic::Length)]);
        check("1d 00 00", &[Err(NotQuic::Frame)]);
    }
}
