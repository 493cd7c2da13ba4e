//! The pages, their templates checked at compile time. What a page shows comes in as plain text and leaves escaped.

use askama::Template;

use super::{
    because::{Because, Reason},
    language::Language,
    settings::Settings,
    wanted::{Wanted, query_value},
    words::{SignInWords, Words},
};
use crate::model::Site;

/// The style sheet of all pages.
pub(super) const STYLE: &str = include_str!("../../templates/portal/style.css");

/// The icon of browser tabs.
pub(super) const ICON: &str = include_str!("../../templates/portal/favicon.svg");

/// What is the same on all pages of a school.
#[derive(Clone, Debug)]
pub(super) struct House {
    /// The school's name.
    school: String,
    /// The portal's origin, such as `https://portail.college.exemple`.
    origin: String,
    /// The style sheet's path, with a digest so that a changed sheet is fetched again.
    style: String,
}

impl House {
    pub(super) fn new(settings: &Settings) -> Self {
        let digest = blake3::hash(STYLE.as_bytes()).to_hex();
        Self {
            school: settings.school.clone(),
            origin: settings.origin(),
            style: format!("/style.css?v={}", &digest[..12]),
        }
    }

    /// The portal's origin, without a final slash.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The frame of a page the portal serves itself; `switch` is the page's own address in the other language.
    pub(super) fn frame(&self, language: Language, switch: String) -> Frame<'_> {
        self.frame_under("", language, switch)
    }

    /// The frame of a page served in place of another site: its links lead to the portal.
    pub(super) fn frame_elsewhere(&self, language: Language, site: &str) -> Frame<'_> {
        let other = language.other().tag();
        let switch = format!("{}/bloque?lang={other}&u={}", self.origin, query_value(site));
        self.frame_under(&self.origin, language, switch)
    }

    fn frame_under<'a>(&'a self, root: &'a str, language: Language, switch: String) -> Frame<'a> {
        Frame { language, words: language.words(), school: &self.school, root, style: &self.style, switch }
    }
}

/// What surrounds a page.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) language: Language,
    pub(super) words: &'static Words,
    pub(super) school: &'a str,
    pub(super) root: &'a str,
    pub(super) style: &'a str,
    pub(super) switch: String,
}

impl Frame<'_> {
    /// The texts of signing in and out.
    fn sign_in_words(&self) -> &'static SignInWords {
        self.language.sign_in_words()
    }
}

/// The home page of whoever may use the network.
#[derive(Debug, Template)]
#[template(path = "portal/home.html")]
pub(super) struct HomePage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) resident: Resident<'a>,
    pub(super) network: &'static str,
    pub(super) web_is_open: bool,
    /// Whether what depends on the hour is at its stricter side for now.
    pub(super) clock_in_doubt: bool,
    /// Services other than the web, joined by commas.
    pub(super) services: String,
    pub(super) wanted: Option<Wanted>,
}

/// Whose home page it is.
#[derive(Debug)]
pub(super) enum Resident<'a> {
    Person { name: &'a str, role: &'static str, classes: String, until: String, until_utc: String },
    Machine { name: &'a str },
}

/// Why a site is closed.
#[derive(Debug, Template)]
#[template(path = "portal/refused.html")]
pub(super) struct RefusedPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) site: &'a Site,
    pub(super) because: Because,
}

/// One thing to say, and perhaps where to go next.
#[derive(Debug, Template)]
#[template(path = "portal/notice.html")]
pub(super) struct NoticePage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) site: Option<&'a Site>,
    pub(super) link: Option<Link>,
    /// Whether the page has the form that asks why a site is closed.
    pub(super) asks: bool,
}

/// A link that looks like a button.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) url: String,
    pub(super) text: &'static str,
}

/// The page as HTML.
pub(super) fn written(page: &impl Template) -> String {
    page.render().expect("every part of a page writes itself into a string, which cannot fail")
}
