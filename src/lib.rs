//! Préau: the server a French school plugs in.
//!
//! The building has floors; a module uses lower floors only, never its own, never above (`tests/tidy.rs`).
//!
//! | floor | modules | what lives there |
//! |---|---|---|
//! | 7 | [`daemon`] | assembly, supervision, reload |
//! | 6 | [`config`] | the file format, checked into parts for each module |
//! | 5 | [`portal`] | what people in school see |
//! | 4 | [`admin`] | acts of administration inside the school |
//! | 4 | [`enforce`] [`lan`] | where the network is held to the rules |
//! | 4 | [`sync`] | where the box meets the académie |
//! | 4 | [`vpn`] | the tunnel to the académie |
//! | 4 | [`sync`] [`vpn`] | where the box meets the académie; the tunnel to its network |
//! | 3 | [`ent`] | the ENT's cache |
//! | 3 | [`lists`] | lists of sites |
//! | 2 | [`counts`] [`identity`] [`journal`] | what is counted; who; what is remembered |
//! | 3 | [`library`] [`lists`] | packages to read with the line down; lists of sites |
//! | 2 | [`identity`] [`journal`] | who; what is remembered |
//! | 1 | [`policy`] [`protocol`] [`system`] | the judge; the words that box and central exchange; the hands |
//! | 0 | [`model`] | the words |
//!
//! Start reading at [`enforce::gate`]: every question and request takes that road.

pub mod admin;
pub mod config;
pub mod counts;
pub mod daemon;
pub mod enforce;
pub mod ent;
pub mod identity;
pub mod journal;
pub mod lan;
pub mod library;
pub mod lists;
pub mod model;
pub mod policy;
pub mod portal;
pub mod protocol;
pub mod sync;
pub mod system;
pub mod vpn;
