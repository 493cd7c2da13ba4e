//! The tunnel to the académie: WireGuard, kept up for ever, by whichever concentrator answers.
//!
//! | file | what it does |
//! |---|---|
//! | [`Settings`] | what the enrolment says of the tunnel, checked |
//! | `device` | the interface: the kernel's WireGuard, or a child of this program where the kernel has none |
//! | `wg` | what the interface is told, and what it says |
//! | `routes` | who is led into it: offices and the box's own address inside, and nobody else |
//! | [`ladder`] | the way through TCP, for lines that carry no UDP |
//! | `endpoints` | where the concentrators are, asked of the line's resolvers and remembered |
//! | `keeper` | which concentrator, which way, and when to try another: pure |
//! | `probes` | a small question through the tunnel every two seconds |
//! | `path_mtu` | how long a packet the tunnel carries whole |
//! | `handshake_clock` | when the clock may be shown to a concentrator |
//! | [`Vpn`] | all of it, until it is told to stop |
//!
//! Packets that carry the tunnel go by the line's own routes and bear [`MARK`]. Nothing here closes anything: that no packet
//! for the académie goes another way is the packet filter's affair (`enforce/firewall/rules/academie.rs`), and holds
//! whether this runs or not.

mod device;
mod endpoints;
mod handshake_clock;
mod keeper;
pub mod ladder;
mod path_mtu;
mod probes;
mod routes;
mod service;
mod settings;
mod standing;
mod wg;

pub use device::INTERFACE;
pub use keeper::Way;
pub use path_mtu::MTU_MIN;
pub use routes::remove as remove_routes;
pub use service::{Find, Vpn};
pub use settings::{Concentrator, Endpoint, Settings};
pub use standing::{Standing, Trouble};
pub use wg::MARK;
