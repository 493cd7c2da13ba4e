//! The repository, as boxes fetch it: a school's own view, and the targets that views name.
//!
//! Nothing here is secret but for whose view is whose, and a box checks all of it by its signatures. A view of another
//! school is not given: nobody needs it, and what a school is held to is its own.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures_util::{StreamExt as _, stream};
use hyper::{HeaderMap, Method, StatusCode, header};
use preau::protocol::{content::CHUNKS_DIR, names::TARGETS_DIR};
use tokio::sync::Semaphore;

use super::{Caller, Refused};
use crate::bucket::{Bucket, Streamed};

/// The longest name below the repository, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// The largest file of a view that is read whole; views are a few KiB.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// Targets on their way at once: each holds a descriptor or a connection to S3. More wait for their turn.
const STREAMS_MAX: usize = 512;

#[derive(Clone, Debug)]
struct Repository {
    bucket: Bucket,
    streams: Arc<Semaphore>,
}

/// The routes.
pub(super) fn routes(bucket: Bucket) -> Router {
    let repository = Repository { bucket, streams: Arc::new(Semaphore::new(STREAMS_MAX)) };
    Router::new()
        .route("/v1/repository/metadata/{school}/{name}", get(metadata))
        .route("/v1/repository/targets/{*name}", get(target))
        .route("/v1/repository/content-chunks/{*name}", get(chunk))
        .with_state(repository)
}

/// A file of the school's own view. `timestamp.json` changes, everything else is another file when it changes.
async fn metadata(
    State(Repository { bucket, .. }): State<Repository>,
    Extension(caller): Extension<Caller>,
    Path((school, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if school != caller.school.as_str() || !is_plain(&name) {
        return Err(Refused::not_found());
    }
    let read = bucket.stream(&format!("metadata/{school}/{name}"), 0).await;
    let Some(Streamed { length, mut bytes }) = read.map_err(|error| Refused::failed(&error))? else {
        return Err(Refused::not_found());
    };
    if length > WHOLE_BYTES_MAX {
        return Err(Refused::failed(&anyhow::anyhow!(
            "a file of a view is larger than {WHOLE_BYTES_MAX} bytes"
        )));
    }
    let mut whole = Vec::new();
    while let Some(piece) = bytes.next().await {
        whole.extend_from_slice(&piece.map_err(|error| Refused::failed(&error))?);
    }
    let tag = format!("\"{}\"", blake3::hash(&whole).to_hex());
    if is_known(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let kind = [(header::CONTENT_TYPE, "application/json".to_owned()), (header::ETAG, tag)];
    Ok((kind, whole).into_response())
}

/// A target.
async fn target(
    State(repository): State<Repository>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    repository.give(TARGETS_DIR, &name, &method, &headers).await
}

/// A piece of a package of the library.
async fn chunk(
    State(repository): State<Repository>,
    Path(name): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    repository.give(CHUNKS_DIR, &name, &method, &headers).await
}

impl Repository {
    /// What lies at `name` in `dir`, from the byte on that a box asks for. Its name has its digest in it and is its ETag.
    async fn give(
        self,
        dir: &str,
        name: &str,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Response, Refused> {
        let Self { bucket, streams } = self;
        if !name.split('/').all(is_plain) || name.len() > NAME_BYTES_MAX {
            return Err(Refused::not_found());
        }
        let tag = format!("\"{}\"", blake3::hash(name.as_bytes()).to_hex());
        if is_known(headers, &tag) {
            return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
        }
        // RFC 9110 section 14.2: a Range that is not understood is passed over; If-Range holds it to the same content.
        let same = headers.get(header::IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes());
        let asked = headers.get(header::RANGE).and_then(|range| span(range.to_str().ok()?)).filter(|_| same);
        // A permit goes with the body and comes back at its end. The semaphore is never closed.
        let permit = streams.acquire_owned().await.map_err(|error| Refused::failed(&error.into()))?;
        let read = bucket.stream(&format!("{dir}/{name}"), asked.map_or(0, |(first, _)| first)).await;
        let Some(Streamed { length, bytes }) = read.map_err(|error| Refused::failed(&error))? else {
            return Err(Refused::not_found());
        };
        let mut answer = Response::builder()
            .header(header::ACCEPT_RANGES, "bytes")
            .header(header::ETAG, tag)
            .header(header::CONTENT_TYPE, "application/octet-stream");
        let mut left = length;
        if let Some((first, last)) = asked {
            if first >= length {
                let range = format!("bytes */{length}");
                return Ok(
                    (StatusCode::RANGE_NOT_SATISFIABLE, [(header::CONTENT_RANGE, range)]).into_response()
                );
            }
            let last = last.unwrap_or(u64::MAX).min(length - 1);
            left = last - first + 1;
            let range = format!("bytes {first}-{last}/{length}");
            answer = answer.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, range);
        }
        answer = answer.header(header::CONTENT_LENGTH, left);
        let body = if *method == Method::HEAD {
            Body::empty()
        } else {
            let held = stream::unfold((bytes, permit, left), |(mut bytes, permit, left)| async move {
                if left == 0 {
                    return None;
                }
                let piece: anyhow::Result<Bytes> = bytes.next().await?;
                let piece = piece.map(|mut piece| {
                    piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    piece
                });
                let came = piece.as_ref().map_or(0, |piece| u64::try_from(piece.len()).unwrap_or(left));
                Some((piece, (bytes, permit, left - came)))
            });
            Body::from_stream(held)
        };
        answer.body(body).map_err(|error| Refused::failed(&error.into()))
    }
}

/// Whether a step of a name is one that the channel gives: no way out of the folder, nothing hidden.
fn is_plain(step: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !step.is_empty() && !step.starts_with('.') && step.len() <= NAME_BYTES_MAX && step.bytes().all(fits)
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    known.is_some_and(|known| known.split(',').any(|known| known.trim() == tag))
}

/// The first byte of `bytes=N-` or `bytes=N-M`, and the last where it is named; any other form of Range is passed over.
fn span(range: &str) -> Option<(u64, Option<u64>)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let first = first.parse().ok()?;
    let last = if last.is_empty() { None } else { Some(last.parse().ok().filter(|last| *last >= first)?) };
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_nowhere_else() {
        for good in ["timestamp.json", "12.root.json", "abcdef.games.table.zst", "0809999Z"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a\\b", "a%2fb", "é", "a b"] {
            assert!(!is_plain(bad), "{bad}");
        }
    }

    #[test]
    fn one_part_is_asked_for_and_no_other_form_of_range() {
        assert_eq!(span("bytes=7-"), Some((7, None)));
        assert_eq!(span("bytes=7-9"), Some((7, Some(9))));
        for other in ["bytes=9-7", "bytes=-7", "lines=7-", "bytes=7-,9-", "bytes=7-8,9-", "7-"] {
            assert_eq!(span(other), None, "{other}");
        }
    }
}
