//! How the library stands: what is here and what is coming, how often it is used, and what the school does not want.

use askama::Template;
use axum::{
    extract::{Form, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::visit::{Area, Spot, Visit, done};
use crate::{
    admin::LibraryAct,
    library::{Entry, NoRoom, State, Use},
    portal::{
        language::Language,
        library::{percent, size},
        page::{Frame, written},
        secure::html,
        words::LibraryWords,
    },
};

/// The library as the referent sees it.
#[derive(Template)]
#[template(path = "portal/referent/library.html")]
struct LibraryPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static LibraryWords,
    /// What it takes and may take.
    room: (String, String),
    is_paused: bool,
    rows: Vec<Row>,
}

/// A package as it is listed.
struct Row {
    id: String,
    title: String,
    size: String,
    state: String,
    percent: Option<u64>,
    week: u64,
    all: u64,
    is_unwanted: bool,
}

/// What is to be done, as it arrives.
#[derive(Deserialize)]
pub(super) struct ToDo {
    acte: String,
    #[serde(default)]
    paquet: String,
}

pub(super) async fn page(visit: Visit) -> Response {
    let language = visit.asked.language;
    let words = LibraryWords::of(language);
    let told = match visit.inquiry.fait.as_str() {
        "suspendre" => Some(words.done_paused),
        "reprendre" => Some(words.done_resumed),
        "retirer" => Some(words.done_removed),
        "remettre" => Some(words.done_wanted),
        _ => None,
    };
    let Some(library) = &visit.secure.library else { return visit.gone() };
    let uses = library.uses();
    let rows = library.entries().iter().map(|entry| row(language, entry, &uses)).collect();
    let (taken, quota) = library.room();
    let room = (size(language, taken), size(language, quota));
    let is_paused = library.is_paused();
    let (frame, area) = visit.area(Spot::Library, told);
    html(StatusCode::OK, written(&LibraryPage { frame, area, words, room, is_paused, rows }))
}

pub(super) async fn act(visit: Visit, form: Result<Form<ToDo>, FormRejection>) -> Response {
    let Ok(Form(ToDo { acte, paquet })) = form else { return visit.unread() };
    let Some(library) = &visit.secure.library else { return visit.gone() };
    let entries = library.entries();
    let title =
        entries.iter().find(|entry| entry.package.id == paquet).map(|entry| entry.package.title.as_str());
    let act = match (acte.as_str(), title) {
        ("suspendre", _) => LibraryAct::Pause,
        ("reprendre", _) => LibraryAct::Resume,
        ("retirer", Some(title)) => LibraryAct::Remove(title),
        ("remettre", Some(title)) => LibraryAct::Want(title),
        ("retirer" | "remettre", None) => return visit.gone(),
        _ => return visit.unread(),
    };
    if let Err(cause) = visit.secure.acts.trail.announce_library(&visit.granted, act, visit.now).await {
        return visit.not_done(&cause);
    }
    let wished = match act {
        LibraryAct::Pause => library.pause(true).await,
        LibraryAct::Resume => library.pause(false).await,
        LibraryAct::Remove(_) => library.want(&paquet, false).await,
        LibraryAct::Want(_) => library.want(&paquet, true).await,
    };
    match wished {
        Ok(()) => done("/referent/bibliotheque", &acte),
        Err(cause) => visit.not_done(&cause),
    }
}

fn row(language: Language, entry: &Entry, uses: &[Use]) -> Row {
    let words = LibraryWords::of(language);
    let Entry { package, is_here, state } = entry;
    let (told, here) = match state {
        State::Whole => (words.whole.to_owned(), None),
        State::Waiting => (words.waiting.to_owned(), None),
        State::Coming(bytes) => {
            let percent = percent(*bytes, package.bytes);
            (format!("{} {percent} %", words.coming), Some(percent))
        }
        State::Paused => (words.paused.to_owned(), None),
        State::Unwanted => (words.unwanted.to_owned(), None),
        State::NoRoom(NoRoom::Quota { wanted_bytes }) => {
            (format!("{} ({})", words.no_quota, size(language, *wanted_bytes)), None)
        }
        State::NoRoom(NoRoom::Disk) => (words.no_disk.to_owned(), None),
        State::Failed => (words.failed.to_owned(), None),
    };
    let is_old = *is_here && !matches!(state, State::Whole | State::Unwanted);
    let used = uses.iter().find(|used| used.id == package.id);
    Row {
        id: package.id.clone(),
        title: package.title.clone(),
        size: size(language, package.bytes),
        state: if is_old { format!("{told}, {}", words.old_here) } else { told },
        percent: here,
        week: used.map_or(0, |used| used.week),
        all: used.map_or(0, |used| used.all),
        is_unwanted: *state == State::Unwanted,
    }
}
