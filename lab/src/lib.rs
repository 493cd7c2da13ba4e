//! A school, an académie and an Internet in network namespaces on one machine, to try Préau in.
//!
//! Start reading at [`Lab`]: what it does, tests and the command `preau-lab` do. [`plan`] says who is where,
//! [`enclosure`] how all of it lives and dies with one process, [`internet`] what the rest of the world answers.

pub mod announce;
mod authority;
mod browser;
pub mod bypass;
mod central;
mod central_concentrator;
mod concentrator;
pub mod enclosure;
mod ent;
pub mod fleet;
pub mod fleet_day;
mod gateway;
pub mod internet;
mod lab;
pub mod measure;
mod people;
pub mod plan;
pub mod portal_door;
mod process;
mod school_day;
pub mod tour;
pub mod view;
mod wiring;

pub use browser::{Browser, Habits};
pub use central_concentrator::CentralConcentrators;
pub use concentrator::Concentrators;
pub use ent::EntProtocol;
pub use fleet_day::FleetDay;
pub use gateway::Gateway;
pub use lab::{Lab, Progress};
pub use process::{Output, Running, WAIT_MAX, wait_for};
pub use school_day::SchoolDay;
