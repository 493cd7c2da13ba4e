//! Answers of the cache's own: what cannot be asked, and what cannot be had while the line is down.

use bytes::Bytes;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};

use super::{body::Body, deferred::Receipt, settings::Elsewhere};

/// What pages of the cache's own look like: plain, and readable on a phone, by day and by night.
const STYLE: &str = "<style>:root{color-scheme:light dark}body{margin:0;font:1.05rem/1.5 system-ui,sans-serif}\
                     main{max-width:38rem;margin:0 auto;padding:1.5rem 1rem}h1{font-size:1.4rem;line-height:1.3}\
                     h2{font-size:1.1rem;margin-top:2rem}ul{padding:0;list-style:none}\
                     li a{display:block;padding:.7rem 0;min-height:1.4rem}\
                     [lang=en]{opacity:.85;font-size:.95rem}</style>";

/// Stands in an answer of the cache's own.
#[derive(Clone, Copy)]
struct Own;

/// Whether an answer says that the cache has none: whoever knows another way to the origin can go it.
pub fn is_refusal<B>(answer: &Response<B>) -> bool {
    answer.extensions().get::<Own>().is_some()
}

/// Why a request gets an answer of the cache's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It breaks the protocol, or can be read in two ways.
    #[error("the request can be read in two ways")]
    Bad,
    /// It is for a host that this cache does not stand before, or for another than its TLS was made for.
    #[error("the request is for another host")]
    Misdirected,
    /// Its method is none that goes through here.
    #[error("the method does not go through the cache")]
    Method,
    /// Its path is too long.
    #[error("the path is too long")]
    TooLongPath,
    /// Its fields are too many or too long.
    #[error("the fields are too long")]
    TooManyFields,
    /// It comes from this cache.
    #[error("the request comes from the cache itself")]
    Loop,
    /// The client wants a copy or nothing, and there is none (RFC 9111 section 5.2.1.7).
    #[error("no copy is kept")]
    NotKept,
    /// The origin cannot be reached, and there is no copy that could stand in.
    #[error("the origin cannot be reached")]
    NoOrigin,
    /// The origin cannot be reached, and what somebody sends cannot wait here for it.
    #[error("the origin cannot be reached, and what was sent does not wait")]
    NotSent,
    /// What somebody sends is too long to wait here.
    #[error("the body is too long")]
    TooLargeBody,
    /// The origin gave no answer that can be passed on.
    #[error("the origin gave no answer")]
    BadOrigin,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::Bad => StatusCode::BAD_REQUEST,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLongPath => StatusCode::URI_TOO_LONG,
            Self::TooManyFields => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::NotKept | Self::NoOrigin => StatusCode::GATEWAY_TIMEOUT,
            Self::NotSent => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLargeBody => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BadOrigin => StatusCode::BAD_GATEWAY,
        }
    }

    /// What a person reads: French, then English.
    fn sentences(self) -> [&'static str; 2] {
        match self {
            Self::NoOrigin | Self::NotKept => [
                "La ligne est coupée, et cette page n’a pas encore été gardée ici : elle s’ouvrira quand la ligne sera revenue.",
                "The line is down and no copy of this page is kept here yet: it will open when the line is back.",
            ],
            Self::NotSent => [
                "La ligne est coupée : ce que vous venez d’envoyer n’est pas parti, et ne partira pas tout seul. Gardez-le, et recommencez quand la ligne sera revenue.",
                "The line is down: what you just sent has not gone, and will not go by itself. Keep it, and send it again when the line is back.",
            ],
            Self::TooLargeBody => [
                "La ligne est coupée, et cet envoi est trop gros pour attendre ici. Gardez-le, et recommencez quand la ligne sera revenue.",
                "The line is down, and what you sent is too large to wait here. Keep it, and send it again when the line is back.",
            ],
            Self::BadOrigin => [
                "Le site ne répond pas comme il faut. Réessayez dans quelques minutes.",
                "The site does not answer as it should. Try again in a few minutes.",
            ],
            _ => ["Cette demande ne peut pas être traitée.", "This request cannot be answered."],
        }
    }

    /// Whether it is the line's fault, so that what is in the school can be offered instead.
    pub(super) fn is_for_want_of_the_line(self) -> bool {
        matches!(self, Self::NoOrigin | Self::NotSent | Self::TooLargeBody)
    }

    /// The answer.
    pub(super) fn response(self) -> Response<Body> {
        self.response_with("")
    }

    /// The answer, with more of a page behind its sentence.
    pub(super) fn response_with(self, more: &str) -> Response<Body> {
        let [french, english] = self.sentences();
        let mut answer = page(self.status(), french, &format!("<p lang=\"en\">{english}</p>{more}"));
        answer.extensions_mut().insert(Own);
        answer
    }
}

/// Whether somebody reads the answer, and no program.
pub(super) fn wants_page(asked: &HeaderMap) -> bool {
    asked
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

/// The receipt for a write that waits: a page for people, JSON for programs.
pub(super) fn receipt_page(
    receipt: &Receipt,
    asked: &HeaderMap,
    elsewhere: Option<&Elsewhere>,
) -> Response<Body> {
    if !wants_page(asked) {
        let text = format!("{{\"recu\":\"{receipt}\",\"etat\":\"attend-la-ligne\"}}\n");
        return answer(StatusCode::ACCEPTED, "application/json", text);
    }
    let all = elsewhere.map_or_else(String::new, |Elsewhere { portal, .. }| {
        format!(
            "<ul><li><a href=\"{portal}/envois\">Voir tous mes envois <span lang=\"en\">(what I sent)</span></a></li></ul>"
        )
    });
    let text = format!(
        "<p>Il partira tout seul quand elle sera revenue ; vous pouvez fermer cette page.</p>\
         <p>Reçu n° <strong>{receipt}</strong></p>\
         <p lang=\"en\">The line is down. What you sent is kept and will go by itself when it is back. Receipt {receipt}.</p>{all}"
    );
    page(StatusCode::ACCEPTED, "La ligne est coupée : votre envoi est gardé.", &text)
}

fn page(status: StatusCode, title: &str, rest: &str) -> Response<Body> {
    let text = format!(
        "<!doctype html><html lang=\"fr\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{title}</title>{STYLE}<main><h1>{title}</h1>{rest}</main></html>\n"
    );
    answer(status, "text/html; charset=utf-8", text)
}

fn answer(status: StatusCode, media_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from_bytes(Bytes::from(text)));
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
