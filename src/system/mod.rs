//! The hands: what the daemon asks of kernel, disk and clock, each in one place.

pub mod clock;
pub mod draft;
pub mod files;
pub mod mapped;
pub mod sockets;
pub mod tasks;
