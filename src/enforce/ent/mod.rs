//! Signing in at the school's ENT: the browser goes there, and comes back with a word that the box has confirmed.
//!
//! The box never sees the password. It sends the browser to the ENT ([`Ent::depart`]), takes it back ([`Ent::arrive`]), and
//! asks the ENT itself, over HTTPS, whose ticket or code that is. What the ENT calls the person is then looked up in the
//! school's directory (`Identity::verified_by_ent`).
//!
//! | file | what is there |
//! |---|---|
//! | `settings` | which ENT, how it is spoken to |
//! | `client` | leaving, coming back, signing out: [`Ent`] |
//! | `departures` | who is on the way; a return without a departure is refused |
//! | `cas`, `cas_answer`, `document` | CAS 3.0, and its XML read strictly |
//! | `oidc_client`, `oidc` | OpenID Connect, and its JSON |
//! | `outlook`, `service` | whether the ENT is there: the box looks itself |
//! | `ended` | which session to end when the ENT says it is over |

mod cas;
mod cas_answer;
mod client;
mod departures;
mod document;
mod ended;
mod exercise;
mod limits;
mod oidc;
mod oidc_client;
mod outlook;
mod service;
mod settings;

#[cfg(test)]
mod tests;

pub use client::{Arrived, Demand, Ent, EntRefusal, Left, Returned};
pub use exercise::exercise;
pub use service::Service;
pub use settings::{EntUrl, EntUrlError, Protocol, Secret, Settings};
