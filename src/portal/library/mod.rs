//! The library as people see it: the catalogue, a page for each package, and what is in it.
//!
//! **The cage.** What is in a package was written by strangers and may hold script. It is served under the portal's own
//! name, which every browser of the school can reach with the certificate that is there, and each answer that a browser
//! could run says `Content-Security-Policy: sandbox` ([`cage`]). The browser then gives the page an origin of its own,
//! shared with nothing: it reads no cookie of the portal and no page of it, and a form it sends to the portal is told by
//! the browser to come from elsewhere and is refused (`guard`). It loads nothing but its own package, so a package tells
//! nobody who reads it, and is the same with the line down. Persons are known by their machine's address, so that pages in
//! a cage need no cookie to be read.
//!
//! | file | what is there |
//! |---|---|
//! | `catalogue` | what there is, by words, subject and cycle; a page for each package |
//! | `reading` | files of a site, and single files, with ranges |
//! | `archives` | archives of openZIM, handed on from kiwix-serve on loopback |
//! | `cage` | the headers of whatever came in a package |

mod archives;
mod cage;
mod catalogue;
mod ranges;
mod reading;
mod roads;

pub(super) use cage::OfPackage;
pub(super) use catalogue::{percent, size};
pub(super) use roads::router;
