//! One package: what it is, its versions, and the two acts.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};

use super::{
    list::{approval, cycles, offered},
    spread::{Spread, Spreads},
};
use crate::{
    console::{
        figure,
        language::Language,
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        time,
        visit::Visit,
        words::{LibraryWords, kind_name},
    },
    content::{self, Known},
    words::{Place, Right},
};

#[derive(Debug, Template)]
#[template(path = "console/library_package.html")]
struct PackagePage<'a> {
    frame: Frame<'a>,
    words: &'static LibraryWords,
    latest: Known,
    kind: &'static str,
    cycles: String,
    subjects: String,
    spread: Spread,
    versions: Vec<Version>,
    /// Whether the visitor may approve and take away.
    may_act: bool,
}

#[derive(Debug)]
struct Version {
    number: u64,
    at: String,
    size: String,
    approval: Option<String>,
    is_offered: bool,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    visit.has(Right::See)?;
    let (database, language) = (&console.parts.database, visit.language());
    let known = content::all(database).await?;
    let there = versions(&known, &id);
    let latest = (*there.last().ok_or(Refused::NoSuchPage)?).clone();
    let offered = offered(&there).map(|known| known.package.version);
    let spread = match offered {
        Some(offered) => Spreads::read(&console, &visit).await?.of(&id, offered),
        None => Spread::default(),
    };
    let page = PackagePage {
        frame: console.frame(&visit, Some(Here::Library)),
        words: LibraryWords::of(language),
        kind: kind_name(language, &latest.package.kind),
        cycles: cycles(&latest),
        subjects: latest.package.subjects.join(", "),
        spread,
        versions: there.iter().rev().map(|known| version(language, known, offered)).collect(),
        may_act: visit.may(database, Right::Publish, &Place::Academie).await.is_ok(),
        latest,
    };
    Ok(html(StatusCode::OK, &page))
}

/// The versions of the package that were not removed, the latest last.
pub(super) fn versions<'a>(known: &'a [Known], id: &str) -> Vec<&'a Known> {
    known.iter().filter(|known| known.package.id == id && known.removed.is_none()).collect()
}

fn version(language: Language, known: &Known, offered: Option<u64>) -> Version {
    Version {
        number: known.package.version,
        at: time::written(language, known.at),
        size: figure::bytes(language, known.package.bytes),
        approval: approval(known),
        is_offered: offered == Some(known.package.version),
    }
}
