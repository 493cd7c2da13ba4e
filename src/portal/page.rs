//! The pages, their templates checked at compile time. What a page shows comes in as plain text and leaves escaped.

use askama::Template;

use super::{
    because::{Because, Reason},
    language::Language,
    navigation::{Place, Tab, tabs},
    settings::Settings,
    wanted::{Wanted, query_value},
    words::{HomeWords, PlaceWords, Words},
};
use crate::model::{Role, Site};

/// The style sheet of all pages, its parts in one file: a slow line fetches it once.
pub(super) const STYLE: &str = concat!(
    include_str!("../../templates/portal/style/base.css"),
    include_str!("../../templates/portal/style/layout.css"),
    include_str!("../../templates/portal/style/parts.css"),
    include_str!("../../templates/portal/style/forms.css"),
    include_str!("../../templates/portal/style/tables.css"),
    include_str!("../../templates/portal/style/media.css"),
);

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
    /// Whether the school has a library.
    has_library: bool,
}

impl House {
    pub(super) fn new(settings: &Settings) -> Self {
        let digest = blake3::hash(STYLE.as_bytes()).to_hex();
        Self {
            school: settings.school.clone(),
            origin: settings.origin(),
            style: format!("/style.css?v={}", &digest[..12]),
            has_library: settings.has_library,
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
        let words = language.words();
        let has_library = self.has_library;
        let places = Vec::new();
        Frame { language, words, school: &self.school, root, style: &self.style, switch, has_library, places }
    }
}

/// What surrounds a page.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) language: Language,
    pub(super) words: &'static Words,
    /// The school's name.
    pub(super) school: &'a str,
    /// What stands before the paths of the portal's own pages: nothing, or its origin.
    pub(super) root: &'a str,
    /// The style sheet's path.
    pub(super) style: &'a str,
    /// The page's address in the other language.
    pub(super) switch: String,
    /// Whether the school has a library, which is then in the navigation.
    pub(super) has_library: bool,
    /// The navigation; empty until [`Frame::at`].
    pub(super) places: Vec<Tab>,
}

impl Frame<'_> {
    /// The frame with the navigation of a person of `role`, on a page of `here`.
    pub(super) fn at(self, role: Role, here: Place) -> Self {
        let mut places = tabs(self.language, role, here);
        places.retain(|tab| self.has_library || tab.path != Place::Library.path());
        Self { places, ..self }
    }

    /// What the navigation is called.
    pub(super) fn places_name(&self) -> &'static str {
        PlaceWords::of(self.language).places
    }
}

/// The home page of whoever may use the network.
#[derive(Debug, Template)]
#[template(path = "portal/home.html")]
pub(super) struct HomePage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) resident: Resident<'a>,
    pub(super) words: &'static HomeWords,
    pub(super) network: &'static str,
    pub(super) web: Reach,
    /// What to say of a line that does not answer.
    pub(super) line_down: Option<String>,
    /// What the school announces, in its own words; line breaks count.
    pub(super) announcements: Vec<String>,
    /// Whether what depends on the hour is at its stricter side for now.
    pub(super) clock_in_doubt: bool,
    /// Services other than the web, joined by commas.
    pub(super) services: String,
    /// Sites of which the box keeps copies, for people who are signed in.
    pub(super) kept_sites: Vec<String>,
    pub(super) wanted: Option<Wanted>,
}

/// Whether something can be reached at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Yes, but for what rules close.
    Open,
    /// No, but for what rules open.
    Closed,
    /// The line does not answer.
    Away,
}

impl Reach {
    fn is_away(&self) -> bool {
        matches!(self, Self::Away)
    }
}

/// Whose home page it is.
#[derive(Debug)]
pub(super) enum Resident<'a> {
    Person {
        name: &'a str,
        role: &'static str,
        classes: String,
        until: String,
        until_utc: String,
        /// Whether the ENT could not be asked at the sign-in.
        is_offline: bool,
    },
    Machine {
        name: &'a str,
    },
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
