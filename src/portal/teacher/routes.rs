//! The roads of teachers' pages, and their script.

use std::sync::Arc;

use axum::{
    Router,
    http::header,
    response::{IntoResponse as _, Response},
    routing::get,
};

use super::{decide, overview, requests, stream, whom};
use crate::portal::secure::Secure;

/// The script of the live pages.
pub(super) const SCRIPT: &str = include_str!("../../../templates/portal/teacher/enseignant.js");

/// The road of teachers' pages.
pub(in crate::portal) fn router() -> Router<Arc<Secure>> {
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
