//! What people in school see: the sign-in page, their home page, and why a site is closed to them.
//!
//! The portal listens on each zone's box addresses. Port 80 catches what the resolver sent to the box instead of its
//! own site: connectivity probes of phones and computers, and sites that are closed (`plain`). Port 443 serves the
//! pages themselves under the portal's own name (`secure`). A person is known by their machine's address; one cookie
//! proves the session by which they may take it along, another holds a language, and both may be refused.
//!
//! | file | what is there |
//! |---|---|
//! | `service`, `connection` | listeners, one connection's life |
//! | `host`, `plain` | port 80: what a request is for, what it is answered |
//! | `guard`, `visitor`, `asked`, `secure` | port 443: whom to serve, what a request says, each page's road |
//! | `parts`, `granted`, `teacher`, `pupil` | what pages ask; who may do what from a page; teachers' pages, requests |
//! | `cas` | the CAS server for the school's applications |
//! | `front` | the ENT's sites, which the box answers for by its cache |
//! | `sign_in` | signing in and out, the password for the days without Internet |
//! | `captive`, `because`, `refusal` | RFC 8908; a refusal in words; the page the proxy shows |
//! | `library` | the packages to read: catalogue, their content in a cage |
//! | `referent` | the digital referent's pages |
//! | `navigation` | the places each role can go to |
//! | `page`, `words`, `language`, `time_of_day`, `wanted` | templates and all text, per language |

mod asked;
#[cfg(test)]
mod backstage;
mod because;
mod captive;
mod cas;
mod certificate;
mod connection;
mod ent;
mod front;
mod granted;
mod guard;
mod host;
mod language;
mod library;
mod navigation;
mod page;
#[cfg(test)]
mod page_tests;
mod parts;
mod plain;
mod pupil;
pub mod qr;
mod referent;
mod refusal;
mod secure;
mod sent;
mod service;
mod settings;
mod shown;
mod sign_in;
mod teacher;
mod time_of_day;
mod visitor;
mod wanted;
mod words;

pub use cas::{
    Application, Dialect, DialectError, ServicePattern, Settings as CasSettings, UserWord, exercise_cas,
};
pub use certificate::{check_certificate, check_dates};
pub use front::FrontedSite;
pub use parts::{Acts, Fronting, Parts, Sights};
pub use refusal::refusal_page;
pub use service::Service;
pub use settings::{CertificateFrom, Settings};
pub use shown::{CertificateStanding, Shown};
