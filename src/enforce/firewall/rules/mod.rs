//! From the zones to the rules: one file for each stage a packet passes. Pure: the same settings give the same text.

mod academie;
mod arriving;
mod between;
mod compile;
mod services;
mod through_box;
mod to_box;

pub use compile::{Settings, Tunnel, ruleset};
