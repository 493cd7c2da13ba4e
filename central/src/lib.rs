//! The académie's side of Préau: one console for its schools, one signed channel down, one live line up.
//!
//! The building has floors, as the box has; a module uses lower floors only (`tests/tidy.rs`).
//!
//! | floor | modules | what lives there |
//! |---|---|---|
//! | 7 | [`service`] | assembly, supervision |
//! | 6 | [`config`] | the file format, checked |
//! | 5 | [`boxes`] [`concentrator`] [`console`] [`metrics`] | what boxes, people and watchers come to |
//! | 4 | [`fleet`] [`accounts`] [`editions`] [`content`] | what each school is to have, and says it has |
//! | 3 | [`authority`] [`channel`] [`people`] | who a box is; what is signed; who somebody is |
//! | 2 | [`audit`] | what was done |
//! | 1 | [`bucket`] [`database`] | where everything is kept |
//! | 0 | [`words`] | a place, a right |

pub mod accounts;
pub mod audit;
pub mod authority;
pub mod boxes;
pub mod bucket;
pub mod channel;
pub mod concentrator;
pub mod config;
pub mod console;
pub mod content;
pub mod database;
pub mod editions;
pub mod fleet;
pub mod metrics;
pub mod people;
pub mod service;
pub mod words;
