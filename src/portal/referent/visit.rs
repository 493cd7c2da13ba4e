//! What a request to the area brings along: who was granted what, the language, the query.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, Query},
    http::{StatusCode, header, request::Parts},
    response::Response,
};
use serde::Deserialize;
use tracing::warn;

use crate::{
    admin::Granted,
    model::{Mac, Moment},
    portal::{
        asked::Asked,
        navigation::Place,
        page::Frame,
        secure::{Secure, home_link, see_other},
        wanted::query_value,
        words::AreaWords,
    },
};

/// What the area reads in the query of its pages.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Inquiry {
    /// What an act just before came to: a word of [`Spot`]'s page.
    pub(super) fait: String,
    /// A hardware address.
    pub(super) machine: String,
    /// The number of a batch of vouchers.
    pub(super) lot: String,
    /// The number of a voucher in its batch.
    pub(super) numero: String,
    /// The number of an announcement.
    pub(super) annonce: String,
    /// The number of a delivery of the directory.
    pub(super) livraison: String,
    /// Anything, where the names of a delivery are wanted.
    pub(super) noms: String,
    /// The identifier behind which the names go on.
    pub(super) apres: String,
    /// What is looked for.
    pub(super) q: String,
}

/// A page of the area, by its tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    Health,
    Machines,
    Codes,
    Announcements,
    Sessions,
    Directory,
    Library,
    Repairs,
    Trail,
}

impl Spot {
    const ALL: [Self; 9] = [
        Self::Health,
        Self::Machines,
        Self::Codes,
        Self::Announcements,
        Self::Sessions,
        Self::Directory,
        Self::Library,
        Self::Repairs,
        Self::Trail,
    ];

    const fn path(self) -> &'static str {
        match self {
            Self::Health => "/referent",
            Self::Machines => "/referent/machines",
            Self::Codes => "/referent/codes",
            Self::Announcements => "/referent/annonces",
            Self::Sessions => "/referent/connexions",
            Self::Directory => "/referent/annuaire",
            Self::Library => "/referent/bibliotheque",
            Self::Repairs => "/referent/interventions",
            Self::Trail => "/referent/historique",
        }
    }

    const fn name(self, words: &AreaWords) -> &'static str {
        match self {
            Self::Health => words.health,
            Self::Machines => words.machines,
            Self::Codes => words.codes,
            Self::Announcements => words.announcements,
            Self::Sessions => words.sessions,
            Self::Directory => words.directory,
            Self::Library => words.library,
            Self::Repairs => words.repairs,
            Self::Trail => words.trail,
        }
    }
}

/// A tab of the area as a page shows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpotTab {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    pub(super) is_here: bool,
}

/// What all pages of the area show.
#[derive(Debug)]
pub(super) struct Area {
    pub(super) words: &'static AreaWords,
    pub(super) tabs: Vec<SpotTab>,
    /// What an act just before came to.
    pub(super) done: Option<&'static str>,
}

/// A request of somebody who may make it.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) secure: Arc<Secure>,
    pub(super) granted: Granted,
    pub(super) asked: Asked,
    pub(super) inquiry: Inquiry,
    pub(super) now: Moment,
    /// The path and query, to come back to in the other language.
    here: String,
}

impl FromRequestParts<Arc<Secure>> for Visit {
    type Rejection = Response;

    /// Closed: without a grant, which only the door gives, no page of the area runs.
    async fn from_request_parts(parts: &mut Parts, secure: &Arc<Secure>) -> Result<Self, Response> {
        let Ok(asked) = Asked::from_request_parts(parts, secure).await;
        let words = AreaWords::of(asked.language);
        let Some(granted) = parts.extensions.get::<Granted>().cloned() else {
            let (title, text) = (words.not_allowed, words.not_allowed_text);
            return Err(secure.notice(&asked, StatusCode::FORBIDDEN, title, text, None));
        };
        let inquiry = Query::try_from_uri(&parts.uri).map(|Query(inquiry)| inquiry).unwrap_or_default();
        let (secure, now) = (secure.clone(), secure.clock.now());
        let here = here(parts.uri.path(), &inquiry);
        Ok(Self { secure, granted, asked, inquiry, now, here })
    }
}

/// The address of a page without its language and without what an act came to.
fn here(path: &str, inquiry: &Inquiry) -> String {
    let Inquiry { fait: _, machine, lot, numero, annonce, livraison, noms, apres, q } = inquiry;
    let fields = [
        ("machine", machine),
        ("lot", lot),
        ("numero", numero),
        ("annonce", annonce),
        ("livraison", livraison),
        ("noms", noms),
        ("apres", apres),
        ("q", q),
    ];
    fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .fold(format!("{path}?"), |url, (name, value)| format!("{url}{name}={}&", query_value(value)))
}

impl Visit {
    /// The frame of a page, and what all pages of the area show; `done` is what an act just before came to.
    pub(super) fn area(&self, spot: Spot, done: Option<&'static str>) -> (Frame<'_>, Area) {
        let language = self.asked.language;
        let switch = format!("{}lang={}", self.here, language.other().tag());
        let frame =
            self.secure.house.frame(language, switch).at(self.granted.account().role, Place::Referent);
        let words = AreaWords::of(language);
        let tab = |one: Spot| SpotTab { path: one.path(), name: one.name(words), is_here: one == spot };
        (frame, Area { words, tabs: Spot::ALL.map(tab).to_vec(), done })
    }

    /// The hardware address in the query.
    pub(super) fn machine(&self) -> Option<Mac> {
        self.inquiry.machine.parse().ok()
    }

    /// That what the page is about is not there any more.
    pub(super) fn gone(&self) -> Response {
        let words = AreaWords::of(self.asked.language);
        let link = Some(home_link(self.asked.language.words()));
        let title = self.asked.language.words().no_such_page;
        self.secure.notice(&self.asked, StatusCode::NOT_FOUND, title, words.gone, link)
    }

    /// That a form could not be read.
    pub(super) fn unread(&self) -> Response {
        let words = self.asked.language.words();
        let link = Some(home_link(words));
        let (title, text) = (words.bad_request, words.form_unread);
        self.secure.notice(&self.asked, StatusCode::BAD_REQUEST, title, text, link)
    }

    /// That the disk refused; the log is told why.
    pub(super) fn not_done(&self, cause: &anyhow::Error) -> Response {
        warn!(cause = format!("{cause:#}"), "an act of administration cannot be done");
        let words = AreaWords::of(self.asked.language);
        let status = StatusCode::SERVICE_UNAVAILABLE;
        self.secure.notice(&self.asked, status, words.not_done, words.not_done_text, None)
    }
}

/// Leads to the page at `path`, which says that the act `done` was done.
pub(super) fn done(path: &str, done: &str) -> Response {
    let joint = if path.contains('?') { '&' } else { '?' };
    see_other(&format!("{path}{joint}fait={done}"))
}

/// A file of the area that changes its address when it changes.
pub(super) fn kept(media_type: &'static str, text: &'static str) -> impl axum::response::IntoResponse {
    let kept = "public, max-age=31536000, immutable";
    ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, kept)], text)
}
