//! What a place has decided: one version, what it changed, and those before it.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::{StatusCode, header},
    response::IntoResponse as _,
};
use serde::Deserialize;

use super::{
    draft::Editing,
    places::{ReleaseRow, place_name, releases},
    told::{ChangeRow, Told, changes},
};
use crate::{
    console::{
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        time,
        visit::{Sought, Visit},
        words::{FilteringWords, ReleaseWords},
    },
    fleet::policy::{self, Version, Wanted},
    words::{Place, Right},
};

#[derive(Debug, Template)]
#[template(path = "console/filtering_document.html")]
struct DocumentPage<'a> {
    frame: Frame<'a>,
    words: &'static FilteringWords,
    release_words: &'static ReleaseWords,
    place: &'a Place,
    title: String,
    version: Option<&'a Version>,
    at: String,
    told: Told,
    /// The version says and is not changed here.
    editing: Option<Editing>,
    changes: Vec<ChangeRow>,
    history: Vec<Past>,
    drafts: Vec<(i64, String, String)>,
    settled: u64,
    releases: Vec<ReleaseRow>,
    may_write: bool,
    may_publish: bool,
}

/// A version as a row.
#[derive(Debug)]
struct Past {
    number: u64,
    author: String,
    at: String,
    reason: String,
    is_shown: bool,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    version: Option<u64>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(place): Path<String>,
    Sought(which): Sought<Which>,
) -> Answer {
    let (database, language) = (&console.parts.database, visit.language());
    let place = Place::read(&place).ok_or(Refused::NoSuchPage)?;
    visit.may(database, Right::See, &place).await?;
    let version = sought(&console, &place, &which).await?;
    let past = policy::history(database, &place, None).await?;
    let shown = version.as_ref().map_or(0, |version| version.number);
    let (told, changed) = match &version {
        Some(version) => {
            let difference = policy::difference(database, version).await?;
            (Told::of(language, &version.document()?), changes(language, &difference))
        }
        None => (Told::of(language, &policy::Document::empty("")), Vec::new()),
    };
    let drafts = policy::all_drafts(database).await?.into_iter().filter(|draft| draft.place == place);
    let page = DocumentPage {
        frame: console.frame(&visit, Some(Here::Filtering)),
        words: FilteringWords::of(language),
        release_words: ReleaseWords::of(language),
        title: place_name(language, &place),
        at: version.as_ref().map(|version| time::written(language, version.at)).unwrap_or_default(),
        told,
        editing: None,
        changes: changed,
        history: past.into_iter().map(|version| row(&visit, version, shown)).collect(),
        drafts: drafts.map(|draft| (draft.id, draft.author, time::written(language, draft.at))).collect(),
        settled: Wanted::read(database).await?.settled(&place),
        releases: releases(&console, &visit, Some(&place)).await?,
        may_write: visit.may(database, Right::Write, &place).await.is_ok(),
        may_publish: visit.may(database, Right::Publish, &place).await.is_ok(),
        version: version.as_ref(),
        place: &place,
    };
    Ok(html(StatusCode::OK, &page))
}

/// The rules file of a version, as boxes get it.
pub(super) async fn text(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(place): Path<String>,
    Sought(which): Sought<Which>,
) -> Answer {
    let place = Place::read(&place).ok_or(Refused::NoSuchPage)?;
    visit.may(&console.parts.database, Right::See, &place).await?;
    let version = sought(&console, &place, &which).await?.ok_or(Refused::NoSuchPage)?;
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((kind, version.text).into_response())
}

/// The version that the address names, or the latest.
async fn sought(console: &Console, place: &Place, which: &Which) -> Result<Option<Version>, Refused> {
    let database = &console.parts.database;
    match which.version {
        Some(number) => {
            Ok(Some(policy::find_version(database, place, number).await?.ok_or(Refused::NoSuchPage)?))
        }
        None => Ok(policy::latest_version(database, place).await?),
    }
}

fn row(visit: &Visit, version: Version, shown: u64) -> Past {
    Past {
        is_shown: version.number == shown,
        number: version.number,
        author: version.author,
        at: time::written(visit.language(), version.at),
        reason: version.reason,
    }
}
