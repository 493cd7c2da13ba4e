//! The configuration file: strict, versioned, checked once into the settings of each module.
//!
//! [`Config::load`] reads the file and everything it names (rules, categories, accounts, certificate) and gives either
//! every part checked, or every [`Problem`] found with its file, line, field and what to do. Nothing else in the daemon
//! reads configuration.

mod address_plan;
mod applications;
mod cache;
mod central;
mod channel;
mod check;
mod effective;
mod ent;
mod fields;
mod file;
mod form;
mod library;
mod metrics;
mod named_files;
mod problem;
mod services;
mod state_dir;
mod syntax;
mod updates;
mod warning;
mod well_known;

pub use cache::Cache;
pub use channel::{FromChannel, category_table, read_policy};
pub use check::{Config, check_form, for_enrolment};
pub use form::School;
pub use named_files::Categories;
pub use problem::{Problem, Problems};
pub use state_dir::state_dir;
pub use updates::Updates;
