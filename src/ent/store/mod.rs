//! What the caches keep on disk, within a quota: an index of small entries, and bodies as files named by their digest.
//!
//! It knows keys, heads and bytes, and nothing of HTTP: the ENT's cache, the library and the cache of updates each open
//! one of their own. Its promise: what is served is, byte for byte, what was kept, or it is not there. A kill, a power
//! cut or a bad disk costs another fetch, never a wrong page; and a disk that takes nothing any more makes the store
//! *plain*: nothing is kept, everything else goes on.

mod blocks;
mod combining;
mod draft;
mod edit;
mod entries;
mod eviction;
mod failure;
mod figures;
mod growing;
mod housekeeping;
mod index;
mod inside;
mod kept;
mod parts;
mod pieces;
mod reading;
mod run;
mod seen;
mod shelf;
#[cfg(test)]
mod tests;

pub use draft::{Draft, Part, Whole};
pub use figures::Figures;
pub use growing::{Cut, Follower, Growing};
pub use kept::{BodyId, Kept, Key};
pub use reading::{Lost, Reading, Stream};
pub use shelf::{Settings, Store};
