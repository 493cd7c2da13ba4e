//! The page and its acts.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form, Router,
    extract::{State, rejection::FormRejection},
    http::StatusCode,
    routing::{get, post},
};
use serde::Deserialize;

use crate::{
    console::{
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        sign_in::RecoveryPage,
        time,
        visit::Visit,
        words::{InvitationWords, OwnWords, password_refused, right_name},
    },
    people::AcceptRefusal,
};

#[derive(Debug, Template)]
#[template(path = "console/own.html")]
struct OwnPage<'a> {
    frame: Frame<'a>,
    words: &'static OwnWords,
    login: &'a str,
    until: String,
    rights: Vec<(&'static str, String)>,
    recovery_left: i64,
    sessions: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    handle: String,
    began: String,
    seen: String,
    address: String,
    browser: String,
    is_this: bool,
}

#[derive(Deserialize)]
struct PasswordForm {
    old: String,
    password: String,
    again: String,
    code: String,
}

#[derive(Deserialize)]
struct CodeForm {
    code: String,
}

#[derive(Debug, Deserialize)]
struct EndForm {
    session: String,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new()
        .route("/compte", get(show))
        .route("/compte/motdepasse", post(change))
        .route("/compte/secours", post(renew))
        .route("/compte/session", post(end))
}

async fn show(State(console): State<Arc<Console>>, Extension(visit): Extension<Visit>) -> Answer {
    let (people, language) = (&console.parts.people, visit.language());
    let sessions = people.sessions(visit.actor().id).await?.into_iter().map(|session| Row {
        is_this: session.handle == visit.session.handle,
        handle: session.handle,
        began: time::written(language, session.began),
        seen: time::written(language, session.seen),
        address: session.address,
        browser: session.browser,
    });
    let rights = visit.actor().grants.iter();
    let page = OwnPage {
        frame: console.frame(&visit, Some(Here::Own)),
        words: OwnWords::of(language),
        login: &visit.session.login,
        until: time::written(language, visit.session.until),
        rights: rights.map(|grant| (right_name(language, grant.right), grant.place.to_string())).collect(),
        recovery_left: people.recovery_left(visit.actor().id).await?,
        sessions: sessions.collect(),
    };
    Ok(html(StatusCode::OK, &page))
}

async fn change(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    form: Result<Form<PasswordForm>, FormRejection>,
) -> Answer {
    let Form(PasswordForm { old, password, again, code }) = form?;
    let words = OwnWords::of(visit.language());
    let done = console.parts.people.change_password(&visit.session, &old, &code, [&password, &again]).await?;
    let message = match done {
        Ok(()) => Message::Good(words.changed.to_owned()),
        Err(AcceptRefusal::Password(refusal)) => {
            Message::Bad(password_refused(visit.language(), refusal).to_owned())
        }
        Err(AcceptRefusal::Code | AcceptRefusal::NoSuchLink) => Message::Bad(words.wrong.to_owned()),
    };
    Ok(go_saying("/compte", &message))
}

async fn renew(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    form: Result<Form<CodeForm>, FormRejection>,
) -> Answer {
    let Form(CodeForm { code }) = form?;
    let words = OwnWords::of(visit.language());
    match console.parts.people.renew_recovery(&visit.session, &code).await? {
        Some(codes) => {
            let frame = console.frame(&visit, Some(Here::Own));
            let (next, next_text) = ("/compte", words.back);
            let words = InvitationWords::of(visit.language());
            Ok(html(StatusCode::OK, &RecoveryPage { frame, words, codes, next, next_text }))
        }
        None => Ok(go_saying("/compte", &Message::Bad(words.wrong.to_owned()))),
    }
}

async fn end(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    form: Result<Form<EndForm>, FormRejection>,
) -> Answer {
    let Form(EndForm { session }) = form?;
    console.parts.people.end(visit.actor().id, &session).await?;
    let words = OwnWords::of(visit.language());
    Ok(go_saying("/compte", &Message::Good(words.ended.to_owned())))
}
