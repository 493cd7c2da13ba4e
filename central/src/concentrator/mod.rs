//! The académie's end of the tunnel: WireGuard with every school's key, and the way through TCP beside it.
//!
//! For a small département central runs one itself ([`Service`]); elsewhere it writes the files of a server that others run
//! ([`files`]). Both have the same peers: each school whose box is enrolled and was not revoked, with its own addresses and
//! nothing else, so that whoever holds a school's key can pretend to be that school and no other.
//!
//! | | |
//! |---|---|
//! | `wanted` | pure: what WireGuard is to have, from the schools and from who shook hands last |
//! | `dump` | pure: what `wg show … dump` says |
//! | `rules` | pure: the ruleset; never from school to school |
//! | `files` | the same for wg-quick and systemd-networkd |
//! | `device` | the interface: the kernel's WireGuard, or a child of this program |
//! | `door` | the way through TCP |
//! | `service` | holds device and door to what is wanted, within seconds |

mod device;
mod door;
mod dump;
pub mod files;
mod key;
mod limits;
mod rules;
mod service;
mod wanted;

pub use door::Door;
pub use key::{make_key, public_of};
pub use service::{Service, Settings};
