//! The interception proxy: takes the web connections of the zones, and those to services with TLS (TPROXY), finds out
//! which site each is for, asks the gate, and connects to that site itself (decision D2). A forged name or address
//! changes nothing: the client reaches the named site or nothing.
//!
//! | stage | file |
//! |---|---|
//! | accept, within bounds | `service`, `limits` |
//! | what a road needs of gate and resolver | `errand`, `passage` |
//! | TLS: read the hello, ask, relay | `tls`, [`client_hello`], `retry`, `alert` |
//! | HTTP: read each request, ask, forward | [`http`] |
//! | updates of systems: from their cache | `updates` |
//! | connect, with a permit | `connect` |
//! | carry bytes, end connections | `relay`, `closing` |
//!
//! Nothing is decrypted (D1), and nothing is changed that passes: ends and resets of one side reach the other.

mod alert;
pub mod client_hello;
mod closing;
pub(in crate::enforce) mod connect;
pub(in crate::enforce) mod errand;
pub mod http;
mod limits;
mod page;
mod passage;
mod relay;
mod retry;
#[cfg(test)]
mod scene;
mod service;
mod tls;
mod updates;

pub use page::{Page, RefusalPage, RefusedRequest};
pub use service::{Service, Settings};
pub use updates::Updates;
