//! The signed channel: keys, metadata, and a view of the repository for each school.
//!
//! **One root, many views.** Each school has a complete TUF repository of its own below `metadata/<UAI>/`; all have the same
//! root of trust and name targets of one store. A change is placed in the database, in one writing with whatever caused it
//! ([`Channel::place`]); that makes views due. Publishers, as many as there are instances, take due views by lease, sign
//! and write them, the timestamp last: until then nobody sees anything of it, and whoever dies before leaves nothing that is
//! named.
//!
//! **Versions.** A view counts its publications; snapshot, timestamp and whatever of its roles changed bear that number. It
//! is taken in the database before anything is written and is never used twice, whoever dies. Roles that all views share
//! bear the millisecond in which they were signed.
//!
//! **Keys.** Root, targets and system are signed off line ([`found`]); the others are files of `keys_dir` (`keys.rs`).

mod ceremony;
mod export;
mod health;
mod keys;
mod mend;
mod metadata;
mod objects;
mod open;
mod publish;
mod renew;
mod serve;
mod sweep;
mod system;
mod targets;
mod views;

pub use ceremony::{Founded, found, is_founded};
pub use export::Exported;
pub use health::{Concern, Severity};
pub use open::Channel;
pub use renew::{Renewal, Renewed};
pub use targets::{PART, Stored, Whose};
pub use views::ViewStanding;

#[cfg(test)]
mod tests;
