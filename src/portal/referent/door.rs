//! Who may enter: asked before anything of a page runs.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::StatusCode,
    middleware::Next,
    response::Response,
};

use crate::{
    admin::{Act, Actor, may},
    portal::{
        asked::Asked,
        secure::{Secure, home_link, see_other},
        visitor::{Standing, Visitor},
        words::AreaWords,
    },
};

/// Lets in whoever may do the act and hands their grant on; sends whoever is not signed in to do so.
pub(super) async fn door(
    State((secure, act)): State<(Arc<Secure>, Act)>,
    axum::Extension(visitor): axum::Extension<Visitor>,
    asked: Asked,
    mut request: Request,
    next: Next,
) -> Response {
    let Standing::SignedIn(session) = visitor.standing(&secure.identity) else {
        return see_other("/");
    };
    match may(&Actor(session.account), act) {
        Ok(granted) => {
            request.extensions_mut().insert(granted);
            next.run(request).await
        }
        Err(_) => {
            let words = AreaWords::of(asked.language);
            let link = Some(home_link(asked.language.words()));
            let (title, text) = (words.not_allowed, words.not_allowed_text);
            secure.notice(&asked, StatusCode::FORBIDDEN, title, text, link)
        }
    }
}
