//! Which address does what.
//!
//! Applications ask by GET, from wherever they stand, without a session and without a form: what the guard demands of forms
//! is not demanded of them because they send none. Browsers send one form, from the portal's own page.

use std::sync::Arc;

use axum::{Router, response::Redirect, routing::get};

use super::{login, logout, proxy, validation};
use crate::portal::secure::Secure;

/// The roads below `/cas`.
pub(in crate::portal) fn router() -> Router<Arc<Secure>> {
    Router::new()
        .route("/cas", get(to_login))
        .route("/cas/", get(to_login))
        .route("/cas/login", get(login::come).post(login::sign_in))
        .route("/cas/logout", get(logout::leave))
        .route("/cas/validate", get(validation::cas_1))
        .route("/cas/serviceValidate", get(validation::service_of_cas_2))
        .route("/cas/proxyValidate", get(validation::proxy_of_cas_2))
        .route("/cas/p3/serviceValidate", get(validation::service_of_cas_3))
        .route("/cas/p3/proxyValidate", get(validation::proxy_of_cas_3))
        .route("/cas/proxy", get(proxy::ticket))
}

async fn to_login() -> Redirect {
    Redirect::to("/cas/login")
}
