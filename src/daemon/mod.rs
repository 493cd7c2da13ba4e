//! Assembly and supervision: everything started in order, reloaded whole or not at all, stopped in order.
//!
//! ```text
//! packet filter (closed) -> interfaces -> journal -> people -> sockets -> services -> self-test -> heartbeat (open)
//! ```
//!
//! The ruleset is in the kernel before anything listens. New forwarded flows need the heartbeat, which begins only once
//! the resolver has answered a question of our own and the journal takes records (decision D17).

mod assembly;
mod claim;
mod control;
mod deliveries;
mod epoch;
mod figures;
mod fronting;
mod health;
mod meeting;
mod opening;
mod policing;
mod reading;
mod reload;
mod repairing;
mod self_test;
mod setup;
mod shelves;
mod signals;
mod speaker;
mod standing;
mod status;
mod telling;
mod timekeeping;
mod tunnel;
mod tunnel_keys;

pub use assembly::run;
pub use control::{ask_status, control_path};
pub use status::{CentralStatus, DirectoryStatus, RuleFileStatus, Status, TunnelStatus, WarmStatus};
pub use timekeeping::doubt_at_start;
