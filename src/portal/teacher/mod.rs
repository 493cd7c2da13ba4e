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
mod stream;
#[cfg(test)]
mod tests;
mod told;
mod whom;

use std::sync::Arc;

use axum::{
    Router,
    http::header,
    response::{IntoResponse as _, Response},
    routing::get,
};

pub(super) use decide::site_of;
pub(super) use handles::Handles;

use super::secure::Secure;

/// The script of the live pages.
const SCRIPT: &str = include_str!("../../../templates/portal/teacher/enseignant.js");

/// The road of teachers' pages.
pub(super) fn router() -> Router<Arc<Secure>> {
    Router::new()
        .route("/enseignant", get(overview::show))
        .route("/enseignant/classe/{name}", get(whom::show_class))
        .route("/enseignant/salle/{name}", get(whom::show_room))
        .route("/enseignant/eleve/{handle}", get(whom::show_pupil))
        .route("/enseignant/decider", get(overview::lead_back).post(decide::decide))
        .route("/enseignant/annuler", get(overview::lead_back).post(decide::undo))
        .route("/enseignant/demandes", get(requests::show).post(requests::answer))
        .route("/enseignant/flux", get(stream::follow))
        .route("/enseignant.js", get(script))
}

async fn script() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, SCRIPT).into_response()
}
