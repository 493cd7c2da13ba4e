//! The fleet: which schools there are, what each is to have, what each says it has.

pub mod observed;
pub mod orders;
pub mod policy;
pub mod repairs;
pub mod reports;
pub mod requests;
pub mod schools;
pub mod standing;
pub mod statistics;
pub mod traffic;
pub mod tunnel;
