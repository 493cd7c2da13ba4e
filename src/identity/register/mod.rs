//! The directory on disk: deliveries wait here until they take effect, and those in force are the persons of the school.
//!
//! ```text
//! delivery -> staged -> preview, guards -> due -> in force -> Directory
//!               |            |                      |
//!           quarantine      held               trash, three months
//! ```
//!
//! A delivery is there whole or not at all, and takes effect whole or not at all. Staging one changes nothing for anybody;
//! what it would do is computed by the same plan that does it. Nobody's own word but that of the deliveries is kept
//! here: the accounts of the school's own file are another matter and never touched.
//!
//! Only persons of our school are kept. Everything waits for the disk: no function here belongs on an asynchronous
//! thread. `people.sqlite` may be written by another process, the command line, while the daemon reads it.

mod apply;
mod feeds;
mod find;
mod guard;
mod login;
mod plan;
mod preview;
mod quarantine;
mod row;
mod stage;
mod store;
mod tables;
mod when;

pub use apply::Applied;
pub use feeds::{FeedState, FeedView, Standing};
pub use find::Found;
pub use guard::{Why, too_many_leave};
pub use preview::{ClassCount, Counts, Move, Movement, Preview, RoleCount};
pub use quarantine::Quarantined;
pub use stage::{Handover, Intent, Refusal, Staged};
pub use store::{Register, Version};
pub use when::{NoZone, Terms, Today, When};

#[cfg(test)]
mod tests;
