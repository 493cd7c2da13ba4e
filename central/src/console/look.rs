//! What pages look like: the style sheet, the little script, the icon. Each is fetched once, until it changes.

use axum::{
    Router,
    http::header,
    response::{IntoResponse as _, Response},
    routing::get,
};

const STYLE: &str = concat!(
    include_str!("../../templates/console/style/base.css"),
    include_str!("../../templates/console/style/parts.css"),
    include_str!("../../templates/console/style/forms.css"),
    include_str!("../../templates/console/style/pages.css"),
);

const SCRIPT: &str = include_str!("../../templates/console/console.js");

const ICON: &str = include_str!("../../templates/console/favicon.svg");

/// The addresses of style and script, with a digest so that a changed one is fetched again.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) style: String,
    pub(super) script: String,
}

impl Look {
    pub(super) fn new() -> Self {
        let digest = |text: &str| blake3::hash(text.as_bytes()).to_hex()[..12].to_owned();
        Self {
            style: format!("/style.css?v={}", digest(STYLE)),
            script: format!("/console.js?v={}", digest(SCRIPT)),
        }
    }
}

pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/style.css", get(async || kept_long("text/css; charset=utf-8", STYLE)))
        .route("/console.js", get(async || kept_long("text/javascript; charset=utf-8", SCRIPT)))
        .route("/favicon.svg", get(async || kept_long("image/svg+xml", ICON)))
}

fn kept_long(media_type: &'static str, text: &'static str) -> Response {
    let headers =
        [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, text).into_response()
}
