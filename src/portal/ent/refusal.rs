//! Why somebody is not signed in through the ENT, in one sentence and with what to do.

use axum::{http::StatusCode, response::Response};

use crate::{
    enforce::{ent::EntRefusal, web_client::CertificateFault},
    portal::{
        asked::Asked,
        page::Link,
        secure::Secure,
        words::{EntWords, Told},
    },
};

/// Where somebody starts anew.
const AGAIN: &str = "/connexion/ent";

/// Where somebody starts anew under another name.
const AGAIN_AS_ANOTHER: &str = "/connexion/ent?autre=1";

impl Secure {
    /// The page of a refusal.
    pub(super) fn told_by_the_ent(&self, asked: &Asked, refusal: EntRefusal) -> Response {
        let texts = asked.language.ent_words();
        let (status, told) = told(texts, refusal);
        // Where the ENT is not to be had, the form of the sign-in page is the way in.
        let (url, text) = match refusal {
            EntRefusal::Away | EntRefusal::Certificate(_) => ("/", texts.by_password),
            EntRefusal::Strange | EntRefusal::Declined | EntRefusal::Busy => (AGAIN, texts.again),
            EntRefusal::Unreadable | EntRefusal::NoId => ("/", asked.language.words().back_home),
        };
        self.notice(asked, status, told.title, told.text, Some(Link { url: url.to_owned(), text }))
    }

    /// The page for somebody whom the ENT knows and the school does not.
    pub(super) fn not_of_this_school(&self, asked: &Asked) -> Response {
        let texts = asked.language.ent_words();
        let link = Link { url: AGAIN_AS_ANOTHER.to_owned(), text: texts.as_another };
        let Told { title, text } = texts.not_of_this_school;
        self.notice(asked, StatusCode::FORBIDDEN, title, text, Some(link))
    }
}

fn told(texts: &'static EntWords, refusal: EntRefusal) -> (StatusCode, Told) {
    match refusal {
        EntRefusal::Away => (StatusCode::SERVICE_UNAVAILABLE, texts.away),
        EntRefusal::Certificate(CertificateFault::Dates) => (StatusCode::BAD_GATEWAY, texts.dates),
        EntRefusal::Certificate(_) => (StatusCode::BAD_GATEWAY, texts.certificate),
        EntRefusal::Strange => (StatusCode::BAD_REQUEST, texts.strange),
        EntRefusal::Declined => (StatusCode::FORBIDDEN, texts.declined),
        EntRefusal::Unreadable | EntRefusal::NoId => (StatusCode::BAD_GATEWAY, texts.unreadable),
        EntRefusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, texts.busy),
    }
}
