//! The library: packages that the académie's ethics committee approved, kept on the box and read with the line down.
//!
//! ```text
//! catalogue (signed) ─▶ service: what is wanted, what there is room for ─▶ transfer: the pieces that are not here
//!                                                                            │ from the version before, or fetched
//!                                    shelf: whole packages, each put in place in one step ◀┘
//!                                      │
//!                  pages ◀── web (a site of files), files ── kiwix (kiwix-serve, for archives of openZIM)
//! ```
//!
//! What lies on disk, below the directory of the configuration:
//!
//! ```text
//! packages/<id>-<version>/package.json    what the catalogue said of it
//!                         chunks          the list of its pieces, by which the next version finds what is the same
//!                         content         the package; <id>.zim for an archive, which kiwix-serve calls by its file
//! arriving/<id>-<version>/                the same, as far as it came
//! wishes.json                             what the referent wants: whether anything is fetched, what is not wanted here
//! uses                                    how often each package was used on each day: a number, and nobody's name
//! ```
//!
//! Where packages come from is not known here: whoever fetches is handed in ([`Supply`]), with the line's windows and
//! budget on their side. Without the académie, what is on the shelf is served as ever.

mod kiwix;
mod media;
mod service;
mod settings;
mod shelf;
mod supply;
#[cfg(test)]
pub(crate) mod test_depot;
#[cfg(test)]
mod tests;
mod transfer;
mod uses;
pub mod web;
mod wishes;

pub use media::Media;
pub use service::{Entry, Library, NoRoom, Service, State};
pub use settings::Settings;
pub use shelf::Held;
pub use supply::Supply;
pub use uses::Use;
