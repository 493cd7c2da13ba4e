//! All packages.

use std::sync::Arc;

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode};

use super::spread::{Spread, Spreads};
use crate::{
    console::{
        figure,
        language::Language,
        navigation::Here,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        visit::Visit,
        words::{LibraryWords, kind_name},
    },
    content::{self, Known},
    words::Right,
};

#[derive(Debug, Template)]
#[template(path = "console/library.html")]
struct LibraryPage<'a> {
    frame: Frame<'a>,
    words: &'static LibraryWords,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    id: String,
    title: String,
    version: u64,
    kind: &'static str,
    size: String,
    licence: String,
    cycles: String,
    /// Who approved the version that is offered; none while none is.
    approval: Option<String>,
    /// Whether the latest version waits for an approval.
    awaits: bool,
    spread: Spread,
}

pub(super) async fn show(State(console): State<Arc<Console>>, Extension(visit): Extension<Visit>) -> Answer {
    visit.has(Right::See)?;
    let language = visit.language();
    let known = content::all(&console.parts.database).await?;
    let spreads = Spreads::read(&console, &visit).await?;
    let mut rows: Vec<Row> =
        packages(&known).iter().map(|versions| row(language, versions, &spreads)).collect();
    // What somebody has to do comes first.
    rows.sort_by_key(|row| (!row.awaits, row.title.to_lowercase()));
    let (frame, words) = (console.frame(&visit, Some(Here::Library)), LibraryWords::of(language));
    Ok(html(StatusCode::OK, &LibraryPage { frame, words, rows }))
}

/// The versions of each package that were not removed, in their order.
fn packages(known: &[Known]) -> Vec<Vec<&Known>> {
    let there: Vec<&Known> = known.iter().filter(|known| known.removed.is_none()).collect();
    there.chunk_by(|one, next| one.package.id == next.package.id).map(<[_]>::to_vec).collect()
}

/// The latest of these versions that is approved.
pub(super) fn offered<'a>(versions: &[&'a Known]) -> Option<&'a Known> {
    versions.iter().rev().find(|known| known.package.approved.is_some()).copied()
}

/// Who approved it, and when.
pub(super) fn approval(known: &Known) -> Option<String> {
    known.package.approved.as_ref().map(|given| format!("{}, {}", given.by, given.date))
}

/// The cycles of schooling, such as `3, 4`.
pub(super) fn cycles(known: &Known) -> String {
    known.package.cycles.iter().map(u8::to_string).collect::<Vec<_>>().join(", ")
}

fn row(language: Language, versions: &[&Known], spreads: &Spreads) -> Row {
    let latest = versions.last().expect("a group of packages has at least one");
    let (offered, package) = (offered(versions), &latest.package);
    Row {
        id: package.id.clone(),
        title: package.title.clone(),
        version: package.version,
        kind: kind_name(language, &package.kind),
        size: figure::bytes(language, package.bytes),
        licence: package.licence.clone(),
        cycles: cycles(latest),
        approval: offered.and_then(approval),
        awaits: package.approved.is_none(),
        spread: offered.map(|offered| spreads.of(&package.id, offered.package.version)).unwrap_or_default(),
    }
}
