//! What runs inside the lab while it is measured, each in a process of its own: `preau-lab load …`.
//!
//! Every load is bounded in time and in number, and says what it did as one line of JSON.

mod connections;
mod done;
mod echo;
mod http3;
mod questions;
mod sign_ins;
mod site;

pub use connections::{bulk, connections, held};
pub use done::Done;
pub use echo::echo;
pub use http3::fetch;
pub use questions::{Questions, ask_at_a_pace, ask_without_pause};
pub use sign_ins::sign_ins;
pub use site::serve_sites;
