//! What the fuzz target runs: bytes of anybody through every reader of this module.

use super::{crypto_stream::CryptoStream, frames::Pieces, handshake::Handshake};
use crate::enforce::proxy::client_hello::read_message;

/// Reads `bytes` as datagrams of a client and of a server, two bytes of length before each, and, because few random bytes
/// open under a key, each also as what stands inside a packet. It must end, within its bounds and without a panic.
pub fn exercise(bytes: &[u8]) {
    let mut handshake = Handshake::default();
    let mut is_whole = false;
    let mut stream = CryptoStream::default();
    for datagram in datagrams(bytes) {
        if is_whole {
            handshake.hear(datagram);
            let _ = handshake.passes(datagram);
        } else {
            is_whole = handshake.read(datagram).is_ok_and(|reading| reading.is_whole());
        }
        for piece in Pieces::of(datagram).map_while(Result::ok) {
            if stream.put(piece).is_err() {
                break;
            }
        }
    }
    let _ = read_message(stream.whole());
}

/// The datagrams of a file of the corpus; the last one may be cut.
pub(super) fn datagrams(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_at_checked(2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let (datagram, rest) = rest.split_at(length.min(rest.len()));
        bytes = rest;
        Some(datagram)
    })
}
