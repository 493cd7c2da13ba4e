//! Lessons that are there before anybody opens them: at quiet hours the box asks for what a list of the ENT names.
//!
//! The list is a sitemap or a manifest (`list`). Each address on it goes the road of any request to the cache (`address`),
//! without a person and without a cookie: what a shared cache may keep is kept, what is fresh is not asked for, what is held
//! is asked for on condition, what was cut goes on where it was cut. One address at a time, within a budget of bytes, and
//! only while nothing hinders (`warmer`); what is done in a night is not done again in it, whatever happens meanwhile
//! (`night`).

mod address;
mod list;
mod night;
mod told;
mod warmer;

pub use list::exercise;
pub use told::{Told, Why};
pub use warmer::{Hinders, Hindrance, Settings, Warmer};
