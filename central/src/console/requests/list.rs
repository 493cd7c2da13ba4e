//! The list, and what several schools ask for.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Extension, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};
use preau::model::Uai;
use serde::Deserialize;

use super::{acts, one};
use crate::{
    console::{
        filtering::place_name,
        language::Language,
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        time,
        visit::{Sought, Visit},
        words::RequestWords,
    },
    fleet::{
        requests::{self, AskedFor, Filter, Level, Request, RequestId, Wish},
        schools,
    },
    words::{Place, Right},
};

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    lieu: String,
    etat: String,
    niveau: String,
    uai: String,
    site: String,
    vue: String,
    avant: String,
}

#[derive(Debug, Template)]
#[template(path = "console/requests.html")]
struct RequestsPage<'a> {
    frame: Frame<'a>,
    words: &'static RequestWords,
    asked: &'a Asked,
    /// Where the visitor may answer.
    places: Vec<(String, String)>,
    place: String,
    list_path: String,
    sites_path: String,
    rows: Vec<Row>,
    older: Option<String>,
    sites: Vec<SiteRow>,
    /// What is asked of the one site that is looked at, to be answered in one go.
    together: Vec<SiteRow>,
}

/// A request as a row.
#[derive(Debug)]
struct Row {
    id: i64,
    site: String,
    wish: &'static str,
    school: String,
    class: String,
    askers: u64,
    level: &'static str,
    heard: String,
    state_class: &'static str,
    state: &'static str,
}

/// What is asked of a site as a row.
#[derive(Debug)]
struct SiteRow {
    site: String,
    wish: &'static str,
    wish_word: &'static str,
    schools: u64,
    requests: u64,
    askers: u64,
    first: String,
    path: String,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new()
        .route("/demandes", get(show))
        .route("/demandes/ensemble", post(acts::answer_together))
        .route("/demandes/{id}", get(one::show))
        .route("/demandes/{id}/repondre", post(acts::answer))
        .route("/demandes/{id}/transmettre", post(acts::raise))
}

async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(asked): Sought<Asked>,
) -> Answer {
    visit.has(Right::Answer)?;
    let database = &console.parts.database;
    let (words, language) = (RequestWords::of(visit.language()), visit.language());
    let places = places(&visit);
    let filter = asked.filter(&places)?;
    let place = filter.place.clone().ok_or(Refused::NotGranted(Right::Answer))?;
    visit.may(database, Right::Answer, &place).await?;
    let (mut rows, mut older, mut sites, mut together) = (Vec::new(), None, Vec::new(), Vec::new());
    if asked.vue == "sites" {
        let row = |asked_for| site_row(language, &asked, asked_for);
        sites = requests::by_site(database, &filter).await?.into_iter().map(row).collect();
    } else {
        let found = requests::list(database, &filter).await?;
        let is_full = i64::try_from(found.len()).is_ok_and(|count| count >= requests::PAGE);
        older = found.last().filter(|_| is_full).map(|last| asked.path(&asked.vue, Some(last.id)));
        let names: BTreeMap<Uai, String> =
            schools::all(database).await?.into_iter().map(|school| (school.uai, school.name)).collect();
        rows = found.into_iter().map(|request| row(language, &names, request)).collect();
        if !asked.site.is_empty() {
            let open = Filter { answered: Some(false), before: None, ..filter };
            let row = |asked_for| site_row(language, &asked, asked_for);
            together = requests::by_site(database, &open).await?.into_iter().map(row).collect();
        }
    }
    let page = RequestsPage {
        frame: console.frame(&visit, Some(Here::Requests)),
        words,
        places: places.iter().map(|place| (place.to_string(), place_name(language, place))).collect(),
        place: place.to_string(),
        list_path: asked.path("", None),
        sites_path: asked.path("sites", None),
        rows,
        older,
        sites,
        together,
        asked: &asked,
    };
    Ok(html(StatusCode::OK, &page))
}

impl Asked {
    /// What is asked for, within one of `places`; the widest where none is named.
    fn filter(&self, places: &[Place]) -> Result<Filter, Refused> {
        let text = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_lowercase());
        let place = match (self.uai.trim(), self.lieu.as_str()) {
            ("", "") => places.first().cloned(),
            ("", place) => Some(Place::read(place).ok_or(Refused::NoSuchPage)?),
            (uai, _) => Some(Place::School(Uai::new(uai).ok_or(Refused::NoSuchPage)?)),
        };
        let answered = match self.etat.as_str() {
            "repondues" => Some(true),
            "toutes" => None,
            _ => Some(false),
        };
        let before = self.avant.parse().ok().map(RequestId);
        Ok(Filter { place, answered, level: Level::read(&self.niveau), site: text(&self.site), before })
    }

    fn path(&self, view: &str, before: Option<RequestId>) -> String {
        let Self { lieu, etat, niveau, uai, site, vue: _, avant: _ } = self;
        let before = before.map(|before| before.0.to_string()).unwrap_or_default();
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("lieu", lieu.as_str()),
            ("etat", etat),
            ("niveau", niveau),
            ("uai", uai),
            ("site", site),
            ("vue", view),
            ("avant", &before),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("/demandes?{}", query.finish())
    }
}

/// Where the visitor may answer, the widest first.
fn places(visit: &Visit) -> Vec<Place> {
    let answers = visit.actor().grants.iter().filter(|grant| grant.right == Right::Answer);
    let mut places: Vec<Place> = answers.map(|grant| grant.place.clone()).collect();
    places.sort();
    places.dedup();
    places
}

fn row(language: Language, names: &BTreeMap<Uai, String>, request: Request) -> Row {
    let words = RequestWords::of(language);
    let (state_class, state) = state(words, &request);
    let school = request.school.as_str();
    Row {
        id: request.id.0,
        wish: wish_name(words, request.wish),
        school: names.get(&request.school).map_or(school, String::as_str).to_owned(),
        class: request.passed_on.class,
        askers: request.passed_on.askers,
        level: level_name(words, request.level),
        heard: time::written(language, request.heard),
        site: request.passed_on.site,
        state_class,
        state,
    }
}

fn site_row(language: Language, asked: &Asked, asked_for: AskedFor) -> SiteRow {
    let AskedFor { site, wish, requests, schools, askers, first } = asked_for;
    let path = Asked { site: site.clone(), ..asked.clone() }.path("", None);
    SiteRow {
        site,
        wish: wish_name(RequestWords::of(language), wish),
        wish_word: wish.word(),
        schools,
        requests,
        askers,
        first: time::written(language, first),
        path,
    }
}

/// How a request stands: the class of its badge, and words.
pub(super) fn state(words: &'static RequestWords, request: &Request) -> (&'static str, &'static str) {
    match &request.answer {
        None => ("away", words.waits),
        Some(answer) if answer.granted => ("ok", words.granted),
        Some(_) => ("bad", words.refused),
    }
}

/// What is asked for, in words.
pub(super) fn wish_name(words: &'static RequestWords, wish: Wish) -> &'static str {
    match wish {
        Wish::Open => words.open,
        Wish::Close => words.close,
    }
}

/// Before whom it stands, in words.
pub(super) fn level_name(words: &'static RequestWords, level: Level) -> &'static str {
    match level {
        Level::Head => words.head,
        Level::Dasen => words.dasen,
    }
}
