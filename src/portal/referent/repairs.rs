//! What technicians of the académie do at the box: who, why, until when, what was done; and the button that ends it.

use askama::Template;
use axum::{
    extract::{Form, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::visit::{Area, Spot, Visit, done};
use crate::{
    admin::{NotDone, RepairDone, RepairSession},
    portal::{
        page::{Frame, written},
        secure::html,
        time_of_day,
        words::{RepairWords, repair_act, repair_end},
    },
};

/// The sessions, the one that is open first.
#[derive(Template)]
#[template(path = "portal/referent/repairs.html")]
struct RepairsPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static RepairWords,
    open: Option<Told>,
    past: Vec<Told>,
}

/// One session in words.
struct Told {
    session: u64,
    by: String,
    reason: String,
    opened: String,
    /// Until when, or when it ended and why.
    until: String,
    acts: Vec<ToldAct>,
}

/// One act in words.
struct ToldAct {
    at: String,
    act: &'static str,
    state: &'static str,
    class: &'static str,
}

/// What is to be ended, as it arrives.
#[derive(Deserialize)]
pub(super) struct ToEnd {
    intervention: u64,
}

pub(super) async fn page(visit: Visit) -> Response {
    let words = RepairWords::of(visit.asked.language);
    let told_done = (visit.inquiry.fait == "terminee").then_some(words.done_ended);
    let sessions = match visit.secure.acts.repairs.sessions().await {
        Ok(sessions) => sessions,
        Err(cause) => return visit.not_done(&cause),
    };
    let open_now = visit.secure.acts.repairs.open_now();
    let is_open = |session: &RepairSession| open_now == Some(session.session);
    let (open, past): (Vec<_>, Vec<_>) = sessions.into_iter().partition(is_open);
    let open = open.first().map(|session| told(&visit, session));
    let past = past.iter().map(|session| told(&visit, session)).collect();
    let (frame, area) = visit.area(Spot::Repairs, told_done);
    html(StatusCode::OK, written(&RepairsPage { frame, area, words, open, past }))
}

pub(super) async fn end(visit: Visit, form: Result<Form<ToEnd>, FormRejection>) -> Response {
    let Ok(Form(ToEnd { intervention })) = form else { return visit.unread() };
    match visit.secure.acts.repairs.end_by_school(&visit.granted, intervention, visit.now).await {
        Ok(()) => done("/referent/interventions", "terminee"),
        Err(NotDone::Disk(cause)) => visit.not_done(&cause),
        Err(_) => visit.gone(),
    }
}

fn told(visit: &Visit, session: &RepairSession) -> Told {
    let language = visit.asked.language;
    let words = RepairWords::of(language);
    let moment = |moment| time_of_day::told(language, moment, visit.now);
    let act = |done: &RepairDone| {
        let (state, class) = match done.well {
            Some(true) => (words.well, "open"),
            Some(false) => (words.failed, "closed"),
            None => (words.no_outcome, "waiting"),
        };
        ToldAct { at: moment(done.at), act: repair_act(language, done.act), state, class }
    };
    Told {
        session: session.session,
        by: session.by.clone(),
        reason: session.reason.clone(),
        opened: moment(session.opened),
        until: match session.ended {
            None => moment(session.ends),
            Some((at, why)) => format!("{}, {}", moment(at), repair_end(language, why)),
        },
        acts: session.acts.iter().map(act).collect(),
    }
}
