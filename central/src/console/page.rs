//! The frame of all pages, and a page as an answer. What a page shows comes in as plain text and leaves escaped.

use askama::Template;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse as _, Response},
};

use super::{
    language::Language,
    look::Look,
    message::Message,
    navigation::{Here, Tab, tabs},
    refusal::Refused,
    road::Console,
    visit::{Asked, Visit},
    words::{FrameWords, RefusalWords, right_name},
};

/// What surrounds a page.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) language: Language,
    pub(super) words: &'static FrameWords,
    /// The académie's name.
    pub(super) academie: &'a str,
    pub(super) look: &'a Look,
    /// The page's address in the other language.
    pub(super) switch: String,
    /// The navigation; empty for whoever has not come in.
    pub(super) places: Vec<Tab>,
    /// Who came in; empty for nobody.
    pub(super) name: &'a str,
    /// What came of the act before.
    pub(super) message: Option<Message>,
}

/// One thing to say, and where to go next.
#[derive(Debug, Template)]
#[template(path = "console/notice.html")]
struct NoticePage<'a> {
    frame: Frame<'a>,
    title: &'a str,
    text: String,
    link: &'a str,
    link_text: &'a str,
}

impl Console {
    /// The frame of a page of `here` for `visit`.
    pub(super) fn frame<'a>(&'a self, visit: &'a Visit, here: Option<Here>) -> Frame<'a> {
        let language = visit.language();
        let places = tabs(language, visit.actor(), here);
        Frame { places, name: &visit.actor().name, ..self.bare_frame(&visit.asked) }
    }

    /// The frame of a page for whoever has not come in.
    pub(super) fn bare_frame<'a>(&'a self, asked: &Asked) -> Frame<'a> {
        Frame {
            language: asked.language,
            words: FrameWords::of(asked.language),
            academie: &self.settings.academie,
            look: &self.look,
            switch: asked.switch(),
            places: Vec::new(),
            name: "",
            message: asked.message.clone(),
        }
    }

    /// The page that says why there is none.
    pub(super) fn refusal_page(&self, frame: Frame<'_>, asked: &Asked, refused: Refused) -> Response {
        let words = RefusalWords::of(frame.language);
        let plain = |title: &'static str, text: &str| (title, text.to_owned());
        let (title, text) = match refused {
            Refused::NoSuchPage => plain(words.no_such_page, words.no_such_page_text),
            Refused::NotGranted(right) => (
                words.not_granted,
                format!("{} « {} ».", words.not_granted_text, right_name(frame.language, right)),
            ),
            Refused::Stale => plain(words.stale, words.stale_text),
            Refused::Unread => plain(words.unread, words.unread_text),
            Refused::Foreign => plain(words.foreign, words.foreign_text),
            Refused::Misdirected => plain(words.misdirected, words.misdirected_text),
            Refused::Away => plain(words.away, words.away_text),
        };
        let (link, link_text) = match refused {
            Refused::Away | Refused::Stale => (asked.path.as_str(), words.reload),
            _ => ("/", words.back),
        };
        let mut response = html(refused.status(), &NoticePage { frame, title, text, link, link_text });
        if refused == Refused::Away {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// The page as an answer.
pub(super) fn html(status: StatusCode, page: &impl Template) -> Response {
    let text = page.render().expect("every part of a page writes itself into a string, which cannot fail");
    (status, Html(text)).into_response()
}
