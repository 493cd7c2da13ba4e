//! WireGuard in this program, for kernels that have none of their own.
//!
//! | file | what it does |
//! |---|---|
//! | `interface` | the packets inside: a TUN interface that gives and takes many segments of a connection with one call |
//! | `datagrams` | the packets outside: UDP, many segments with one call as well |
//! | `control` | the socket by which wg(8) asks and tells, as it does with any WireGuard outside the kernel |
//! | `account` | what it is told of the interface |
//! | `changes` | what it changes, with the sessions kept |
//! | `service` | all of it, until it is told to stop |
//!
//! Handshakes, keys and sessions are the library's. All of it runs in a process of its own ([`child`]) and not in the daemon:
//! it reads what anybody on the Internet sends, and the school's filter shall outlive a fault in it.

mod account;
mod changes;
mod control;
mod datagrams;
mod interface;
mod service;

pub use service::{child, run};
