//! Who may enter: asked before anything of a page runs.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use crate::{
    admin::Act,
    portal::{asked::Asked, secure::Secure, visitor::Visitor, words::AreaWords},
};

/// Lets in whoever may do the act and hands their grant on.
pub(super) async fn door(
    State((secure, act)): State<(Arc<Secure>, Act)>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    mut request: Request,
    next: Next,
) -> Response {
    let words = AreaWords::of(asked.language);
    match secure.granted(&visitor, &asked, act, (words.not_allowed, words.not_allowed_text)) {
        Ok(granted) => {
            request.extensions_mut().insert(granted);
            next.run(request).await
        }
        Err(answer) => *answer,
    }
}
