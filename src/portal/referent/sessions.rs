//! Who is signed in where, and signing somebody out.

use askama::Template;
use axum::{
    extract::{Form, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::visit::{Area, Spot, Visit, done};
use crate::{
    identity::SessionView,
    model::{Assurance, ClassName, Mac},
    portal::{
        page::{Frame, written},
        secure::html,
        time_of_day,
        words::SessionWords,
    },
};

/// Sessions that one page shows; who looks for somebody searches.
const SHOWN_MAX: usize = 200;

/// The sessions in force.
#[derive(Template)]
#[template(path = "portal/referent/sessions.html")]
struct SessionsPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static SessionWords,
    sought: &'a str,
    rows: Vec<Row>,
    /// Whether some fit that are not shown.
    more: bool,
}

/// A session as it is listed.
struct Row {
    machine: Mac,
    name: String,
    role: &'static str,
    classes: String,
    place: String,
    since: String,
    until: String,
    how: &'static str,
    is_offline: bool,
}

/// The question before somebody is signed out.
#[derive(Template)]
#[template(path = "portal/referent/session_end.html")]
struct EndPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static SessionWords,
    row: Row,
}

/// Who is to be signed out, as it arrives.
#[derive(Deserialize)]
pub(super) struct ToEnd {
    machine: String,
    #[serde(default)]
    partout: String,
}

pub(super) async fn page(visit: Visit) -> Response {
    let words = SessionWords::of(visit.asked.language);
    let told = match visit.inquiry.fait.as_str() {
        "machine" => Some(words.done_ended),
        "partout" => Some(words.done_everywhere),
        _ => None,
    };
    let mut sessions = visit.secure.identity.sessions_now();
    sessions.sort_by(|one, other| {
        (&one.account.display_name, one.machine).cmp(&(&other.account.display_name, other.machine))
    });
    let sought = visit.inquiry.q.trim();
    let mut rows: Vec<_> =
        sessions.iter().map(|session| row(&visit, session)).filter(|row| row.fits(sought)).collect();
    let more = rows.len() > SHOWN_MAX;
    rows.truncate(SHOWN_MAX);
    let (frame, area) = visit.area(Spot::Sessions, told);
    html(StatusCode::OK, written(&SessionsPage { frame, area, words, sought, rows, more }))
}

pub(super) async fn end_page(visit: Visit) -> Response {
    let sessions = visit.secure.identity.sessions_now();
    let wanted = visit.machine();
    let Some(session) = sessions.iter().find(|session| Some(session.machine) == wanted) else {
        return visit.gone();
    };
    let row = row(&visit, session);
    let (frame, area) = visit.area(Spot::Sessions, None);
    let words = SessionWords::of(visit.asked.language);
    html(StatusCode::OK, written(&EndPage { frame, area, words, row }))
}

pub(super) async fn end(visit: Visit, form: Result<Form<ToEnd>, FormRejection>) -> Response {
    let Ok(Form(ToEnd { machine, partout })) = form else { return visit.unread() };
    let Ok(machine) = machine.parse::<Mac>() else { return visit.unread() };
    let sessions = visit.secure.identity.sessions_now();
    let Some(session) = sessions.iter().find(|session| session.machine == machine) else {
        return visit.gone();
    };
    let everywhere = !partout.is_empty();
    let account = &session.account;
    let on = (!everywhere).then_some(machine);
    let announced = visit.secure.acts.trail.announce_sign_out(&visit.granted, account, on, visit.now).await;
    if let Err(cause) = announced {
        return visit.not_done(&cause);
    }
    if everywhere {
        visit.secure.sign_in.sign_out_everywhere(&account.id).await;
        return done("/referent/connexions", "partout");
    }
    visit.secure.sign_in.end(machine).await;
    done("/referent/connexions", "machine")
}

fn row(visit: &Visit, session: &SessionView) -> Row {
    let language = visit.asked.language;
    let SessionView { account, machine, zone, assurance, since, until, addresses: _ } = session;
    let zone_kind = visit.secure.zones.iter().find(|known| known.name == *zone).map(|zone| zone.kind);
    let place = match visit.secure.identity.device(*machine) {
        Some(device) => match &device.room {
            Some(room) => format!("{}, {}", device.name, room.as_str()),
            None => device.name.clone(),
        },
        None => zone_kind.map_or_else(|| zone.to_string(), |kind| language.zone(kind).to_owned()),
    };
    let classes: Vec<_> = account.classes.iter().map(ClassName::as_str).collect();
    Row {
        machine: *machine,
        name: account.display_name.clone(),
        role: language.role(account.role),
        classes: classes.join(", "),
        place,
        since: time_of_day::told_shortly(language, *since, visit.now),
        until: time_of_day::told_shortly(language, *until, visit.now),
        how: language.assurance(*assurance),
        is_offline: *assurance == Assurance::Offline,
    }
}

impl Row {
    /// Whether each word of `sought` is somewhere in what the row shows of person and place.
    fn fits(&self, sought: &str) -> bool {
        let shown = format!("{} {} {} {} {}", self.name, self.role, self.classes, self.place, self.machine);
        let shown = shown.to_lowercase();
        sought.to_lowercase().split_whitespace().all(|word| shown.contains(word))
    }
}
