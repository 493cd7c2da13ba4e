//! Finds the end of a chunked body (RFC 9112 section 7.1) without keeping it.
//!
//! ```text
//! 1*16 hexadecimal digits [";" extension] CRLF | that many bytes | CRLF | … | "0" [";" extension] CRLF | *(field CRLF) | CRLF
//! ```
//!
//! Off-spec: no white space before an extension, no more than 16 digits, and no trailer that would speak about framing
//! or the host.

use thiserror::Error;

use super::fields;

/// The longest extension of one chunk, in bytes. Nobody uses them but attackers of memory.
const EXTENSION_BYTES_MAX: usize = 256;

/// The longest trailer of a body, in bytes.
const TRAILER_BYTES_MAX: usize = 8 * 1024;

/// A chunked body that has more than one reading, or none.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the chunked body is malformed")]
pub struct ChunkError;

/// How far a chunked body has been read.
#[derive(Debug, Default)]
pub struct Chunked {
    state: State,
    /// The bytes of the trailer so far, and the line that has begun.
    trailer_bytes: usize,
    trailer_line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size { digits: usize, size: u64 },
    Extension { size: u64, bytes: usize },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataCr,
    DataLf,
    Trailer,
    TrailerEnd,
    Done,
}

impl Default for State {
    fn default() -> Self {
        Self::Size { digits: 0, size: 0 }
    }
}

impl Chunked {
    /// Whether the body has ended.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads on in `bytes`, and says how many of them belong to the body: all, unless it ends among them.
    ///
    /// # Errors
    /// At the first byte that cannot belong to a chunked body.
    pub fn read(&mut self, bytes: &[u8]) -> Result<usize, ChunkError> {
        let mut read = 0;
        while let Some(byte) = bytes.get(read) {
            match self.state {
                State::Done => break,
                State::Data { left } => {
                    let there = bytes.len() - read;
                    let count = usize::try_from(left).map_or(there, |left| left.min(there));
                    read += count;
                    let left = left - u64::try_from(count).map_err(|_| ChunkError)?;
                    self.state = if left == 0 { State::DataCr } else { State::Data { left } };
                }
                _ => {
                    self.state = self.step(*byte)?;
                    read += 1;
                }
            }
        }
        Ok(read)
    }

    /// The state after one byte outside the data.
    fn step(&mut self, byte: u8) -> Result<State, ChunkError> {
        Ok(match (self.state, byte) {
            (State::Size { digits: 0, .. }, b'\r' | b';') => return Err(ChunkError),
            (State::Size { size, .. }, b'\r') => State::SizeEnd { size },
            (State::Size { size, .. }, b';') => State::Extension { size, bytes: 0 },
            (State::Size { digits, size }, byte) if digits < 16 => {
                let digit = char::from(byte).to_digit(16).ok_or(ChunkError)?;
                State::Size { digits: digits + 1, size: size << 4 | u64::from(digit) }
            }
            (State::Extension { size, .. }, b'\r') => State::SizeEnd { size },
            (State::Extension { size, bytes }, byte)
                if bytes < EXTENSION_BYTES_MAX && (byte == b'\t' || !byte.is_ascii_control()) =>
            {
                State::Extension { size, bytes: bytes + 1 }
            }
            (State::SizeEnd { size: 0 }, b'\n') => State::Trailer,
            (State::SizeEnd { size }, b'\n') => State::Data { left: size },
            (State::DataCr, b'\r') => State::DataLf,
            (State::DataLf, b'\n') => State::default(),
            (State::Trailer, b'\r') => State::TrailerEnd,
            (State::Trailer, byte) if self.trailer_bytes < TRAILER_BYTES_MAX => {
                self.trailer_bytes += 1;
                self.trailer_line.push(byte);
                State::Trailer
            }
            (State::TrailerEnd, b'\n') => self.trailer_line_end()?,
            _ => return Err(ChunkError),
        })
    }

    /// The end of a line of the trailer; the empty one ends the body.
    fn trailer_line_end(&mut self) -> Result<State, ChunkError> {
        if self.trailer_line.is_empty() {
            return Ok(State::Done);
        }
        let field = fields::field(&self.trailer_line).map_err(|_| ChunkError)?;
        // RFC 9110 section 6.5.1: a trailer must not speak about framing or routing.
        let forbidden = ["host", "content-length", "transfer-encoding", "connection", "trailer"];
        if forbidden.iter().any(|name| field.is(name)) {
            return Err(ChunkError);
        }
        self.trailer_line.clear();
        Ok(State::Trailer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_body_with_extensions_and_trailers_is_understood_to_its_end() {
        let body = b"5;a=\"b\"\r\nhello\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n";
        let mut chunked = Chunked::default();
        assert_eq!(chunked.read(body), Ok(body.len()));
        assert!(chunked.is_done());
    }

    #[test]
    fn every_shape_that_others_read_differently_is_refused() {
        for (fact, body) in [
            ("no size", &b"\r\nhello"[..]),
            ("only an extension", b";a\r\n"),
            ("a sign", b"+5\r\nhello\r\n"),
            ("a prefix", b"0x5\r\nhello\r\n"),
            ("white space behind the size", b"5 \r\nhello\r\n"),
            ("white space before the size", b" 5\r\nhello\r\n"),
            ("a size over 64 bits", b"10000000000000000\r\n"),
            ("many zeros", b"00000000000000005\r\nhello\r\n"),
            ("LF behind the size", b"5\nhello\r\n"),
            ("CR alone behind the size", b"5\rhello\r\n"),
            ("LF in an extension", b"5;a\nb\r\nhello\r\n"),
            ("a zero byte in an extension", b"5;a\0\r\nhello\r\n"),
            ("data longer than its size", b"5\r\nhello!\r\n"),
            ("LF behind the data", b"5\r\nhello\n"),
            ("a trailer without a colon", b"0\r\nX\r\n\r\n"),
            ("a folded trailer", b"0\r\nX: y\r\n z\r\n\r\n"),
            ("LF in the trailer", b"0\r\nX: y\n\r\n\r\n"),
            ("a length in the trailer", b"0\r\nContent-Length: 5\r\n\r\n"),
            ("a host in the trailer", b"0\r\nhost: b.fr\r\n\r\n"),
        ] {
            assert_eq!(Chunked::default().read(body), Err(ChunkError), "{fact}");
        }
    }

    #[test]
    fn extensions_and_trailers_have_a_bound() {
        let extension = |bytes: usize| format!("5;{}\r\n", "a".repeat(bytes));
        assert!(Chunked::default().read(extension(EXTENSION_BYTES_MAX).as_bytes()).is_ok());
        assert!(Chunked::default().read(extension(EXTENSION_BYTES_MAX + 1).as_bytes()).is_err());
        let trailer = format!("0\r\n{}", "X: y\r\n".repeat(TRAILER_BYTES_MAX / 4 + 1));
        assert!(Chunked::default().read(trailer.as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn the_end_is_found_however_the_bytes_are_cut(
            chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..40), 0..6),
            next: Vec<u8>,
            step in 1_usize..20,
        ) {
            let mut body: Vec<u8> = chunks
                .iter()
                .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())
                .collect();
            body.extend_from_slice(b"0\r\n\r\n");
            let bytes = [&body[..], &next].concat();
            let mut chunked = Chunked::default();
            let mut read = 0;
            while !chunked.is_done() {
                let part = &bytes[read..bytes.len().min(read + step)];
                read += chunked.read(part).unwrap();
            }
            prop_assert_eq!(read, body.len());
        }
    }
}
