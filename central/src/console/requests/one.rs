//! One request: what is asked, by how many, and what was answered.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use preau::model::{Moment, Uai};

use super::list::{level_name, state, wish_name};
use crate::{
    console::{
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        time,
        visit::Visit,
        words::RequestWords,
    },
    fleet::{
        requests::{self, Filter, Level, Request, RequestId},
        schools,
    },
    words::{Granted, Place, Right},
};

#[derive(Debug, Template)]
#[template(path = "console/request.html")]
struct RequestPage<'a> {
    frame: Frame<'a>,
    words: &'static RequestWords,
    request: &'a Request,
    school: String,
    wish: &'static str,
    level: &'static str,
    state_class: &'static str,
    state: &'static str,
    passed: String,
    heard: String,
    answered: String,
    /// How many other schools ask for the same, where the visitor may answer.
    others: u64,
    others_path: String,
    may_answer: bool,
    may_raise: bool,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
) -> Answer {
    let (request, granted) = found(&console, &visit, id).await?;
    let (database, language) = (&console.parts.database, visit.language());
    let words = RequestWords::of(language);
    let (state_class, state) = state(words, &request);
    let site = Some(request.passed_on.site.clone());
    let place = granted.place().clone();
    let filter = Filter { place: Some(place.clone()), answered: Some(false), site, ..Filter::default() };
    let together = requests::by_site(database, &filter).await?;
    let same = together.iter().find(|asked_for| asked_for.wish == request.wish);
    let own = u64::from(request.answer.is_none());
    let school = schools::find(database, &request.school).await?;
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("lieu", &place.to_string()).append_pair("site", &request.passed_on.site);
    let is_open = request.answer.is_none();
    let page = RequestPage {
        frame: console.frame(&visit, Some(Here::Requests)),
        words,
        school: school.map_or_else(|| request.school.as_str().to_owned(), |school| school.name),
        wish: wish_name(words, request.wish),
        level: level_name(words, request.level),
        state_class,
        state,
        passed: time::written(language, Moment::from_unix_seconds(request.passed_on.at)),
        heard: time::written(language, request.heard),
        answered: request
            .answer
            .as_ref()
            .map(|answer| time::written(language, answer.at))
            .unwrap_or_default(),
        others: same.map_or(0, |same| same.schools.saturating_sub(own)),
        others_path: format!("/demandes?{}", query.finish()),
        may_answer: is_open && stands_before(&granted, &request),
        may_raise: is_open && request.level == Level::Head,
        request: &request,
    };
    Ok(html(StatusCode::OK, &page))
}

/// The request of that number, with the widest right to answer that the visitor has over its school.
pub(super) async fn found(console: &Console, visit: &Visit, id: i64) -> Result<(Request, Granted), Refused> {
    visit.has(Right::Answer)?;
    let found = requests::find(&console.parts.database, RequestId(id)).await?;
    let request = found.ok_or(Refused::NoSuchPage)?;
    let granted = widest(console, visit, &request.school).await?;
    Ok((request, granted))
}

/// Whether a request stands before whoever has `granted`.
pub(super) fn stands_before(granted: &Granted, request: &Request) -> bool {
    request.level == Level::Head || !matches!(granted.place(), Place::School(_))
}

async fn widest(console: &Console, visit: &Visit, school: &Uai) -> Result<Granted, Refused> {
    let database = &console.parts.database;
    // The widest place comes first.
    for place in schools::above(database, school).await? {
        if let Ok(granted) = visit.may(database, Right::Answer, &place).await {
            return Ok(granted);
        }
    }
    Err(Refused::NotGranted(Right::Answer))
}
