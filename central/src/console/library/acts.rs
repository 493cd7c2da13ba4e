//! Approving a version, and taking a package away.

use std::sync::Arc;

use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
};
use jiff::civil::Date;
use preau::protocol::content::Approval;
use serde::Deserialize;

use super::one::versions;
use crate::{
    audit::Who,
    console::{
        message::{Message, go_saying},
        refusal::{Answer, Refused},
        road::Console,
        visit::Visit,
        words::LibraryWords,
    },
    content,
    words::{Granted, Place, Right},
};

/// The longest name of a committee, in characters.
const COMMITTEE_CHARACTERS_MAX: usize = 200;

#[derive(Debug, Deserialize)]
pub(super) struct ApproveForm {
    version: u64,
    comite: String,
    date: String,
}

pub(super) async fn approve(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
    form: Result<Form<ApproveForm>, FormRejection>,
) -> Answer {
    let granted = granted(&console, &visit).await?;
    let Form(ApproveForm { version, comite, date }) = form?;
    let words = LibraryWords::of(visit.language());
    let committee = comite.trim();
    let is_named = (1..=COMMITTEE_CHARACTERS_MAX).contains(&committee.chars().count());
    if !is_named || committee.chars().any(char::is_control) || date.parse::<Date>().is_err() {
        return Ok(go_saying(&path(&id), &Message::Bad(words.wrong.to_owned())));
    }
    // The one that was looked at, and the latest.
    if latest(&console, &id).await? != version {
        return Err(Refused::Stale);
    }
    let approval = Approval { by: committee.to_owned(), date };
    console.parts.content.approve(&id, Some(version), approval, &who(&granted)).await?;
    Ok(go_saying(&path(&id), &Message::Good(words.approved_one.to_owned())))
}

pub(super) async fn remove(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<String>,
) -> Answer {
    let granted = granted(&console, &visit).await?;
    latest(&console, &id).await?;
    console.parts.content.remove(&id, &who(&granted)).await?;
    let words = LibraryWords::of(visit.language());
    Ok(go_saying("/bibliotheque", &Message::Good(words.removed_one.to_owned())))
}

/// Packages are every school's, so the right is asked for over the académie.
async fn granted(console: &Console, visit: &Visit) -> Result<Granted, Refused> {
    visit.may(&console.parts.database, Right::Publish, &Place::Academie).await
}

/// The number of the latest version.
async fn latest(console: &Console, id: &str) -> Result<u64, Refused> {
    let known = content::all(&console.parts.database).await?;
    let latest = versions(&known, id).last().map(|known| known.package.version);
    latest.ok_or(Refused::Stale)
}

fn who(granted: &Granted) -> Who {
    Who::Person(granted.actor().id, granted.actor().name.clone())
}

fn path(id: &str) -> String {
    format!("/bibliotheque/{id}")
}
