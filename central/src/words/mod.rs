//! The words of the fleet: a school, a place in the tree, a right.

mod place;
mod rights;

pub use place::{DepartementCode, GroupName, Place};
pub use rights::{Actor, Grant, Granted, NotGranted, PersonId, Right};
