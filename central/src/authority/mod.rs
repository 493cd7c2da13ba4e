//! The authority that gives boxes their certificates: tokens, enrolment, renewal, revocation.
//!
//! A school's technician gets a [`Token`](preau::protocol::Token); with it, once, a box becomes that school's
//! ([`Authority::enrol`]) and has a certificate of 30 days, which it renews by showing it. What was revoked is asked at every
//! request, so a stolen box can do nothing from the moment somebody says so.

mod acme;
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
mod tunnel_keys;
mod tunnel_plan;
mod tunnel_secret;

pub use acme::{Acme, AcmeSettings};
pub use certificate::{Serial, Shown};
pub use enrolment::{EnrolRefusal, Outcome, SealingKey};
pub use limits::{AWAY_MAX, SETUP_BYTES_MAX, TOKEN_LIFE, TUNNEL_KEY_LIFE};
pub use open::{Authority, Holding, KnownBox};
pub use request::{Request, RequestError};
pub use roots::{is_made, make, rotate};
pub use tables::PART;
pub use token::{LivingToken, Replacing};
pub use trail::By;
pub use tunnel::{Concentrating, Peer, PeerKey};
pub use tunnel_plan::{PlannedConcentrator, TunnelPlan};
