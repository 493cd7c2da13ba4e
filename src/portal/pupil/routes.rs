//! The roads of requests.

use std::sync::Arc;

use axum::{Router, routing::get};

use super::{ask, own};
use crate::portal::{language::Language, secure::Secure, words::RequestWords};

/// The road of requests.
pub(in crate::portal) fn router() -> Router<Arc<Secure>> {
    Router::new().route("/demandes", get(own::show)).route("/demander", get(ask::show).post(ask::send))
}

/// The words of a page that is not for somebody.
pub(super) fn not_for_you(language: Language) -> (&'static str, &'static str) {
    let words = RequestWords::of(language);
    (words.not_for_you, words.not_for_you_text)
}
