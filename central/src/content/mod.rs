//! Packages of the library: what a technician gives is held to its form, cut into pieces, and offered to every school once
//! the ethics committee approved it.
//!
//! | file | what is there |
//! |---|---|
//! | `shelf` | [`Content`]: adds, approves, removes; the catalogue that is signed |
//! | `archive` | an archive of a site, made into a package of web pages; whatever is odd in it is refused |
//! | `tar` | the entries of an archive, one after the other |
//! | `cut` | a package cut where its content says, and its pieces put into the repository |
//! | `table`, `known` | what is kept of each package |
//!
//! A new version of a package needs an approval of its own. Until then, schools keep the one before.

mod archive;
mod cut;
mod known;
mod shelf;
mod table;
mod tar;
#[cfg(test)]
mod tests;

pub use archive::exercise_archive;
pub use known::{Known, all};
pub use shelf::{Content, Draft};
pub use table::PART;
