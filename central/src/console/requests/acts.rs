//! Answering one request, or all for the same site; raising one to the DASEN.

use std::sync::Arc;

use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
};
use serde::Deserialize;

use super::one::{found, stands_before};
use crate::{
    console::{
        message::{Message, go_saying},
        refusal::{Answer, Refused},
        road::Console,
        visit::Visit,
        words::RequestWords,
    },
    fleet::{
        orders,
        requests::{self, Filter, Request, Wish},
    },
    words::{Place, Right},
};

#[derive(Debug, Deserialize)]
pub(super) struct AnswerForm {
    reponse: String,
    #[serde(default)]
    phrase: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct TogetherForm {
    lieu: String,
    site: String,
    souhait: String,
    reponse: String,
    #[serde(default)]
    phrase: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct RaiseForm {
    #[serde(default)]
    mot: String,
}

pub(super) async fn answer(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Result<Form<AnswerForm>, FormRejection>,
) -> Answer {
    let (request, granted) = found(&console, &visit, id).await?;
    let Form(AnswerForm { reponse, phrase }) = form?;
    let is_granted = granted_word(&reponse)?;
    if request.answer.is_some() {
        return Err(Refused::Stale);
    }
    if !stands_before(&granted, &request) {
        return Err(Refused::NotGranted(Right::Answer));
    }
    let words = RequestWords::of(visit.language());
    if !has_room(&console, &visit, &request).await? {
        return Ok(go_saying(&format!("/demandes/{id}"), &Message::Bad(words.too_many_orders.to_owned())));
    }
    let mut write = console.parts.database.write().await?;
    requests::answer(&mut write, &granted, request.id, is_granted, phrase.trim(), visit.now).await?;
    write.commit().await?;
    Ok(go_saying("/demandes", &Message::Good(words.answered_one.to_owned())))
}

/// Answers every open request for a site within a place, as far as it stands before the visitor.
pub(super) async fn answer_together(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    form: Result<Form<TogetherForm>, FormRejection>,
) -> Answer {
    visit.has(Right::Answer)?;
    let Form(form) = form?;
    let (place, wish) = (Place::read(&form.lieu), Wish::read(&form.souhait));
    let (place, wish) = place.zip(wish).ok_or(Refused::Unread)?;
    let is_granted = granted_word(&form.reponse)?;
    let granted = visit.may(&console.parts.database, Right::Answer, &place).await?;
    let site = Some(form.site.trim().to_lowercase());
    let filter = Filter { place: Some(place), answered: Some(false), site, ..Filter::default() };
    let mut answered = Vec::new();
    for request in requests::list(&console.parts.database, &filter).await? {
        let is_meant = request.wish == wish && stands_before(&granted, &request);
        if is_meant && has_room(&console, &visit, &request).await? {
            answered.push(request.id);
        }
    }
    let mut write = console.parts.database.write().await?;
    for id in &answered {
        requests::answer(&mut write, &granted, *id, is_granted, form.phrase.trim(), visit.now).await?;
    }
    write.commit().await?;
    let words = RequestWords::of(visit.language());
    let told = format!("{} {}", words.answered_together, answered.len());
    Ok(go_saying("/demandes", &Message::Good(told)))
}

pub(super) async fn raise(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Result<Form<RaiseForm>, FormRejection>,
) -> Answer {
    let (request, granted) = found(&console, &visit, id).await?;
    let Form(RaiseForm { mot }) = form?;
    if request.answer.is_some() || request.level != requests::Level::Head {
        return Err(Refused::Stale);
    }
    let mut write = console.parts.database.write().await?;
    requests::raise(&mut write, &granted, request.id, mot.trim(), visit.now).await?;
    write.commit().await?;
    let words = RequestWords::of(visit.language());
    Ok(go_saying(&format!("/demandes/{id}"), &Message::Good(words.raised_one.to_owned())))
}

/// Whether the answer can still wait for the school's box.
async fn has_room(console: &Console, visit: &Visit, request: &Request) -> anyhow::Result<bool> {
    let waiting = orders::waiting(&console.parts.database, Some(&request.school), visit.now).await?;
    Ok(waiting.len() < orders::OPEN_MAX)
}

fn granted_word(word: &str) -> Result<bool, Refused> {
    match word {
        "accorder" => Ok(true),
        "refuser" => Ok(false),
        _ => Err(Refused::Unread),
    }
}
