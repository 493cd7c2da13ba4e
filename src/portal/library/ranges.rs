//! A span of a file as an answer: whole, in part, or not at all because the browser has it (RFC 9110).

use std::{fs::File, io, ops::Range, os::unix::fs::FileExt as _, sync::Arc};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use futures_util::stream;
use tokio::task::spawn_blocking;

/// How much is read at once, in bytes.
const PIECE_BYTES: u64 = 128 << 10;

/// The bytes `place` of `file` as the request asks for them; `tag` changes when they do.
pub(super) fn answer(
    file: File,
    place: Range<u64>,
    tag: &str,
    method: &Method,
    asked: &HeaderMap,
) -> Response {
    let length = place.end.saturating_sub(place.start);
    let tag = format!("\"{tag}\"");
    let field = |name| asked.get(name).and_then(|value| value.to_str().ok());
    if field(header::IF_NONE_MATCH).is_some_and(|known| known.split(',').any(|known| same(known, &tag))) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response();
    }
    // RFC 9110 13.1.5: a part of something else is no part of this.
    let fits = field(header::IF_RANGE).is_none_or(|known| known == tag);
    let wanted =
        field(header::RANGE).filter(|_| fits && method == Method::GET).and_then(|range| span(range, length));
    let (status, part) = match wanted {
        None => (StatusCode::OK, 0..length),
        Some(Some(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Some(None) => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response();
        }
    };
    let mut answer = Response::new(if method == Method::HEAD {
        Body::empty()
    } else {
        body(file, place.start.saturating_add(part.start)..place.start.saturating_add(part.end))
    });
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(part.end.saturating_sub(part.start)));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) =
            HeaderValue::try_from(format!("bytes {}-{}/{length}", part.start, part.end.saturating_sub(1)))
    {
        headers.insert(header::CONTENT_RANGE, range);
    }
    answer
}

/// The one span that a `Range` asks for: nothing where the field is not for us (RFC 9110 14.2: it is passed over), and no
/// span where it lies behind the end. Several spans at once are passed over as well.
fn span(range: &str, length: u64) -> Option<Option<Range<u64>>> {
    let (first, last) = range.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| -> Option<u64> {
        (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    if first.is_empty() {
        let from_end = number(last)?;
        return Some((from_end > 0 && length > 0).then(|| length.saturating_sub(from_end)..length));
    }
    let first = number(first)?;
    let end = if last.is_empty() { length } else { number(last)?.saturating_add(1).min(length) };
    if !last.is_empty() && number(last)? < first {
        return None;
    }
    Some((first < length).then_some(first..end))
}

fn same(known: &str, tag: &str) -> bool {
    let known = known.trim();
    known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
}

fn body(file: File, place: Range<u64>) -> Body {
    let file = Arc::new(file);
    let pieces = stream::try_unfold(place, move |left| {
        let file = Arc::clone(&file);
        async move {
            let length = left.end.saturating_sub(left.start).min(PIECE_BYTES);
            if length == 0 {
                return Ok(None);
            }
            let read = spawn_blocking(move || -> io::Result<Bytes> {
                let mut piece = vec![0; usize::try_from(length).map_err(io::Error::other)?];
                file.read_exact_at(&mut piece, left.start)?;
                Ok(Bytes::from(piece))
            });
            let piece = read.await.map_err(io::Error::other)??;
            Ok::<_, io::Error>(Some((piece, left.start.saturating_add(length)..left.end)))
        }
    });
    Body::from_stream(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_span_is_given_and_what_is_none_is_passed_over() {
        for (range, expected) in [
            ("bytes=0-", Some(Some(0..10))),
            ("bytes=3-5", Some(Some(3..6))),
            ("bytes=9-99", Some(Some(9..10))),
            ("bytes=-3", Some(Some(7..10))),
            ("bytes=-99", Some(Some(0..10))),
            ("bytes=10-", Some(None)),
            ("bytes=-0", Some(None)),
            ("bytes=99999999999999999999-", None),
            ("bytes=5-3", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("bytes=+1-2", None),
            ("lines=0-1", None),
            ("", None),
        ] {
            assert_eq!(span(range, 10), expected, "{range}");
        }
        assert_eq!(span("bytes=-1", 0), Some(None));
    }
}
