//! The configuration file: strict, versioned, checked once into the settings of each module.
//!
//! [`Config::load`] reads the file and everything it names (rules, categories, accounts, certificate) and gives either
//! every part checked, or every [`Problem`] found with its file, line, field and what to do. Nothing else in the daemon
//! reads configuration.

mod address_plan;
mod check;
mod effective;
mod file;
mod problem;
mod state_dir;

pub use check::{Config, School, check_form};
pub use problem::{Problem, Problems};
pub use state_dir::state_dir;
