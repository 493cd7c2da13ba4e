//! The repository's store: a folder, or a bucket of S3. What lies in it is public to nobody's harm: it counts by its
//! signatures.
//!
//! Two kinds of things lie there. Most never change once written ([`Bucket::put_new`]): their names carry their version or
//! digest, so writing them twice is harmless and any instance may do it. A few are replaced
//! ([`Bucket::replace`]): whoever replaces says what it read before, and is told when somebody else was faster.
//!
//! A folder holds the same under the same names, each a file that is whole or not there; `.lock` beside them belongs to
//! [`Bucket::replace`], and what ends in `#1` (or another number) was left by a process that was killed while writing.

mod location;
mod name;
mod store;

pub use location::Location;
pub use store::{Bucket, Replaced, Streamed, Tag};
