//! The tree of places, with their versions and open drafts, and the releases under way.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};
use preau::model::Uai;
use serde::Deserialize;

use super::release::{state_class, state_name};
use crate::{
    console::{
        language::Language,
        message::see_other,
        navigation::Here,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        time,
        visit::{Sought, Visit},
        words::{FilteringWords, ReleaseWords},
    },
    database::Database,
    fleet::{
        policy::{self, Draft, Release, Wanted},
        schools,
    },
    words::{Place, Right},
};

/// Releases shown.
const RELEASES_SHOWN: usize = 20;

#[derive(Debug, Template)]
#[template(path = "console/filtering.html")]
struct PlacesPage<'a> {
    frame: Frame<'a>,
    words: &'static FilteringWords,
    release_words: &'static ReleaseWords,
    rows: Vec<Row>,
    releases: Vec<ReleaseRow>,
    may_publish: bool,
}

/// A place as a row.
#[derive(Debug)]
struct Row {
    path: String,
    kind: &'static str,
    name: String,
    version: String,
    settled: String,
    is_behind: bool,
    drafts: Vec<(i64, String)>,
}

/// A release as a row.
#[derive(Debug)]
pub(super) struct ReleaseRow {
    pub(super) id: i64,
    pub(super) class: &'static str,
    pub(super) state: &'static str,
    pub(super) places: String,
    pub(super) by: String,
    pub(super) at: String,
    pub(super) reason: String,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct School {
    #[serde(default)]
    uai: String,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(sought): Sought<School>,
) -> Answer {
    visit.has(Right::See)?;
    if let Some(uai) = Uai::new(&sought.uai.trim().to_uppercase()) {
        return Ok(see_other(&document_path(&Place::School(uai))));
    }
    let (database, language) = (&console.parts.database, visit.language());
    let (versions, drafts) = (policy::places(database).await?, policy::all_drafts(database).await?);
    let wanted = Wanted::read(database).await?;
    let mut places = above_schools(database).await?;
    places.extend(versions.iter().map(|(place, _)| place.clone()));
    places.extend(drafts.iter().map(|draft| draft.place.clone()));
    let mut rows = Vec::new();
    for place in places {
        if visit.may(database, Right::See, &place).await.is_ok() {
            let version = versions.iter().find(|(known, _)| *known == place).map_or(0, |(_, number)| *number);
            rows.push(row(language, &place, (version, wanted.settled(&place)), &drafts));
        }
    }
    let page = PlacesPage {
        frame: console.frame(&visit, Some(Here::Filtering)),
        words: FilteringWords::of(language),
        release_words: ReleaseWords::of(language),
        rows,
        releases: releases(&console, &visit, None).await?,
        may_publish: visit.has(Right::Publish).is_ok(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// The académie, its départements and its groups.
async fn above_schools(database: &Database) -> anyhow::Result<BTreeSet<Place>> {
    let mut places = BTreeSet::from([Place::Academie]);
    places.extend(
        schools::all(database).await?.into_iter().map(|school| Place::Departement(school.departement)),
    );
    places.extend(schools::groups(database).await?.into_iter().map(Place::Group));
    Ok(places)
}

/// The places above schools as fields offer them: as they are written, and in words.
pub(in crate::console) async fn offered(
    database: &Database,
    language: Language,
) -> anyhow::Result<Vec<(String, String)>> {
    let places = above_schools(database).await?;
    Ok(places.iter().map(|place| (place.to_string(), place_name(language, place))).collect())
}

/// The latest releases that the visitor may see; those of `place`, where one is given.
pub(super) async fn releases(
    console: &Console,
    visit: &Visit,
    place: Option<&Place>,
) -> anyhow::Result<Vec<ReleaseRow>> {
    let database = &console.parts.database;
    let mut rows = Vec::new();
    for release in policy::recent_releases(database, None).await? {
        let is_of = |place: &Place| release.places.iter().any(|moved| moved.place == *place);
        if rows.len() >= RELEASES_SHOWN || !place.is_none_or(is_of) {
            continue;
        }
        for moved in &release.places {
            if visit.may(database, Right::See, &moved.place).await.is_ok() {
                rows.push(release_row(visit.language(), &release));
                break;
            }
        }
    }
    Ok(rows)
}

fn release_row(language: Language, release: &Release) -> ReleaseRow {
    let places =
        release.places.iter().map(|moved| format!("{} v{}", place_name(language, &moved.place), moved.after));
    ReleaseRow {
        id: release.id,
        class: state_class(release.state),
        state: state_name(language, release.state),
        places: places.collect::<Vec<_>>().join(", "),
        by: release.author.clone(),
        at: time::written(language, release.at),
        reason: release.reason.clone(),
    }
}

fn row(language: Language, place: &Place, (version, settled): (u64, u64), drafts: &[Draft]) -> Row {
    let (kind, name) = kind_and_name(language, place);
    let number = |number: u64| if number == 0 { String::from("–") } else { number.to_string() };
    let own = drafts.iter().filter(|draft| draft.place == *place);
    Row {
        path: document_path(place),
        kind,
        name,
        version: number(version),
        settled: number(settled),
        is_behind: version != settled,
        drafts: own.map(|draft| (draft.id, draft.author.clone())).collect(),
    }
}

/// The path of the page of a place's document.
pub(in crate::console) fn document_path(place: &Place) -> String {
    format!("/filtrage/document/{place}")
}

/// A place in words, such as `Département 80`.
pub(in crate::console) fn place_name(language: Language, place: &Place) -> String {
    let (kind, name) = kind_and_name(language, place);
    format!("{kind} {name}").trim().to_owned()
}

fn kind_and_name(language: Language, place: &Place) -> (&'static str, String) {
    let words = FilteringWords::of(language);
    match place {
        Place::Academie => (words.academie, String::new()),
        Place::Departement(code) => (words.departement, code.as_str().to_owned()),
        Place::Group(name) => (words.group, name.as_str().to_owned()),
        Place::School(uai) => (words.school, uai.as_str().to_owned()),
    }
}
