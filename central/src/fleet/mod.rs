//! The fleet: which schools there are, what each is to have, what each says it has.

pub mod policy;
pub mod schools;
