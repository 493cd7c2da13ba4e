//! QUIC, the web over UDP (decision D5): in zones that ask for it, each connection's first flight is read, judged by its
//! server name as TLS is, and relayed to the site's own address as *our* resolver gives it (D2). In all other zones the
//! packet filter refuses it, and none of this is met.
//!
//! | stage | file |
//! |---|---|
//! | take datagrams that TPROXY hands over, within bounds | `service`, `limits` |
//! | one client's way: collect the hello, ask, connect | `flow` |
//! | read the outside of packets | `packet` |
//! | open Initial packets and read their frames | `initial`, `frames` |
//! | put the hello together | `crypto_stream` |
//! | which datagrams belong to the connection that was judged | `handshake` |
//! | carry datagrams both ways | `relay` |
//!
//! Whatever is not allowed is answered with "port unreachable" at once, so that browsers take TCP, where a refusal is
//! explained. Nothing is decrypted (D1) but Initial packets, whose keys are published with the protocol (RFC 9001
//! section 5.2).
//!
//! **One reading.** A hello counts only while every byte of it has one value: a piece that comes again with other bytes
//! is refused, and what does not open with the connection's own keys is not passed on. So the site's server reads the
//! hello that was judged, or none; another hello on the same ports is another connection, judged anew.

mod crypto_stream;
mod exercise;
mod flow;
mod frames;
mod handshake;
mod initial;
mod limits;
mod packet;
mod relay;
#[cfg(test)]
mod scene;
mod service;

pub use exercise::exercise;
pub use service::{Service, Settings};
