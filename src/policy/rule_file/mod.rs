//! A rules file: what one level has decided, as its technicians write it, read into rules that cannot be wrong.
//!
//! [`RuleFile::parse`] takes the text; every fault names its line, its field and what to do.

mod check;
mod error;
mod search;
#[cfg(test)]
mod tests;
mod v1;
mod words;

pub use check::{Limits, RuleFile};
pub use error::RuleFileError;
