//! The hands: what the daemon asks of kernel, disk and clock, each in one place.

pub mod clock;
pub mod files;
pub mod sockets;
pub mod splice;
pub mod tasks;
