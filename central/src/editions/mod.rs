//! Editions of the lists of sites, and the shortest ways from one to the next.
//!
//! A technician gives a folder of lists as they are published ([`Editions::add`]). The same guards as on a box hold it to
//! the lists before: what shrank or grew absurdly, or would block a protected name, is refused until somebody says
//! otherwise. What passes becomes the next edition: its whole and its difference to the one before are targets of the
//! channel, and every school's view names them. A box that missed some days takes the differences one after the other.
//!
//! The folder of work holds what the next edition is compared with, and the table by which drafts of rules are judged. It
//! can be thrown away: the edition in force is in the repository, and comes back from there.

mod add;
mod known;
mod table;
#[cfg(test)]
mod tests;

pub use add::{Added, Editions};
pub use known::{Known, latest};
pub use table::PART;
