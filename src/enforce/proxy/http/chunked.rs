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
