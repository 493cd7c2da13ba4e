//! What waits, for whoever could do it.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Router,
    extract::State,
    http::StatusCode,
    routing::{get, post},
};

use super::acts;
use crate::{
    console::{
        filtering::place_name,
        navigation::Here,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        time,
        visit::Visit,
        words::ProposalWords,
    },
    fleet::policy,
    people,
    words::Right,
};

#[derive(Debug, Template)]
#[template(path = "console/proposals.html")]
struct ProposalsPage<'a> {
    frame: Frame<'a>,
    words: &'static ProposalWords,
    rows: Vec<Line>,
    drafts: Vec<DraftLine>,
}

#[derive(Debug)]
struct Line {
    id: i64,
    act: String,
    place: String,
    by: String,
    at: String,
    told: String,
    is_own: bool,
}

/// A draft of rules that somebody wants to publish: it is looked at and approved on its own page.
#[derive(Debug)]
struct DraftLine {
    path: String,
    place: String,
    by: String,
    told: String,
    is_own: bool,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new()
        .route("/propositions", get(list))
        .route("/propositions/{id}/approuver", post(acts::approve))
        .route("/propositions/{id}/retirer", post(acts::withdraw))
}

async fn list(State(console): State<Arc<Console>>, Extension(visit): Extension<Visit>) -> Answer {
    if visit.has(Right::Publish).is_err() {
        visit.has(Right::Enrol)?;
    }
    let (database, language) = (&console.parts.database, visit.language());
    let mut rows = Vec::new();
    for proposal in people::waiting(database, visit.now).await? {
        if visit.may(database, proposal.right, &proposal.place).await.is_err() {
            continue;
        }
        rows.push(Line {
            id: proposal.id,
            act: acts::name(language, &proposal.act),
            place: place_name(language, &proposal.place),
            is_own: proposal.by == visit.actor().id,
            by: proposal.by_name,
            at: time::written(language, proposal.at),
            told: proposal.told,
        });
    }
    let drafts = drafts(&console, &visit).await?;
    let (frame, words) = (console.frame(&visit, Some(Here::Proposals)), ProposalWords::of(language));
    Ok(html(StatusCode::OK, &ProposalsPage { frame, words, rows, drafts }))
}

/// Drafts that wait for a second person, where the visitor could be the one.
async fn drafts(console: &Console, visit: &Visit) -> anyhow::Result<Vec<DraftLine>> {
    let database = &console.parts.database;
    let mut drafts = Vec::new();
    for draft in policy::all_drafts(database).await? {
        let Some(proposal) = draft.proposal else { continue };
        if visit.may(database, Right::Publish, &draft.place).await.is_err() {
            continue;
        }
        drafts.push(DraftLine {
            path: format!("/filtrage/brouillon/{}/publier", draft.id),
            place: place_name(visit.language(), &draft.place),
            is_own: proposal.by == visit.actor().id,
            by: proposal.name,
            told: proposal.reason,
        });
    }
    Ok(drafts)
}
