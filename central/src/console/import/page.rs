//! The pages: a file is chosen, looked at, entered. What was looked at travels in the page itself, and is held against the
//! register once more when it is entered.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    entering::{Entering, enter_all},
    list::{self, Fault, Read},
};
use crate::{
    console::{
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        upload,
        visit::Visit,
        words::{ImportWords, fault_text},
    },
    words::{GroupName, Right},
};

/// The longest list, in bytes: the ministry's of all France has some 30 MB, an académie's 1.
const LIST_BYTES_MAX: usize = 8 << 20;

/// Lines shown of each kind.
const SHOWN_MAX: usize = 200;

#[derive(Debug, Template)]
#[template(path = "console/import.html")]
struct ImportPage<'a> {
    frame: Frame<'a>,
    words: &'static ImportWords,
    refused: Option<&'static str>,
}

#[derive(Debug, Template)]
#[template(path = "console/import_look.html")]
struct LookPage<'a> {
    frame: Frame<'a>,
    words: &'static ImportWords,
    entering: &'a Entering,
    refused: Vec<(u64, &'a str, &'static str)>,
    list: String,
    shown_max: usize,
}

#[derive(Deserialize)]
struct EnterForm {
    liste: String,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    let large = || DefaultBodyLimit::max(LIST_BYTES_MAX);
    Router::new()
        .route("/import", get(ask).post(look).layer(large()))
        .route("/import/entrer", post(enter).layer(large()))
}

async fn ask(State(console): State<Arc<Console>>, Extension(visit): Extension<Visit>) -> Answer {
    visit.has(Right::Enrol)?;
    Ok(console.import_page(&visit, None))
}

async fn look(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    visit.has(Right::Enrol)?;
    let parts = upload::fields(&headers, &body).ok_or(Refused::Unread)?;
    let part = |name: &str| parts.iter().find(|part| part.name == name).map(|part| part.content);
    let column = part("colonne").map(|content| String::from_utf8_lossy(content).into_owned());
    let lines = match list::read(part("liste").ok_or(Refused::Unread)?, &column.unwrap_or_default()) {
        Ok(lines) => lines,
        Err(fault) => return Ok(console.import_page(&visit, Some(fault))),
    };
    let entering = Entering::judge(&console, &visit, lines).await?;
    let language = visit.language();
    let refused = entering.refused.iter().take(SHOWN_MAX);
    let page = LookPage {
        frame: console.frame(&visit, Some(Here::Fleet)),
        words: ImportWords::of(language),
        refused: refused
            .map(|unread| (unread.line, unread.code.as_str(), fault_text(language, unread.fault)))
            .collect(),
        list: written(&entering)?,
        entering: &entering,
        shown_max: SHOWN_MAX,
    };
    Ok(html(StatusCode::OK, &page))
}

async fn enter(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    form: Result<Form<EnterForm>, FormRejection>,
) -> Answer {
    visit.has(Right::Enrol)?;
    let Form(EnterForm { liste }) = form?;
    let lines = list::read(liste.as_bytes(), "groupe").map_err(|_| Refused::Unread)?;
    let entering = Entering::judge(&console, &visit, lines).await?;
    enter_all(&console, &visit, &entering).await?;
    let words = ImportWords::of(visit.language());
    let text = format!(
        "{} {} · {} {} · {} {}",
        words.new,
        entering.new.len(),
        words.changed,
        entering.changed.len(),
        words.refused,
        entering.refused.len()
    );
    Ok(go_saying("/", &Message::Good(text)))
}

impl Console {
    fn import_page(&self, visit: &Visit, refused: Option<Fault>) -> axum::response::Response {
        let words = ImportWords::of(visit.language());
        let frame = self.frame(visit, Some(Here::Fleet));
        let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let refused = refused.map(|fault| fault_text(visit.language(), fault));
        html(status, &ImportPage { frame, words, refused })
    }
}

/// What would be entered, as a list that is read again.
fn written(entering: &Entering) -> anyhow::Result<String> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["uai", "nom", "type", "commune", "departement", "groupe"])?;
    for Read { school, group } in entering.new.iter().chain(entering.changed.iter().map(|(_, read)| read)) {
        let group = group.as_ref().map_or("", GroupName::as_str);
        csv.write_record([
            school.uai.as_str(),
            &school.name,
            &school.kind,
            &school.town,
            school.departement.as_str(),
            group,
        ])?;
    }
    Ok(String::from_utf8(csv.into_inner()?)?)
}
