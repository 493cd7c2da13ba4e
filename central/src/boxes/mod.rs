//! What boxes come to: the listener that asks for their certificate, and what it answers.
//!
//! ```text
//! POST /v1/enrol                                   no certificate: a token
//! POST /v1/certificate                             a certificate that was not revoked, also one that has ended
//! PUT  /v1/setup   POST /v1/portal-certificate     a certificate that holds
//! GET  /v1/repository/{metadata,targets}/…
//! POST /v1/line /v1/report                         see [`line`]
//! POST /v1/counts                                  see [`counts`]
//! and every route that is merged in
//! ```
//!
//! Who asks is settled before a route is: a handler finds the [`Caller`] among the request's extensions, and there is no
//! way to a handler without one but to enrolment. What a box says of its own school in a body is never believed.

mod admission;
mod caller;
mod connection;
pub mod counts;
mod enrolment;
mod limits;
pub mod line;
mod listener;
mod places;
mod refusal;
mod repository;

pub use caller::Caller;
pub use limits::BODY_BYTES_MAX;
pub use listener::{Parts, Service, Settings};
pub use refusal::Refused;
