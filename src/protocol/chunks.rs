//! The list of pieces of a package: in order, each with its length and digest, plain and as it is sent.
//!
//! ```text
//! "PREAUCH1"
//! for each piece:
//!   u32      its length, little endian
//!   u32      the length of what is sent: the piece compressed by zstd
//!   32 bytes BLAKE3 of the piece
//!   32 bytes BLAKE3 of what is sent, and its name
//! ```
//!
//! Two digests, because each answers a question of its own. What was sent is proved before anything unpacks it: the
//! unpacker never sees a byte that nobody signed for. The plain digest tells that a piece is already here, in the version
//! before, however it was once packed. Together they are a thousandth of the package.

use blake3::Hash;
use thiserror::Error;

/// What a list begins with.
const MAGIC: &[u8; 8] = b"PREAUCH1";

/// How long one entry is, in bytes.
const ENTRY_BYTES: usize = 72;

/// The longest piece, in bytes.
pub const PIECE_BYTES_MAX: u32 = 256 << 10;

/// The longest form in which a piece is sent, in bytes: what cannot be compressed grows a little.
pub const SENT_BYTES_MAX: u32 = PIECE_BYTES_MAX + 1024;

/// Pieces of one package at most: packages of 64 GB in pieces of 64 KiB.
pub const PIECES_MAX: usize = 1 << 20;

/// The longest list, in bytes.
pub const LIST_BYTES_MAX: usize = MAGIC.len() + PIECES_MAX * ENTRY_BYTES;

/// One piece of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Its length, in bytes.
    pub length: u32,
    /// The length of what is sent, in bytes.
    pub sent_length: u32,
    /// BLAKE3 of it.
    pub plain: Hash,
    /// BLAKE3 of what is sent.
    pub sent: Hash,
}

/// A text that is no list of pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ChunksError {
    /// It does not begin as a list does.
    #[error("it is no list of pieces")]
    Another,
    /// It ends in the middle of an entry.
    #[error("the list of pieces is cut")]
    Cut,
    /// There are more than a package can have.
    #[error("the list names more than {PIECES_MAX} pieces")]
    TooMany,
    /// A length is 0 or more than a piece can have.
    #[error("piece {0} of the list has no length that a piece can have")]
    Length(usize),
}

/// Writes a list.
#[must_use]
pub fn write(chunks: &[Chunk]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MAGIC.len() + chunks.len() * ENTRY_BYTES);
    bytes.extend_from_slice(MAGIC);
    for chunk in chunks {
        bytes.extend_from_slice(&chunk.length.to_le_bytes());
        bytes.extend_from_slice(&chunk.sent_length.to_le_bytes());
        bytes.extend_from_slice(chunk.plain.as_bytes());
        bytes.extend_from_slice(chunk.sent.as_bytes());
    }
    bytes
}

/// Reads a list.
///
/// # Errors
/// When it is none, or a piece is larger than pieces are.
pub fn read(bytes: &[u8]) -> Result<Vec<Chunk>, ChunksError> {
    let entries = bytes.strip_prefix(MAGIC).ok_or(ChunksError::Another)?;
    let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() {
        return Err(ChunksError::Cut);
    }
    if entries.len() > PIECES_MAX {
        return Err(ChunksError::TooMany);
    }
    entries.iter().enumerate().map(|(at, entry)| entry_of(entry).ok_or(ChunksError::Length(at))).collect()
}

fn entry_of(entry: &[u8; ENTRY_BYTES]) -> Option<Chunk> {
    let (length, rest) = entry.split_first_chunk::<4>()?;
    let (sent_length, rest) = rest.split_first_chunk::<4>()?;
    let (plain, rest) = rest.split_first_chunk::<32>()?;
    let (sent, _) = rest.split_first_chunk::<32>()?;
    let (length, sent_length) = (u32::from_le_bytes(*length), u32::from_le_bytes(*sent_length));
    let fits = (1..=PIECE_BYTES_MAX).contains(&length) && (1..=SENT_BYTES_MAX).contains(&sent_length);
    fits.then(|| Chunk {
        length,
        sent_length,
        plain: Hash::from_bytes(*plain),
        sent: Hash::from_bytes(*sent),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(number: u8) -> Chunk {
        Chunk {
            length: 1000 + u32::from(number),
            sent_length: 500,
            plain: blake3::hash(&[number]),
            sent: blake3::hash(&[number, number]),
        }
    }

    #[test]
    fn a_list_is_read_as_it_is_written_and_every_cut_of_it_is_refused_or_shorter() {
        let chunks = [chunk(1), chunk(2), chunk(3)];
        let bytes = write(&chunks);
        assert_eq!(read(&bytes).unwrap(), chunks);
        for length in 0..bytes.len() {
            match read(&bytes[..length]) {
                Ok(read) => assert_eq!(read, chunks[..read.len()], "{length}"),
                Err(error) => assert!(matches!(error, ChunksError::Another | ChunksError::Cut), "{length}"),
            }
        }
    }

    #[test]
    fn a_piece_longer_than_pieces_are_is_refused() {
        for odd in [
            Chunk { length: 0, ..chunk(1) },
            Chunk { length: PIECE_BYTES_MAX + 1, ..chunk(1) },
            Chunk { sent_length: 0, ..chunk(1) },
            Chunk { sent_length: u32::MAX, ..chunk(1) },
        ] {
            assert_eq!(read(&write(&[chunk(1), odd])), Err(ChunksError::Length(1)));
        }
    }
}
