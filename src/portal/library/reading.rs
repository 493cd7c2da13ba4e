//! Files of a site, and single files.

use std::{fs::File, sync::Arc};

use axum::{
    Extension,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use tokio::task::spawn_blocking;
use tracing::warn;

use super::{
    cage::cage,
    ranges,
    roads::{House, Reader},
};
use crate::{
    library::{Held, Library, Media},
    portal::{asked::Asked, secure::see_other, visitor::Visitor},
    protocol::content::Kind,
};

/// Leads to the beginning of a package.
pub(super) async fn first(
    house: House,
    visitor: Extension<Visitor>,
    asked: Asked,
    Path(id): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    file(house, visitor, asked, Path((id, String::new())), method, headers).await
}

/// A file of a package.
pub(super) async fn file(
    State(secure): House,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    Path((id, path)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let Reader { library, standing: _ } = match secure.reader(&visitor, &asked) {
        Ok(reader) => reader,
        Err(answer) => return *answer,
    };
    let Some((held, content)) = open(library, &id).await else { return secure.nothing_there(&asked) };
    let (name, place) = match (&held.package.kind, &held.web) {
        (Kind::Web, Some(table)) => match table.find(&path) {
            Some((name, place)) => (name.to_owned(), place),
            None if table.is_folder(&path) => return see_other(&format!("/bibliotheque/lire/{id}/{path}/")),
            None => return secure.nothing_there(&asked),
        },
        (Kind::File { name }, _) if path.is_empty() => {
            return see_other(&format!("/bibliotheque/lire/{id}/{name}"));
        }
        (Kind::File { name }, _) if path == *name => (name.clone(), 0..held.package.bytes),
        _ => return secure.nothing_there(&asked),
    };
    let media = Media::of(&name);
    let tag = format!("{}-{}-{:x}", held.package.id, held.package.version, place.start);
    let mut answer = ranges::answer(content, place, &tag, &method, &headers);
    count(library, &held, media, &method, answer.status(), &headers);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.word));
    cage(answer, &format!("{}/bibliotheque/lire/{id}/", secure.house.origin()), media.is_inert)
}

/// A package and what is in it. One that was just given up for another version is no longer on the disk: then the other one.
async fn open(library: &Library, id: &str) -> Option<(Arc<Held>, File)> {
    let mut held = library.held(id)?;
    loop {
        let looked_at = Arc::clone(&held);
        let error = match spawn_blocking(move || File::open(&looked_at.content_path)).await.ok()? {
            Ok(content) => return Some((held, content)),
            Err(error) => error,
        };
        let now = library.held(id)?;
        if Arc::ptr_eq(&now, &held) {
            warn!(%error, "a package of the library cannot be opened");
            return None;
        }
        held = now;
    }
}

/// A page that is opened is one use; of a single file its beginning is, and not each part that a player asks for.
fn count(
    library: &Library,
    held: &Held,
    media: Media,
    method: &Method,
    status: StatusCode,
    asked: &HeaderMap,
) {
    let begins = match status {
        StatusCode::OK | StatusCode::NOT_MODIFIED => true,
        StatusCode::PARTIAL_CONTENT => {
            asked.get(header::RANGE).is_some_and(|range| range.as_bytes().starts_with(b"bytes=0-"))
        }
        _ => false,
    };
    let is_what_counts = held.web.is_none() || media.is_page();
    if begins && is_what_counts && *method == Method::GET {
        library.count(held);
    }
}
