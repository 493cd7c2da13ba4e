//! The sites that the box fronts: the ENT and its resources, under their own names and certificates, answered by the box's
//! cache (decision D15).
//!
//! Their names lead to the box, so their connections come to the portal's listeners. The gate is asked for each connection as
//! for any site, and a connection whose permission ends is cut.

mod connection;
mod site;

pub use site::FrontedSite;
pub(super) use site::{Front, Named};
