//! Who: accounts of people, registered machines, and the sessions that bind a person to a machine's addresses.
//!
//! [`Identity::who`] answers for every packet and never waits. A session comes into force in three steps that
//! `enforce::sign_in` joins: password, voucher or the ENT's word is [`Verified`], the [`Beginning`] is written to the journal, and only then is
//! it put into force. What binds an address to a machine is the kernel's neighbour table, what binds a machine to a
//! person is a session. A hardware address that is at two places at once binds nobody: its session ends.

mod attempts;
mod desks;
mod directory;
mod doubles;
mod ent;
pub mod feed;
mod in_force;
mod learned;
mod machines_max;
mod neighbours;
mod password;
mod people;
pub mod register;
mod roll;
mod sessions;
mod sightings;
mod sign_in;
mod store;
pub mod tickets;
mod token;
mod voucher;

pub use directory::{Directory, DirectoryError};
pub use ent::{EntMatch, EntStanding};
pub use learned::LearnRefusal;
pub use machines_max::MachinesMax;
pub use password::hash_password;
pub use people::{Asker, Identity, Settings};
pub use sessions::{Beginning, Ending, SessionView};
pub use sightings::MachineSeen;
pub use sign_in::{SignInRefusal, Verified};
pub use token::SessionToken;
pub use voucher::{Voucher, VoucherCode, VoucherDigest};

#[cfg(test)]
pub(crate) use people::tests as test_school;
