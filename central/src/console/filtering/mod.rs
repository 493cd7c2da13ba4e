//! `/filtrage`: who decides what, drafts of rules, tests before, versions, and how these come to the schools.
//!
//! | file | what is there |
//! |---|---|
//! | `places`, `document` | the tree of places; what one of them has decided |
//! | `told` | rules, hours and differences, in words |
//! | `fields`, `draft`, `rule_form`, `search_form`, `week_form`, `text_form`, `whom` | a draft, and the forms that change it |
//! | `publish` | a draft becomes a version |
//! | `release_start`, `release` | versions come to the schools |
//! | `test_before` | one question, answered as things are and with a draft |
//! | `rehearse` | a draft tried on what schools asked for in the last week |
//! | `calendar` | the school holidays |

mod calendar;
mod document;
mod draft;
mod fields;
mod places;
mod publish;
mod rehearse;
mod release;
mod release_start;
mod rule_form;
mod search_form;
mod test_before;
#[cfg(test)]
mod tests;
mod text_form;
mod told;
mod week_form;
mod whom;

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

use super::road::Console;

pub(super) use places::{document_path, offered, place_name};

pub(super) fn router() -> Router<Arc<Console>> {
    Router::new()
        .route("/filtrage", get(places::show))
        .route("/filtrage/document/{*lieu}", get(document::show).post(draft::begin))
        .route("/filtrage/texte/{*lieu}", get(document::text))
        .route("/filtrage/essai", get(test_before::show))
        .route("/filtrage/brouillon/{id}", get(draft::show).post(draft::act))
        .route("/filtrage/brouillon/{id}/regle", get(rule_form::show).post(rule_form::take))
        .route("/filtrage/brouillon/{id}/recherche", get(search_form::show).post(search_form::take))
        .route("/filtrage/brouillon/{id}/horaire", get(week_form::show).post(week_form::take))
        .route("/filtrage/brouillon/{id}/texte", get(text_form::show).post(text_form::take))
        .route("/filtrage/brouillon/{id}/publier", get(publish::show).post(publish::publish))
        .route("/filtrage/brouillon/{id}/approuver", post(publish::approve))
        .route("/filtrage/brouillon/{id}/semaine", get(rehearse::show))
        .route(
            "/filtrage/calendrier",
            get(calendar::show).post(calendar::publish).layer(DefaultBodyLimit::max(calendar::BYTES_MAX)),
        )
        .route("/filtrage/livraison", get(release_start::show).post(release_start::start))
        .route("/filtrage/livraison/{id}", get(release::show).post(release::act))
}
