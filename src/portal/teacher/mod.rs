//! Teachers' pages: classes and rooms as they are at this moment, and what a teacher decides for them.
//!
//! | road | what it does |
//! |---|---|
//! | `GET /enseignant` | classes and rooms, what runs, how many requests wait |
//! | `GET /enseignant/classe/NAME`, `/salle/NAME`, `/eleve/HANDLE` | one of them: who is there, what runs, the forms |
//! | `POST /enseignant/decider`, `POST /enseignant/annuler` | decides, undoes |
//! | `GET`, `POST /enseignant/demandes` | requests and their answers |
//! | `GET /enseignant/flux` | server-sent events: something changed, ask again |
//! | `GET /enseignant.js` | the script that does, for browsers that run it |
//!
//! A pupil stands in an address and a form by a [`handle`](Handles), never by the identifier of their account.

mod decide;
mod handles;
mod overview;
mod requests;
mod routes;
mod stream;
#[cfg(test)]
mod tests;
mod told;
mod whom;

pub(super) use decide::site_of;
pub(super) use handles::Handles;
pub(super) use routes::router;
