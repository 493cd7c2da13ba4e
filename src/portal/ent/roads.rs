//! Which request goes where, on the way to the ENT and back.

use std::sync::Arc;

use axum::{Router, routing::get};

use super::{back, leave};
use crate::portal::secure::Secure;

/// The roads to the ENT and back.
pub(in crate::portal) fn router() -> Router<Arc<Secure>> {
    Router::new()
        .route("/connexion/ent", get(leave::to_the_ent))
        .route("/connexion/ent/retour", get(back::from_the_ent).post(back::ended_there))
        .route("/connexion/ent/fin", get(leave::out_of_the_ent))
}
