//! What people come to: pages for those who look at them all day, in French and English, that work without script.
//!
//! **To build a page**: a directory of its own (`fleet`, `school`, …) with `router() -> Router<Arc<Console>>`, merged in
//! `road`; a template in `templates/console/` that extends `console/layout.html` and takes its parts from
//! `console/parts.html` (described in its head); its words in `words/NAME.rs` by the macro `words!`, French and English in
//! one line. A handler takes `State<Arc<Console>>` and `Extension<Visit>`, asks `Visit::may` for what the act
//! needs and hands the `Granted` on, and gives an `refusal::Answer`: a page by `console.page(&visit, Here::…, …)`, or
//! `go_saying(path, Message)` after an act. What goes wrong is a `refusal::Refused`: `?` on anything of the database is
//! the page with 503. Lists are cut by `pages::Pages`; times are written by `time`. A place in the navigation is a line in
//! `navigation`. Tests go through `backstage::Backstage` (a console on a file, persons with rights, requests as browsers send
//! them); a new route is one line in `rights_tests`, a new page one line in `page_tests`.
//!
//! | file | what is there |
//! |---|---|
//! | `service`, `connection`, `certificate` | the listener, one connection's life, the certificate read anew when it changes |
//! | `client` | certificates that visitors show |
//! | `road`, `guard`, `visit`, `refusal` | what every request passes, who asks, what is answered instead of a page |
//! | `page`, `navigation`, `message`, `pages`, `time`, `figure`, `language`, `look`, `upload` | what pages are made of |
//! | `words` | all text |
//! | `sign_in`, `own` | coming in, one's own account |
//! | `standing` | how it is shown how a school stands |
//! | `fleet`, `import`, `school` | the schools, how they get in, one of them |
//! | `requests` | what schools ask the académie |
//! | `accounts` | who is in the schools: feeds, what is held of them, what boxes have |
//! | `filtering` | rules: who decides what, drafts, tests before, versions, how they come to the schools |
//! | `library` | packages that schools keep to read: approved, taken away, how far they are |
//! | `statistics` | what schools asked for, counted |
//! | `persons`, `proposals`, `trail` | who may do what, what waits for a second person, what was done |

mod accounts;
#[cfg(test)]
mod backstage;
mod certificate;
mod client;
mod connection;
mod figure;
mod filtering;
mod fleet;
mod guard;
mod import;
mod language;
mod library;
mod look;
mod message;
mod navigation;
mod own;
mod page;
#[cfg(test)]
mod page_tests;
mod pages;
mod parts;
mod persons;
mod proposals;
mod refusal;
mod requests;
#[cfg(test)]
mod rights_tests;
mod road;
mod school;
mod service;
mod sign_in;
mod standing;
mod statistics;
#[cfg(test)]
mod tests;
mod time;
mod trail;
mod upload;
mod visit;
mod words;

pub use client::{ClientCertificates, LoginField};
pub use parts::{Parts, Settings};
pub use service::Service;
