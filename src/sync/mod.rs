//! Where the box meets the académie: it is enrolled once, takes what the signed channel brings, and keeps the live line.
//!
//! Everything of it lies in `<state_dir>/central/`. What was taken stays in force for as long as it takes, with central and
//! the line gone; its age is shown.

mod accounts;
mod certificate;
pub mod channel;
pub mod client;
pub mod counts;
mod enrol;
mod fault;
pub mod in_force;
pub mod keeping;
pub mod line;
mod lists;
mod portal;
mod returns;
mod settings;
mod setup;
pub mod tunnel;
mod verifier;

pub use accounts::{Accounts, AccountsInForce, Stage};
pub use certificate::Renewal;
pub use enrol::{EnrolError, Enrolment, Replace, enrol};
pub use lists::{Lists, ListsInForce};
pub use portal::PortalRenewal;
pub use returns::Returns;
pub use settings::{Settings, Window, WindowError};
pub use setup::{Telling, devices, setup};
