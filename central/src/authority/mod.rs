//! The authority that gives boxes their certificates: tokens, enrolment, renewal, revocation.
//!
//! A school's technician gets a [`Token`](preau::protocol::Token); with it, once, a box becomes that school's
//! ([`Authority::enrol`]) and has a certificate of 30 days, which it renews by showing it. What was revoked is asked at every
//! request, so a stolen box can do nothing from the moment somebody says so.

mod attempts;
mod certificate;
mod enrolment;
mod limits;
mod open;
mod request;
mod roots;
mod setup;
mod standing;
mod tables;
mod time;
mod token;
mod trail;
mod tunnel;

pub use certificate::{Serial, Shown};
pub use enrolment::{EnrolRefusal, Outcome, SealingKey};
pub use limits::{AWAY_MAX, SETUP_BYTES_MAX, TOKEN_LIFE};
pub use open::{Authority, Holding, KnownBox};
pub use request::{Request, RequestError};
pub use roots::{make, rotate};
pub use tables::PART;
pub use token::{LivingToken, Replacing};
pub use trail::By;
