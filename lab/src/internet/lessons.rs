//! `lecons.exemple.fr`: the ENT's lessons, with everything a cache meets there; `maj.exemple.net`: updates.
//!
//! | path | what it is |
//! |---|---|
//! | `/lecon/N` | a page for everybody, fresh for two seconds, with a validator |
//! | `/seance?FILM` | a page that takes in the film at that path, byte by byte, and says its length and sum |
//! | `/film` | 20 MB for everybody, fresh for an hour, in ranges |
//! | `/maj.cab` | the same, 5 MB: an update |
//! | `/sitemap.xml` | names `/lecon/nuit-1` to `/lecon/nuit-20`, `/notes`, and a page elsewhere |
//! | `/notes` | a page for whoever the cookie names, which nobody may keep |
//! | `/agenda` | a page for whoever the cookie names, without a word on keeping it |
//! | `POST /devoirs` | takes a piece of homework, once for each `Idempotency-Key`; 401 without a cookie |
//! | `GET /devoirs` | the keys and bodies it took |
//! | `/comptes` | how often each path was asked for, one a line |

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Response, StatusCode, header, http::request::Parts};

use super::pages;
use crate::plan::LESSONS_NAME;

/// The length of the film, in bytes.
const FILM_BYTES: usize = 20_000_000;

/// The lesson with a film: it waits for all of it before it counts as loaded, and shows its length and its Adler-32 (RFC 1950
/// section 8.2) as two numbers.
const SESSION: &str = "<!DOCTYPE html><html lang=fr><meta charset=utf-8><title>Séance</title>\
    <link rel=icon href=\"data:,\"><body><script>\
    let said = '';\
    try {\
      const film = new XMLHttpRequest();\
      film.open('GET', location.search.slice(1), false);\
      film.overrideMimeType('text/plain; charset=x-user-defined');\
      film.send();\
      const bytes = film.responseText;\
      let one = 1, two = 0;\
      for (let at = 0; at < bytes.length; at++) {\
        one = (one + (bytes.charCodeAt(at) & 255)) % 65521;\
        two = (two + one) % 65521;\
      }\
      said = `film ${bytes.length} ${two} ${one} fin`;\
    } catch (error) { said = `film ${error} fin`; }\
    document.body.textContent = said;\
    </script></body></html>\n";

/// What the page with the film shows when every byte of it came: `film LENGTH SUM SUM fin`.
#[must_use]
pub fn whole_film() -> String {
    let sums = (0..FILM_BYTES).fold((1_u64, 0_u64), |(one, two), place| {
        let one = (one + u64::from(film_byte(place))) % 65_521;
        (one, (two + one) % 65_521)
    });
    format!("film {FILM_BYTES} {} {} fin", sums.1, sums.0)
}
/// The length of the update, in bytes.
const UPDATE_BYTES: usize = 5_000_000;

/// Lessons that the list names.
const LISTED: usize = 20;

/// What happened there so far.
#[derive(Default)]
pub(super) struct Lessons(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    counts: BTreeMap<String, u64>,
    homework: BTreeMap<String, String>,
}

impl Lessons {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a request.
    pub(super) fn answer(&self, head: &Parts, body: &[u8]) -> Response<pages::Body> {
        let path = head.uri.path();
        if path == "/comptes" {
            let text = self
                .seen()
                .counts
                .iter()
                .map(|(path, count)| format!("{count} {path}\n"))
                .collect::<String>();
            return text_of(StatusCode::OK, "no-store", text);
        }
        *self.seen().counts.entry(format!("{} {path}", head.method)).or_default() += 1;
        match (path, head.method == Method::POST) {
            ("/devoirs", true) => self.take(head, body),
            ("/devoirs", false) => {
                let text = self
                    .seen()
                    .homework
                    .iter()
                    .map(|(key, body)| format!("{key} {body}\n"))
                    .collect::<String>();
                text_of(StatusCode::OK, "no-store", text)
            }
            ("/film", _) => film(head, FILM_BYTES),
            ("/maj.cab", _) => film(head, UPDATE_BYTES),
            ("/sitemap.xml", _) => sitemap(),
            ("/seance", _) => {
                let mut answer = text_of(StatusCode::OK, "public, max-age=3600", String::from(SESSION));
                let html = header::HeaderValue::from_static("text/html; charset=utf-8");
                answer.headers_mut().insert(header::CONTENT_TYPE, html);
                answer
            }
            ("/notes", _) => {
                text_of(StatusCode::OK, "private, no-store", format!("notes de {}\n", person(head)))
            }
            ("/agenda", _) => {
                let mut answer = text_of(StatusCode::OK, "", format!("agenda de {}\n", person(head)));
                answer.headers_mut().remove(header::CACHE_CONTROL);
                answer
            }
            _ => lesson(head, path),
        }
    }

    fn take(&self, head: &Parts, body: &[u8]) -> Response<pages::Body> {
        if person(head) == "personne" {
            return text_of(StatusCode::UNAUTHORIZED, "no-store", String::from("qui êtes-vous ?\n"));
        }
        let key = field(head, "idempotency-key").trim_matches('"').to_owned();
        self.seen().homework.entry(key).or_insert_with(|| String::from_utf8_lossy(body).into_owned());
        text_of(StatusCode::CREATED, "no-store", String::from("reçu\n"))
    }
}

fn field<'a>(head: &'a Parts, name: &str) -> &'a str {
    head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// Whom the cookie names.
fn person(head: &Parts) -> &str {
    field(head, "cookie").strip_prefix("session=").unwrap_or("personne")
}

fn lesson(head: &Parts, path: &str) -> Response<pages::Body> {
    let tag = format!("\"{}\"", path.trim_matches('/').replace('/', "-"));
    let page = format!(
        "<!DOCTYPE html><html lang=fr><meta charset=utf-8><title>Leçon</title><link rel=icon href=\"data:,\">\
         <body><h1>Leçon {path}</h1><p>Le préau est la partie couverte de la cour.</p></body></html>\n"
    );
    let is_known = field(head, "if-none-match") == tag;
    let mut answer =
        text_of(StatusCode::OK, "public, max-age=2", if is_known { String::new() } else { page });
    if is_known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let fields = answer.headers_mut();
    fields.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/html; charset=utf-8"));
    fields.extend(header::HeaderValue::try_from(tag).ok().map(|tag| (header::ETAG, tag)));
    answer
}

fn film_byte(place: usize) -> u8 {
    u8::try_from(place % 251).unwrap_or_default()
}

/// The list of what is to be fetched ahead.
fn sitemap() -> Response<pages::Body> {
    let mut text = String::from("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
    let listed = (1..=LISTED).map(|number| format!("https://{LESSONS_NAME}/lecon/nuit-{number}"));
    let others = [format!("https://{LESSONS_NAME}/notes"), "https://www.exemple.net/".to_owned()];
    for address in listed.chain(others) {
        text.push_str(&format!("<url><loc>{address}</loc></url>\n"));
    }
    text.push_str("</urlset>\n");
    text_of(StatusCode::OK, "no-cache", text)
}

/// A file of `length` bytes, or the range asked for: every byte says where it stands, so that pieces put together wrongly
/// are seen.
fn film(head: &Parts, length: usize) -> Response<pages::Body> {
    let range = field(head, "range").strip_prefix("bytes=").and_then(|range| {
        let (first, last) = range.split_once('-')?;
        let first: usize = first.parse().ok()?;
        let last = last.parse().unwrap_or(length - 1).min(length - 1);
        (first <= last).then_some((first, last))
    });
    let is_same = matches!(field(head, "if-range"), "" | "\"film\"");
    let (first, last) = range.filter(|_| is_same).unwrap_or((0, length - 1));
    let bytes: Vec<u8> = (first..=last).map(film_byte).collect();
    let mut answer = Response::new(Full::new(Bytes::from(bytes)).boxed());
    if range.is_some() && is_same {
        *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
        let told = format!("bytes {first}-{last}/{length}");
        answer
            .headers_mut()
            .extend(header::HeaderValue::try_from(told).ok().map(|told| (header::CONTENT_RANGE, told)));
    }
    let fields = answer.headers_mut();
    fields.insert(header::ETAG, header::HeaderValue::from_static("\"film\""));
    fields.insert(header::ACCEPT_RANGES, header::HeaderValue::from_static("bytes"));
    fields.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("public, max-age=3600"));
    fields.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("video/mp4"));
    answer
}

fn text_of(status: StatusCode, keep: &'static str, text: String) -> Response<pages::Body> {
    let mut response = Response::new(Full::new(Bytes::from(text)).boxed());
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain; charset=utf-8"));
    fields.insert(header::CACHE_CONTROL, header::HeaderValue::from_static(keep));
    response
}

#[cfg(test)]
mod tests {
    use hyper::Request;

    use super::*;

    fn head(method: &str, path: &str, fields: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn a_range_of_the_film_is_that_range() {
        let answer = Lessons::default().answer(&head("GET", "/film", &[("range", "bytes=250-252")]), b"");
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(answer.headers()["content-range"], "bytes 250-252/20000000");
        assert_eq!(&answer.into_body().collect().await.unwrap().to_bytes()[..], [250, 0, 1]);
    }

    #[test]
    fn homework_is_taken_once_for_each_key() {
        let lessons = Lessons::default();
        let fields = [("cookie", "session=alix"), ("idempotency-key", "\"a\"")];
        for body in ["un", "deux"] {
            assert_eq!(
                lessons.answer(&head("POST", "/devoirs", &fields), body.as_bytes()).status(),
                StatusCode::CREATED
            );
        }
        assert_eq!(lessons.seen().homework, BTreeMap::from([(String::from("a"), String::from("un"))]));
        assert_eq!(lessons.seen().counts["POST /devoirs"], 2);
        assert_eq!(lessons.answer(&head("POST", "/devoirs", &[]), b"").status(), StatusCode::UNAUTHORIZED);
    }
}
