//! The token that makes a machine the school's box, shown once: as text, as a QR code, as a file; and the end of a box,
//! which needs two persons.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse as _,
};
use preau::{portal::qr, protocol::Token};
use serde::Deserialize;

use crate::{
    console::{
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        visit::Visit,
        words::SchoolWords,
    },
    fleet::schools::School,
    people,
    words::Right,
};

/// The act of revoking a box, among what needs two persons. Its payload is the school's code.
pub(in crate::console) const REVOKE: &str = "box-revoke";

/// The longest reason, in characters.
const REASON_CHARACTERS_MAX: usize = 500;

#[derive(Debug, Template)]
#[template(path = "console/token.html")]
struct TokenPage<'a> {
    frame: Frame<'a>,
    words: &'static SchoolWords,
    school: &'a School,
    token: String,
    qr: String,
}

#[derive(Debug, Template)]
#[template(path = "console/revoke.html")]
struct RevokePage<'a> {
    frame: Frame<'a>,
    words: &'static SchoolWords,
    school: &'a School,
}

#[derive(Debug, Deserialize)]
pub(super) struct GiveForm {
    #[serde(default)]
    remplace: String,
}

#[derive(Deserialize)]
pub(super) struct FileForm {
    jeton: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct RevokeForm {
    raison: String,
}

pub(super) async fn give(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(code): Path<String>,
    form: Result<Form<GiveForm>, FormRejection>,
) -> Answer {
    let (school, granted) = visit.school(&console.parts.database, Right::Enrol, &code).await?;
    let Form(GiveForm { remplace }) = form?;
    let authority = &console.parts.authority;
    let boxes = authority.boxes().await?;
    let has_box = boxes.iter().any(|known| known.school == school.uai && known.revoked.is_none());
    if has_box && remplace.is_empty() {
        // The page said that there is none: somebody enrolled it since.
        return Err(Refused::Stale);
    }
    let mut write = console.parts.database.write().await?;
    let token = if has_box {
        authority.give_replacing_token(&mut write, &granted, &school.uai).await?
    } else {
        authority.give_token(&mut write, &granted, &school.uai).await?
    };
    write.commit().await?;
    let words = SchoolWords::of(visit.language());
    let text = token.text();
    let frame = console.frame(&visit, Some(Here::Fleet));
    let qr = qr::svg(&text, words.token_qr).unwrap_or_default();
    Ok(html(StatusCode::OK, &TokenPage { frame, words, school: &school, token: text, qr }))
}

/// Gives the token back as a file; it is kept nowhere.
pub(super) async fn file(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(code): Path<String>,
    form: Result<Form<FileForm>, FormRejection>,
) -> Answer {
    let (school, _) = visit.school(&console.parts.database, Right::Enrol, &code).await?;
    let Form(FileForm { jeton }) = form?;
    let token = Token::read(&jeton).map_err(|_| Refused::Unread)?;
    if token.school != school.uai.as_str() {
        return Err(Refused::Unread);
    }
    let name = format!("attachment; filename=\"preau-{}.token\"", school.uai.as_str());
    let name = HeaderValue::try_from(name).map_err(|_| Refused::Unread)?;
    let kind = HeaderValue::from_static("application/octet-stream");
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], format!("{}\n", token.text()))
        .into_response())
}

pub(super) async fn withdraw(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(code): Path<String>,
) -> Answer {
    let (school, granted) = visit.school(&console.parts.database, Right::Enrol, &code).await?;
    let mut write = console.parts.database.write().await?;
    let was_there = console.parts.authority.withdraw_token(&mut write, &granted, &school.uai).await?;
    write.commit().await?;
    if !was_there {
        return Err(Refused::Stale);
    }
    let words = SchoolWords::of(visit.language());
    let path = format!("/etablissement/{}", school.uai.as_str());
    Ok(go_saying(&path, &Message::Good(words.token_withdrawn.to_owned())))
}

pub(super) async fn ask_revoke(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(code): Path<String>,
) -> Answer {
    let (school, _) = visit.school(&console.parts.database, Right::Enrol, &code).await?;
    let words = SchoolWords::of(visit.language());
    let frame = console.frame(&visit, Some(Here::Fleet));
    Ok(html(StatusCode::OK, &RevokePage { frame, words, school: &school }))
}

pub(super) async fn propose_revoke(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(code): Path<String>,
    form: Result<Form<RevokeForm>, FormRejection>,
) -> Answer {
    let (school, granted) = visit.school(&console.parts.database, Right::Enrol, &code).await?;
    let Form(RevokeForm { raison }) = form?;
    let reason: String = raison.trim().chars().take(REASON_CHARACTERS_MAX).collect();
    let mut write = console.parts.database.write().await?;
    people::propose(&mut write, visit.now, &granted, REVOKE, school.uai.as_str(), &reason).await?;
    write.commit().await?;
    let words = SchoolWords::of(visit.language());
    Ok(go_saying("/propositions", &Message::Good(words.revoke_proposed.to_owned())))
}
