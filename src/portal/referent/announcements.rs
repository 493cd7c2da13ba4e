//! Announcements: written, seen by whom and until when, removed.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{Form, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    field::{Field, told},
    time_field,
    visit::{Area, Spot, Visit, done},
};
use crate::{
    admin::{Announced, Announcement, AnnouncementRefusal, Paragraph},
    model::{Moment, Role},
    portal::{
        page::{Frame, written},
        secure::html,
        time_of_day,
        words::{AnnouncementWords, AreaWords},
    },
};

/// How long an announcement runs unless somebody says otherwise.
const USUAL: Duration = Duration::from_secs(24 * 3600);

/// What runs or will run.
#[derive(Template)]
#[template(path = "portal/referent/announcements.html")]
struct AnnouncementsPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static AnnouncementWords,
    standing: Vec<Shown>,
}

/// An announcement as it is listed.
struct Shown {
    number: i64,
    words: String,
    runs: bool,
    from: String,
    until: String,
    whom: String,
}

/// The form that writes one.
#[derive(Template)]
#[template(path = "portal/referent/announcement_form.html")]
struct AnnouncementForm<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static AnnouncementWords,
    text: Field,
    from: Field,
    until: Field,
    /// Each role with what it is called and whether it is ticked.
    roles: Vec<(Role, &'static str, bool)>,
    refusal: Option<&'static str>,
}

/// The question before one is removed.
#[derive(Template)]
#[template(path = "portal/referent/announcement_remove.html")]
struct RemovePage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static AnnouncementWords,
    one: Shown,
}

/// An announcement as it arrives.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    texte: String,
    debut: String,
    fin: String,
    eleve: Option<String>,
    enseignant: Option<String>,
    administratif: Option<String>,
    referent: Option<String>,
    invite: Option<String>,
}

/// Which one is to be removed, as it arrives.
#[derive(Deserialize)]
pub(super) struct ToRemove {
    annonce: i64,
}

pub(super) async fn page(visit: Visit) -> Response {
    let words = AnnouncementWords::of(visit.asked.language);
    let told = match visit.inquiry.fait.as_str() {
        "publiee" => Some(words.done_announced),
        "retiree" => Some(words.done_removed),
        _ => None,
    };
    let standing = visit.secure.acts.announcements.standing(visit.now);
    let standing = standing.into_iter().map(|one| shown(&visit, one)).collect();
    let (frame, area) = visit.area(Spot::Announcements, told);
    html(StatusCode::OK, written(&AnnouncementsPage { frame, area, words, standing }))
}

fn shown(visit: &Visit, announcement: Announcement) -> Shown {
    let Announcement { number, words, from, until, roles } = announcement;
    let language = visit.asked.language;
    let told = |moment: Moment| time_of_day::told(language, moment, visit.now);
    let roles: Vec<_> = roles.into_iter().map(|role| language.role(role)).collect();
    let whom = if roles.is_empty() {
        AnnouncementWords::of(language).everybody.to_owned()
    } else {
        roles.join(", ")
    };
    Shown { number, words, runs: from <= visit.now, from: told(from), until: told(until), whom }
}

pub(super) async fn new_page(visit: Visit) -> Response {
    let fin = time_field::written(visit.now + USUAL);
    form(&visit, &Typed { fin, ..Typed::default() }, StatusCode::OK, Problems::default())
}

pub(super) async fn announce(visit: Visit, form_sent: Result<Form<Typed>, FormRejection>) -> Response {
    let Ok(Form(typed)) = form_sent else { return visit.unread() };
    let announced = match read(&visit, &typed) {
        Ok(announced) => announced,
        Err(problems) => return form(&visit, &typed, StatusCode::UNPROCESSABLE_ENTITY, problems),
    };
    match visit.secure.acts.announcements.announce(&visit.granted, announced, visit.now).await {
        Ok(Ok(())) => done("/referent/annonces", "publiee"),
        Ok(Err(refusal)) => {
            let told = visit.asked.language.announcement_refusal(refusal);
            let problems = match refusal {
                AnnouncementRefusal::EndsTooEarly => Problems { until: Some(told), ..Problems::default() },
                AnnouncementRefusal::TooMany | AnnouncementRefusal::Unknown => {
                    Problems { refusal: Some(told), ..Problems::default() }
                }
            };
            form(&visit, &typed, StatusCode::CONFLICT, problems)
        }
        Err(cause) => visit.not_done(&cause),
    }
}

pub(super) async fn remove_page(visit: Visit) -> Response {
    let number: Option<i64> = visit.inquiry.annonce.parse().ok();
    let standing = visit.secure.acts.announcements.standing(visit.now);
    let Some(one) = standing.into_iter().find(|one| Some(one.number) == number) else { return visit.gone() };
    let one = shown(&visit, one);
    let (frame, area) = visit.area(Spot::Announcements, None);
    let words = AnnouncementWords::of(visit.asked.language);
    html(StatusCode::OK, written(&RemovePage { frame, area, words, one }))
}

pub(super) async fn remove(visit: Visit, form: Result<Form<ToRemove>, FormRejection>) -> Response {
    let Ok(Form(ToRemove { annonce })) = form else { return visit.unread() };
    match visit.secure.acts.announcements.remove(&visit.granted, annonce, visit.now).await {
        Ok(Ok(())) => done("/referent/annonces", "retiree"),
        Ok(Err(_)) => visit.gone(),
        Err(cause) => visit.not_done(&cause),
    }
}

/// What is wrong with each field, if anything is.
#[derive(Default)]
struct Problems {
    text: Option<&'static str>,
    from: Option<&'static str>,
    until: Option<&'static str>,
    refusal: Option<&'static str>,
}

fn read(visit: &Visit, typed: &Typed) -> Result<Announced, Problems> {
    let words = AreaWords::of(visit.asked.language);
    let mut problems = Problems::default();
    let text = Paragraph::read(&typed.texte).map_err(|refusal| {
        problems.text = Some(told(visit.asked.language, refusal));
    });
    let from = if typed.debut.trim().is_empty() { Some(visit.now) } else { time_field::read(&typed.debut) };
    let until = time_field::read(&typed.fin);
    problems.from = from.is_none().then_some(words.not_a_time);
    problems.until = until.is_none().then_some(words.not_a_time);
    let roles = Role::ALL.into_iter().filter(|role| typed.is_ticked(*role)).collect();
    match (text, from, until) {
        (Ok(words), Some(from), Some(until)) => Ok(Announced { words, from, until, roles }),
        _ => Err(problems),
    }
}

impl Typed {
    const fn is_ticked(&self, role: Role) -> bool {
        let tick = match role {
            Role::Eleve => &self.eleve,
            Role::Enseignant => &self.enseignant,
            Role::Administratif => &self.administratif,
            Role::Referent => &self.referent,
            Role::Invite => &self.invite,
        };
        tick.is_some()
    }
}

fn form(visit: &Visit, typed: &Typed, status: StatusCode, problems: Problems) -> Response {
    let language = visit.asked.language;
    let field = |value: &str, error: Option<&'static str>| Field {
        value: value.to_owned(),
        error: error.map(str::to_owned),
    };
    let (frame, area) = visit.area(Spot::Announcements, None);
    let page = AnnouncementForm {
        frame,
        area,
        words: AnnouncementWords::of(language),
        text: field(&typed.texte, problems.text),
        from: field(&typed.debut, problems.from),
        until: field(&typed.fin, problems.until),
        roles: Role::ALL.map(|role| (role, language.role(role), typed.is_ticked(role))).to_vec(),
        refusal: problems.refusal,
    };
    html(status, written(&page))
}
