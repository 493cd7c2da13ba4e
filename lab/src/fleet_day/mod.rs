//! The académie in the middle of a working day: fifty schools in every state, rules on their way, requests that wait. What
//! the console's pages look like is seen then, not in an empty register.
//!
//! The schools are fictitious, their boxes simulated ([`crate::fleet`]); central, its console, the forms that are sent and
//! everything between are real.

mod day;
pub mod office;
mod schools;

pub use day::FleetDay;
