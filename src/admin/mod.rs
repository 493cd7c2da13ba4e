//! Acts of administration inside the school: one list of what may be done, who may do it, and a trail of what was done.
//!
//! A page never changes anything itself. It asks [`rights`](may) for a [`Granted`], and an act takes that as its proof, is
//! written into the trail in the same transaction as what it changes, and only then counts.

mod rights;
mod store;
mod trail;

pub use rights::{Act, Actor, Granted, NotGranted, may};
pub use store::Store;
pub use trail::Done;
