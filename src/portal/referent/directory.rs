//! The directory: who is in force, which deliveries wait, and which records could not be taken.

use askama::Template;
use axum::{
    extract::{Form, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;
use tracing::warn;

use super::visit::{Area, Spot, Visit, done};
use crate::{
    identity::register::{FeedState, FeedView, Quarantined, Standing},
    portal::{
        page::{Frame, written},
        secure::html,
        time_of_day,
        words::DirectoryWords,
    },
};

/// Records that the directory gives at once: with as many there may be more.
const QUARANTINED_SHOWN: usize = 1000;

/// What is in force, and what waits.
#[derive(Template)]
#[template(path = "portal/referent/directory.html")]
struct DirectoryPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static DirectoryWords,
    standing: &'a Standing,
    last: Option<Shown>,
    calendar: String,
    waiting: Vec<Shown>,
}

/// The records that could not be taken.
#[derive(Template)]
#[template(path = "portal/referent/quarantine.html")]
struct QuarantinePage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static DirectoryWords,
    records: Vec<Quarantined>,
    /// Whether there may be some that are not shown.
    more: bool,
}

/// A delivery as pages show it.
pub(super) struct Shown {
    pub(super) number: i64,
    pub(super) name: String,
    pub(super) made: Option<String>,
    pub(super) files: String,
    pub(super) arrived: String,
    /// When it takes effect, or did.
    pub(super) effect: String,
    pub(super) held: Option<String>,
    pub(super) is_released: bool,
}

/// Which refused record is dismissed, as it arrives.
#[derive(Deserialize)]
pub(super) struct ToDismiss {
    fiche: i64,
}

pub(super) async fn page(visit: Visit) -> Response {
    let words = DirectoryWords::of(visit.asked.language);
    let told = match visit.inquiry.fait.as_str() {
        "acceptee" => Some(words.done_released),
        "datee" => Some(words.done_postponed),
        "abandonnee" => Some(words.done_dropped),
        _ => None,
    };
    let standing = match visit.secure.acts.feeds.standing(&visit.granted).await {
        Ok(standing) => standing,
        Err(cause) => return unreadable(&visit, &cause),
    };
    let (frame, area) = visit.area(Spot::Directory, told);
    let page = DirectoryPage {
        frame,
        area,
        words,
        last: standing.last.as_ref().map(|feed| shown(&visit, feed)),
        calendar: calendar(&visit),
        waiting: standing.waiting.iter().map(|feed| shown(&visit, feed)).collect(),
        standing: &standing,
    };
    html(StatusCode::OK, written(&page))
}

/// How far the school calendar reaches.
fn calendar(visit: &Visit) -> String {
    let (language, terms) = (visit.asked.language, visit.secure.acts.feeds.terms());
    let words = DirectoryWords::of(language);
    let Some(zone) = &terms.zone else { return words.calendar_none.to_owned() };
    match terms.calendar.ends_on(zone) {
        Some(end) => language.calendar_until(zone.word(), &time_of_day::told_date(language, end)),
        None => words.calendar_unknown.to_owned(),
    }
}

/// A delivery as pages show it.
pub(super) fn shown(visit: &Visit, feed: &FeedView) -> Shown {
    let FeedView { number, format, extent, made, files, staged, due, held, is_released, state } = feed;
    let language = visit.asked.language;
    let at_once = DirectoryWords::of(language).at_once;
    Shown {
        number: *number,
        name: language.feed(*format, *extent),
        made: made.map(|made| time_of_day::told_date(language, made)),
        files: files.clone(),
        arrived: time_of_day::told(language, *staged, visit.now),
        effect: match (state, due) {
            (FeedState::TookEffect(at) | FeedState::Overtaken(at), _) => {
                time_of_day::told(language, *at, visit.now)
            }
            (FeedState::Waiting, Some(due)) => time_of_day::told_date(language, *due),
            (FeedState::Waiting, None) => at_once.to_owned(),
        },
        held: held.map(|why| language.held(why)),
        is_released: *is_released,
    }
}

/// That the directory cannot be read; the log is told why.
pub(super) fn unreadable(visit: &Visit, cause: &anyhow::Error) -> Response {
    warn!(cause = format!("{cause:#}"), "the directory cannot be read");
    let words = DirectoryWords::of(visit.asked.language);
    let status = StatusCode::SERVICE_UNAVAILABLE;
    visit.secure.notice(&visit.asked, status, words.title, words.unreadable, None)
}

pub(super) async fn quarantine_page(visit: Visit) -> Response {
    let words = DirectoryWords::of(visit.asked.language);
    let told = (visit.inquiry.fait == "classee").then_some(words.done_dismissed);
    let records = match visit.secure.acts.feeds.quarantine(&visit.granted).await {
        Ok(records) => records,
        Err(cause) => return unreadable(&visit, &cause),
    };
    let more = records.len() >= QUARANTINED_SHOWN;
    let (frame, area) = visit.area(Spot::Directory, told);
    html(StatusCode::OK, written(&QuarantinePage { frame, area, words, records, more }))
}

pub(super) async fn dismiss(visit: Visit, form: Result<Form<ToDismiss>, FormRejection>) -> Response {
    let Ok(Form(ToDismiss { fiche })) = form else { return visit.unread() };
    match visit.secure.acts.feeds.dismiss(&visit.granted, fiche).await {
        Ok(true) => done("/referent/annuaire/refus", "classee"),
        Ok(false) => visit.gone(),
        Err(cause) => visit.not_done(&cause),
    }
}
