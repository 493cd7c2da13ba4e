//! Signing out: here, here for the next person, or everywhere.

use std::sync::Arc;

use axum::{Extension, extract::State, response::Response};

use super::cookie;
use crate::portal::{
    secure::{Secure, see_other},
    visitor::Visitor,
};

/// `POST /deconnexion`.
pub(super) async fn here(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    secure.sign_in.sign_out(visitor.source).await;
    gone("/?parti=1")
}

/// `POST /deconnexion/suivant`: the machine goes to somebody else.
pub(super) async fn to_the_next(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    secure.sign_in.sign_out(visitor.source).await;
    gone("/?parti=suivant")
}

/// `POST /deconnexion/partout`: of whoever is signed in on this machine.
pub(super) async fn everywhere(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    let Some(session) = secure.identity.session_of(visitor.source) else { return gone("/?parti=1") };
    secure.sign_in.sign_out_everywhere(&session.account.id).await;
    gone("/?parti=partout")
}

/// Sends the browser to `path` without its token.
fn gone(path: &str) -> Response {
    let mut response = see_other(path);
    cookie::take_back(response.headers_mut());
    response
}
