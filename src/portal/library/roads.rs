//! What leads where in the library, and who may read.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};

use super::{archives, catalogue, reading};
use crate::{
    library::Library,
    portal::{
        asked::Asked,
        secure::{Secure, home_link, see_other},
        visitor::{Standing, Visitor},
        words::LibraryWords,
    },
};

/// The library's roads. All of them only show: nothing here is changed by a reader.
pub(in crate::portal) fn router() -> Router<Arc<Secure>> {
    Router::new()
        .route("/bibliotheque", get(catalogue::page))
        .route("/bibliotheque/paquet/{id}", get(catalogue::package_page))
        .route("/bibliotheque/lire/{id}/", get(reading::first))
        .route("/bibliotheque/lire/{id}/{*path}", get(reading::file))
        .route("/bibliotheque/zim/{*path}", get(archives::hand_on))
        .layer(from_fn(only_whole_paths))
}

/// What a reader brings along.
pub(super) struct Reader<'a> {
    pub(super) library: &'a Library,
    pub(super) standing: Standing,
}

impl Secure {
    /// The library, for whoever may read in it: people who are signed in, and the school's own machines.
    pub(super) fn reader(&self, visitor: &Visitor, asked: &Asked) -> Result<Reader<'_>, Box<Response>> {
        let standing = visitor.standing(&self.identity);
        if matches!(standing, Standing::Unknown) {
            return Err(Box::new(see_other("/")));
        }
        let words = LibraryWords::of(asked.language);
        let library = self.library.as_ref().ok_or_else(|| {
            let link = Some(home_link(asked.language.words()));
            Box::new(self.notice(asked, StatusCode::NOT_FOUND, words.title, words.no_library, link))
        })?;
        Ok(Reader { library, standing })
    }

    /// That there is no such package, or nothing at that place in it.
    pub(super) fn nothing_there(&self, asked: &Asked) -> Response {
        let words = LibraryWords::of(asked.language);
        let link = crate::portal::page::Link { url: String::from("/bibliotheque"), text: words.back };
        self.notice(asked, StatusCode::NOT_FOUND, words.not_here, words.not_here_text, Some(link))
    }
}

/// Refuses a path with a step that leads back: a browser never sends one, and nothing behind should have to read it.
async fn only_whole_paths(request: Request, next: Next) -> Result<Response, StatusCode> {
    let path = request.uri().path();
    let leads_back = path.split('/').any(|step| {
        let step = step.to_ascii_lowercase().replace("%2e", ".");
        step == "." || step == ".."
    });
    let hides_a_step = path.to_ascii_lowercase().contains("%2f") && path.starts_with("/bibliotheque/lire/");
    if leads_back || hides_a_step { Err(StatusCode::BAD_REQUEST) } else { Ok(next.run(request).await) }
}

/// Keeps the type of the state in one place.
pub(super) type House = State<Arc<Secure>>;
