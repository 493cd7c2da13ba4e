//! Inviting, giving and taking rights, new links, the end of an access.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
    http::StatusCode,
};
use preau::portal::qr;
use serde::Deserialize;

use crate::{
    console::{
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        time,
        visit::Visit,
        words::{PersonWords, grant_refused, invite_refused},
    },
    people::{self, GrantRefusal, Invited},
    words::{Granted, PersonId, Place, Right},
};

#[derive(Debug, Template)]
#[template(path = "console/link.html")]
struct LinkPage<'a> {
    frame: Frame<'a>,
    words: &'static PersonWords,
    link: String,
    qr: String,
    until: String,
    person: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct InviteForm {
    login: String,
    nom: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct GrantForm {
    droit: String,
    lieu: String,
}

pub(super) async fn invite(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    form: Result<Form<InviteForm>, FormRejection>,
) -> Answer {
    let granted = visit.may(&console.parts.database, Right::People, &Place::Academie).await?;
    let Form(InviteForm { login, nom }) = form?;
    let mut write = console.parts.database.write().await?;
    match people::invite(&mut write, visit.now, &granted, &login, &nom).await? {
        Ok(invited) => {
            write.commit().await?;
            Ok(console.link_page(&visit, &invited))
        }
        Err(refusal) => {
            let told = invite_refused(visit.language(), refusal).to_owned();
            Ok(go_saying("/personnes", &Message::Bad(told)))
        }
    }
}

pub(super) async fn reset(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
) -> Answer {
    let granted = visit.may(&console.parts.database, Right::People, &Place::Academie).await?;
    let mut write = console.parts.database.write().await?;
    match people::reset(&mut write, visit.now, &granted, PersonId(id)).await? {
        Ok(invited) => {
            write.commit().await?;
            Ok(console.link_page(&visit, &invited))
        }
        Err(refusal) => {
            let told = invite_refused(visit.language(), refusal).to_owned();
            Ok(go_saying(&format!("/personnes/{id}"), &Message::Bad(told)))
        }
    }
}

pub(super) async fn give(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Result<Form<GrantForm>, FormRejection>,
) -> Answer {
    visit.has(Right::People)?;
    let words = PersonWords::of(visit.language());
    let Form(form) = form?;
    let Some((right, granted)) = right_there(&console, &visit, &form).await? else {
        let message = Message::Bad(words.bad_place.to_owned());
        return Ok(go_saying(&format!("/personnes/{id}"), &message));
    };
    let mut write = console.parts.database.write().await?;
    let done = people::give(&mut write, visit.now, &granted, PersonId(id), right).await?;
    if done.is_ok() {
        write.commit().await?;
    }
    Ok(told(&visit, id, done, words.given_one))
}

pub(super) async fn take(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Result<Form<GrantForm>, FormRejection>,
) -> Answer {
    visit.has(Right::People)?;
    let words = PersonWords::of(visit.language());
    let Form(form) = form?;
    let (right, granted) = right_there(&console, &visit, &form).await?.ok_or(Refused::Unread)?;
    let mut write = console.parts.database.write().await?;
    let done = people::take(&mut write, visit.now, &granted, PersonId(id), right).await?;
    if done.is_ok() {
        write.commit().await?;
    }
    Ok(told(&visit, id, done, words.taken_one))
}

pub(super) async fn remove(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
) -> Answer {
    let granted = visit.may(&console.parts.database, Right::People, &Place::Academie).await?;
    let mut write = console.parts.database.write().await?;
    let done = people::remove(&mut write, visit.now, &granted, PersonId(id)).await?;
    if done.is_err() {
        return Ok(told(&visit, id, done, ""));
    }
    write.commit().await?;
    let words = PersonWords::of(visit.language());
    Ok(go_saying("/personnes", &Message::Good(words.removed.to_owned())))
}

/// The right that a form names, and the proof that the visitor may give and take rights at its place; none where there is no
/// such place.
async fn right_there(
    console: &Console,
    visit: &Visit,
    form: &GrantForm,
) -> Result<Option<(Right, Granted)>, Refused> {
    let right = Right::read(&form.droit).ok_or(Refused::Unread)?;
    let Some(place) = Place::read(form.lieu.trim()) else { return Ok(None) };
    Ok(Some((right, visit.may(&console.parts.database, Right::People, &place).await?)))
}

fn told(visit: &Visit, id: i64, done: Result<(), GrantRefusal>, well: &str) -> axum::response::Response {
    let message = match done {
        Ok(()) => Message::Good(well.to_owned()),
        Err(refusal) => Message::Bad(grant_refused(visit.language(), refusal).to_owned()),
    };
    go_saying(&format!("/personnes/{id}"), &message)
}

impl Console {
    fn link_page(&self, visit: &Visit, invited: &Invited) -> axum::response::Response {
        let words = PersonWords::of(visit.language());
        let link = format!("https://{}/invitation/{}", self.authority_name(), invited.token.text());
        let page = LinkPage {
            frame: self.frame(visit, Some(Here::Persons)),
            words,
            qr: qr::svg(&link, words.link_qr).unwrap_or_default(),
            link,
            until: time::written(visit.language(), invited.expires),
            person: invited.id.0,
        };
        html(StatusCode::OK, &page)
    }

    /// The console's name, with its port where browsers must be told.
    fn authority_name(&self) -> String {
        match self.settings.listen.port() {
            0 | 443 => self.settings.name.to_string(),
            port => format!("{}:{port}", self.settings.name),
        }
    }
}
