//! `/bibliotheque`: packages of the library: what there is, who approved it, how many schools have it; approved and taken
//! away here. They are added by `preau-central content add`, where the files are.

mod acts;
mod list;
mod one;
mod spread;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use super::road::Console;

pub(super) fn router() -> Router<Arc<Console>> {
    Router::new()
        .route("/bibliotheque", get(list::show))
        .route("/bibliotheque/{id}", get(one::show))
        .route("/bibliotheque/{id}/valider", post(acts::approve))
        .route("/bibliotheque/{id}/retirer", post(acts::remove))
}
