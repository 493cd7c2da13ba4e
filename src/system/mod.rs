//! The hands: what the daemon asks of kernel, disk and clock, each in one place.

pub mod advertising;
pub mod bridge_tables;
pub mod child;
pub mod clock;
pub mod datagram_batch;
pub mod datagrams;
pub mod disk;
pub mod files;
pub mod inherited;
pub mod links;
pub mod log;
pub mod mapped;
pub mod metrics;
pub mod migrations;
pub mod neighbours;
pub mod netlink;
pub mod nft;
pub mod priority;
pub mod ratchet;
pub mod service_manager;
pub mod sockets;
pub mod splice;
pub mod synchronisation;
pub mod tasks;
pub mod unreachable;
pub mod watch;
