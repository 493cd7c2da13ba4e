//! The judge: may this one reach that site now, by which rule, and what would change the answer. Pure: no I/O, no clock.

pub mod category;
mod decision;
mod judge;
mod question;
mod rule;

pub use decision::{Cause, Matched, Origin, Permit, Refusal, Verdict};
pub use judge::Policy;
pub use question::Question;
pub use rule::{Effect, Level, Rule};
