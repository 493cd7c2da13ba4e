//! The time of day for the zones, told by the box: UDP port 123 of everywhere ends here.
//!
//! NTP carries whatever two ends agree on in its 48 bytes and more, so it does not pass through the box. Whomever a
//! machine asks for the time, the packet filter brings the question here, and the box answers by its own clock as a
//! simple server (RFC 4330). Nobody is asked to sign in for it, because TLS needs a clock that is right; nothing is
//! written down, because nothing is reached.

mod message;
mod service;

pub use message::reply;
pub use service::{Service, Settings};
