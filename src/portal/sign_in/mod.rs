//! Signing in and out at the portal.
//!
//! | road | what it does |
//! |---|---|
//! | `POST /connexion` | signs in by login and password |
//! | `POST /connexion/visiteur` | signs in by the code of a voucher |
//! | `POST /reprendre` | takes the session of this browser along to this machine |
//! | `POST /deconnexion` | signs out on this machine |
//! | `POST /deconnexion/suivant` | the same, and shows the form to whoever comes next |
//! | `POST /deconnexion/partout` | signs the person out on all their machines |
//! | `GET`, `POST /mot-de-passe` | the password for the days without Internet |
//!
//! The page itself is at `/` for whoever is not signed in. Each sign-in gives the browser a token of its own in a cookie
//! (`cookie`); what a request brings is never taken for a new session. After a form the browser is sent on (303), or sees
//! the form again with what was wrong; a password is never shown again nor kept.

mod cookie;
mod forms;
mod leaving;
mod page;
mod password;
mod refusal;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use super::secure::{Secure, go_home};

pub(super) use cookie::token_of;
pub(super) use page::Notice;
pub(super) use refusal::Told;
#[cfg(test)]
pub(super) use {
    page::{EntDoor, SignInPage},
    password::PasswordPage,
};

/// The roads of signing in and out.
pub(super) fn router() -> Router<Arc<Secure>> {
    Router::new()
        .route("/connexion", post(forms::by_password).get(go_home))
        .route("/connexion/visiteur", post(forms::by_voucher).get(go_home))
        .route("/reprendre", post(forms::resume).get(go_home))
        .route("/deconnexion", post(leaving::here).get(go_home))
        .route("/deconnexion/suivant", post(leaving::to_the_next).get(go_home))
        .route("/deconnexion/partout", post(leaving::everywhere).get(go_home))
        .route("/mot-de-passe", get(password::asked_for).post(password::chosen))
}
