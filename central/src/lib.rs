//! The académie's side of Préau: one console for its schools, one signed channel down, one live line up.
//!
//! The building has floors, as the box has; a module uses lower floors only (`tests/tidy.rs`).
//!
//! | floor | modules | what lives there |
//! |---|---|---|
//! | 6 | [`service`] | assembly, supervision |
//! | 5 | [`config`] | the file format, checked |
//! | 2 | [`fleet`] | the schools, what each is to have, what each says it has |
//! | 1 | [`bucket`] [`database`] | where everything is kept |
//! | 0 | [`words`] | a place, a right |

pub mod bucket;
pub mod config;
pub mod database;
pub mod fleet;
pub mod service;
pub mod words;
