//! The way through TCP, for lines that carry no UDP: WireGuard's datagrams in frames inside TLS ([`relay`]), to the port that
//! the whole Internet leaves open.
//!
//! At the box a [`Ladder`] is a UDP socket on loopback, which WireGuard is told is the concentrator, and one connection to
//! the real one, made anew for as long as WireGuard has something to say there: a way that is not used rests. At the concentrator each connection has a UDP socket of its own towards
//! WireGuard there. Both ends carry alike ([`carry`](fn@carry)).
//!
//! **What TCP costs.** One segment that is lost holds up all that follow, and a line that is full fills every buffer before
//! anybody notices. So little is kept: the kernel holds back 32 KiB at most that it has not sent, the queue before it 128 KiB,
//! and when that is full the *oldest* datagram goes. WireGuard and what runs inside it take a lost datagram for what it is, a
//! sign to go slower; a late one tells them nothing.
//!
//! **Half-open.** An end that has nothing to send says so each ten seconds, and one from which nothing came for 25 s is gone.
//!
//! **The clock.** The concentrator's certificate must be signed by central's own authority and be for its name, but nobody asks
//! the time whether it holds (`verifier` says why): a box that believes it is 1970 or 2099 comes in all the same.
//!
//! [`relay`]: crate::protocol::relay

mod carry;
mod ladders;
mod queue;
mod service;
mod standing;
mod verifier;
mod way;

pub use carry::{Ended, Local, carry, collect, prepare};
pub use ladders::{Climbing, Ladders};
pub use queue::Queue;
pub use service::{Ladder, Settings};
pub use standing::{Standing, Trouble};
pub use verifier::Verifier;
pub use way::{Place, PlaceError, Resolve};
