//! Where the box meets the académie: it is enrolled once, takes what the signed channel brings, and keeps the live line.
//!
//! Everything of it lies in `<state_dir>/central/`. What was taken stays in force for as long as it takes, with central and
//! the line gone; its age is shown.

pub mod channel;
pub mod client;
pub mod in_force;
pub mod keeping;
pub mod line;
mod lists;
mod settings;
mod verifier;

pub use lists::{Lists, ListsInForce};
pub use settings::{Settings, Window, WindowError};
