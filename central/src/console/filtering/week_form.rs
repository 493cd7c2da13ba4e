//! The form of one timetable.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};

use super::{
    draft::change,
    fields::{self, Fields, Sent, draft_path},
    rule_form::Which,
    told::field_name,
};
use crate::{
    console::{
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        visit::{Sought, Visit},
        words::FilteringWords,
    },
    fleet::policy::{Edit, Week},
    words::Right,
};

#[derive(Debug, Template)]
#[template(path = "console/filtering_week.html")]
struct WeekPage<'a> {
    frame: Frame<'a>,
    words: &'static FilteringWords,
    back: String,
    revision: u64,
    /// The timetable's name before; empty for a new one.
    before: &'a str,
    name: &'a str,
    /// The word of a day in forms, its name, its slots.
    days: Vec<(&'static str, &'static str, String)>,
    error: Option<String>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    Sought(which): Sought<Which>,
) -> Answer {
    let (draft, _) = fields::draft(&console, &visit, Right::Write, id).await?;
    let week = match which.id.as_str() {
        "" => Week::default(),
        name => draft.document.timetables.get(name).cloned().ok_or(Refused::NoSuchPage)?,
    };
    Ok(page(&console, &visit, (id, draft.revision), (&which.id, &which.id, &week), None))
}

pub(super) async fn take(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Sent,
) -> Answer {
    fields::draft(&console, &visit, Right::Write, id).await?;
    let Form(form) = form?;
    let (before, name, week) = (form.one("avant"), form.one("nom"), week_of(&form));
    let mut edits = Vec::new();
    if !before.is_empty() && before != name {
        edits.push(Edit::RenameTimetable(before.to_owned(), name.to_owned()));
    }
    edits.push(Edit::PutTimetable(name.to_owned(), week.clone()));
    match change(&console, &visit, id, &form, &edits).await? {
        Ok(done) => Ok(done),
        Err(error) => {
            let revision = form.number("revision")?;
            Ok(page(&console, &visit, (id, revision), (before, name, &week), Some(error)))
        }
    }
}

fn week_of(form: &Fields) -> Week {
    Week {
        monday: form.words("monday"),
        tuesday: form.words("tuesday"),
        wednesday: form.words("wednesday"),
        thursday: form.words("thursday"),
        friday: form.words("friday"),
        saturday: form.words("saturday"),
        sunday: form.words("sunday"),
    }
}

fn page(
    console: &Console,
    visit: &Visit,
    (id, revision): (i64, u64),
    (before, name, week): (&str, &str, &Week),
    error: Option<String>,
) -> Response {
    let language = visit.language();
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let days = week.days().map(|(day, slots)| (day, field_name(language, day), slots.join(", ")));
    let page = WeekPage {
        frame: console.frame(visit, Some(Here::Filtering)),
        words: FilteringWords::of(language),
        back: draft_path(id),
        revision,
        before,
        name,
        days: days.into_iter().collect(),
        error,
    };
    html(status, &page)
}
