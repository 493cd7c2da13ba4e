//! The académie's end of the tunnel, as the real program runs it, with wireguard-go as the box at the other end.
//!
//! Each story is played in namespaces of its own: the concentrator's machine, the académie's network behind it, and schools that
//! are joined to it by a line. They need root or user namespaces, `wireguard-go`, `wg`, `nft`, `ip` and `python3`.

#![expect(clippy::unwrap_used, reason = "a test that meets the unforeseen fails")]

mod door;
mod keys;
mod schools;
mod stage;
mod tcp;
