//! A draft as the text of a rules file, to be taken away or replaced. A fault is told with its line, which is shown.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};

use super::{
    draft::change,
    fields::{self, Sent, draft_path},
};
use crate::{
    console::{
        navigation::Here,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        visit::Visit,
        words::FilteringWords,
    },
    fleet::policy::{Document, Edit},
    words::Right,
};

#[derive(Debug, Template)]
#[template(path = "console/filtering_text.html")]
struct TextPage<'a> {
    frame: Frame<'a>,
    words: &'static FilteringWords,
    back: String,
    revision: u64,
    text: &'a str,
    error: Option<String>,
    /// The line that is wrong, with its number.
    line: Option<(usize, String)>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
) -> Answer {
    let (draft, _) = fields::draft(&console, &visit, Right::Write, id).await?;
    let text = draft.document.text(&draft.place, "");
    Ok(page(&console, &visit, (id, draft.revision), &text, (None, None)))
}

pub(super) async fn take(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Sent,
) -> Answer {
    let (draft, _) = fields::draft(&console, &visit, Right::Write, id).await?;
    let Form(form) = form?;
    let text = form.one("texte").replace("\r\n", "\n");
    match change(&console, &visit, id, &form, &[Edit::Text(text.clone())]).await? {
        Ok(done) => Ok(done),
        Err(error) => {
            let line = Document::read(&text, &draft.place).err().map(|fault| {
                let number = fault.error.line;
                let line = number.checked_sub(1).and_then(|before| text.lines().nth(before));
                (number, line.unwrap_or("").to_owned())
            });
            let revision = form.number("revision")?;
            Ok(page(&console, &visit, (id, revision), &text, (Some(error), line)))
        }
    }
}

fn page(
    console: &Console,
    visit: &Visit,
    (id, revision): (i64, u64),
    text: &str,
    (error, line): (Option<String>, Option<(usize, String)>),
) -> Response {
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = TextPage {
        frame: console.frame(visit, Some(Here::Filtering)),
        words: FilteringWords::of(visit.language()),
        back: draft_path(id),
        revision,
        text,
        error,
        line,
    };
    html(status, &page)
}
