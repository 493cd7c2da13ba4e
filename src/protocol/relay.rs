//! WireGuard's datagrams through TCP, for lines that carry no UDP: what box and concentrator say inside their TLS.
//!
//! Each end begins with one octet, the version, [`VERSION`]. Then come frames, in both directions alike:
//!
//! ```text
//! 2 octets   length, the greater first; 0 for a sign of life
//! length     one datagram of WireGuard, as it would have gone in UDP
//! ```
//!
//! Nothing else passes: a frame whose datagram WireGuard could not have sent ([`is_wireguard`]) ends the connection. So whoever
//! comes in here reaches the door of WireGuard and nothing behind it, and no stranger's tunnel goes out this way.
//!
//! TLS is only the coat. Who may come in is decided by WireGuard's own handshake inside, which also encrypts everything once
//! more; what TLS adds is that machines on the way see a connection like any other and cannot tell boxes apart.

use bytes::{Buf as _, Bytes, BytesMut};
use thiserror::Error;

/// The octet each end begins with.
pub const VERSION: u8 = 1;

/// The name of this in TLS (ALPN): an end that speaks HTTP says so before a frame is sent.
pub const ALPN: &[u8] = b"preau-relay";

/// The frame that is a sign of life.
pub const ALIVE: [u8; 2] = [0, 0];

/// The longest datagram, in bytes: what two octets count.
pub const DATAGRAM_BYTES_MAX: usize = 65_535;

/// The octets of a length.
const LENGTH_BYTES: usize = 2;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The other end is there.
    Alive,
    /// A datagram.
    Datagram(Bytes),
}

/// What came is not what is said here; the connection is to be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoFrame {
    /// The other end speaks another version, or something else.
    #[error("the other end does not begin as this program does (octet {0})")]
    Version(u8),
    /// A frame holds no datagram of WireGuard.
    #[error("a frame of {0} octets holds no datagram of WireGuard")]
    Foreign(usize),
}

/// Reads frames from pieces as they come. It holds one frame at most beyond what it was fed.
#[derive(Debug, Default)]
pub struct Frames {
    fed: BytesMut,
    has_begun: bool,
}

impl Frames {
    /// Takes the next piece.
    pub fn feed(&mut self, piece: &[u8]) {
        self.fed.extend_from_slice(piece);
    }

    /// The next whole frame; none where more is to come first.
    ///
    /// # Errors
    /// When what came is not what is said here. Nothing is to be read any more then.
    pub fn take(&mut self) -> Result<Option<Frame>, NoFrame> {
        if !self.has_begun {
            match self.fed.first() {
                None => return Ok(None),
                Some(&VERSION) => self.fed.advance(1),
                Some(&other) => return Err(NoFrame::Version(other)),
            }
            self.has_begun = true;
        }
        let Some(&[high, low]) = self.fed.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        // What cannot become one of WireGuard's is not waited for.
        if length != 0 && length < DATAGRAM_BYTES_MIN {
            return Err(NoFrame::Foreign(length));
        }
        if self.fed.len() < LENGTH_BYTES + length {
            return Ok(None);
        }
        self.fed.advance(LENGTH_BYTES);
        if length == 0 {
            return Ok(Some(Frame::Alive));
        }
        let datagram = self.fed.split_to(length).freeze();
        if is_wireguard(&datagram) {
            Ok(Some(Frame::Datagram(datagram)))
        } else {
            Err(NoFrame::Foreign(length))
        }
    }

    /// Whether the other end has said its version.
    #[must_use]
    pub const fn has_begun(&self) -> bool {
        self.has_begun
    }
}

/// Writes the frame of `datagram` behind what is in `written`; whether it is one that may be sent.
#[must_use]
pub fn write(written: &mut BytesMut, datagram: &[u8]) -> bool {
    let Ok(length) = u16::try_from(datagram.len()) else { return false };
    if !is_wireguard(datagram) {
        return false;
    }
    written.extend_from_slice(&length.to_be_bytes());
    written.extend_from_slice(datagram);
    true
}

/// A transport message without content, WireGuard's own sign of life: type, receiver, counter, and a tag of 16 octets.
const DATAGRAM_BYTES_MIN: usize = 32;

/// Whether WireGuard could have sent `datagram`, by its type and length (white paper, section 5.4): an initiation has 148
/// octets, a response 92, a cookie reply 64; a transport message has 32 and what it carries, which is filled up to a multiple
/// of 16 but not beyond the tunnel's MTU.
#[must_use]
pub fn is_wireguard(datagram: &[u8]) -> bool {
    let Some(&[kind, 0, 0, 0]) = datagram.first_chunk::<4>() else { return false };
    match kind {
        1 => datagram.len() == 148,
        2 => datagram.len() == 92,
        3 => datagram.len() == 64,
        4 => (DATAGRAM_BYTES_MIN..=DATAGRAM_BYTES_MAX).contains(&datagram.len()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn datagram(kind: u8, length: usize) -> Vec<u8> {
        let mut datagram = vec![0xA5; length];
        datagram[..4].copy_from_slice(&[kind, 0, 0, 0]);
        datagram
    }

    fn read(bytes: &[u8], pieces: usize) -> Result<Vec<Frame>, NoFrame> {
        let (mut frames, mut read) = (Frames::default(), Vec::new());
        for piece in bytes.chunks(pieces.max(1)) {
            frames.feed(piece);
            while let Some(frame) = frames.take()? {
                read.push(frame);
            }
        }
        Ok(read)
    }

    #[test]
    fn lengths_and_types_that_wireguard_has_pass_and_no_others() {
        for (kind, length) in [(1, 148), (2, 92), (3, 64), (4, 32), (4, 1452), (4, 65_535)] {
            assert!(is_wireguard(&datagram(kind, length)), "{kind} {length}");
        }
        for (kind, length) in [(0, 148), (1, 147), (1, 149), (2, 64), (3, 92), (4, 31), (5, 148), (22, 148)] {
            assert!(!is_wireguard(&datagram(kind, length)), "{kind} {length}");
        }
        let mut hello = datagram(1, 148);
        hello[1] = 3;
        assert!(!is_wireguard(&hello), "reserved octets are zero");
        assert!(!is_wireguard(&[1, 0, 0]) && !is_wireguard(&[]));
    }

    #[test]
    fn what_speaks_another_language_is_told_by_its_first_octet() {
        assert_eq!(read(b"HTTP/1.1 302 Found\r\n", 3), Err(NoFrame::Version(b'H')));
        assert_eq!(read(&[2, 0, 0], 1), Err(NoFrame::Version(2)));
    }

    #[test]
    fn a_length_that_wireguard_cannot_have_is_refused_before_it_is_waited_for() {
        assert_eq!(read(&[VERSION, 0, 31], 1), Err(NoFrame::Foreign(31)));
        let mut written = BytesMut::new();
        assert!(!write(&mut written, b"GET / HTTP/1.1\r\n\r\n padded to more than it was"));
        assert!(written.is_empty());
    }

    proptest! {
        #[test]
        fn frames_are_read_as_they_were_written_whatever_the_pieces(
            lengths in prop::collection::vec(prop_oneof![Just(0_usize), 32..2000_usize], 0..20),
            pieces in 1..600_usize,
        ) {
            let mut written = BytesMut::from(&[VERSION][..]);
            let mut expected = Vec::new();
            for length in lengths {
                if length == 0 {
                    written.extend_from_slice(&ALIVE);
                    expected.push(Frame::Alive);
                } else {
                    let datagram = datagram(4, length);
                    prop_assert!(write(&mut written, &datagram));
                    expected.push(Frame::Datagram(datagram.into()));
                }
            }
            prop_assert_eq!(read(&written, pieces), Ok(expected));
        }

        #[test]
        fn no_garbage_is_taken_for_more_than_it_holds(bytes in prop::collection::vec(any::<u8>(), 0..4000), pieces in 1..99_usize) {
            if let Ok(frames) = read(&bytes, pieces) {
                let held: usize = frames.iter().map(|frame| match frame {
                    Frame::Alive => 2,
                    Frame::Datagram(datagram) => 2 + datagram.len(),
                }).sum();
                prop_assert!(held <= bytes.len());
            }
        }
    }
}
