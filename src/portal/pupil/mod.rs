//! Asking for a site to be opened, and what became of it: for pupils, and for everybody else who may ask.
//!
//! | road | what it does |
//! |---|---|
//! | `GET /demandes` | what one asked for, with the answers |
//! | `GET /demander?u=SITE`, `POST /demander` | the form, and its sending |

mod ask;
mod own;

use std::sync::Arc;

use axum::{Router, routing::get};

use super::{language::Language, secure::Secure, words::RequestWords};

/// The road of requests.
pub(super) fn router() -> Router<Arc<Secure>> {
    Router::new().route("/demandes", get(own::show)).route("/demander", get(ask::show).post(ask::send))
}

/// The words of a page that is not for somebody.
fn not_for_you(language: Language) -> (&'static str, &'static str) {
    let words = RequestWords::of(language);
    (words.not_for_you, words.not_for_you_text)
}
