//! The form of one rule about search modes.

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
    fields::{self, Fields, Sent, draft_path},
    rule_form::Which,
    whom::{Choice, Whom, hours_of},
};
use crate::{
    console::{
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        visit::{Sought, Visit},
        words::{FilteringWords, word_name},
    },
    fleet::policy::{Draft, Edit, Search},
    words::Right,
};

#[derive(Debug, Template)]
#[template(path = "console/filtering_search.html")]
struct SearchPage<'a> {
    frame: Frame<'a>,
    words: &'static FilteringWords,
    back: String,
    revision: u64,
    /// The rule's id before; empty for a new one.
    before: &'a str,
    rule: &'a Search,
    safe: Vec<Choice>,
    youtube: Vec<Choice>,
    who: Whom,
    reason: &'a str,
    error: Option<String>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    Sought(which): Sought<Which>,
) -> Answer {
    let (draft, _) = fields::draft(&console, &visit, Right::Write, id).await?;
    let search = match which.id.as_str() {
        "" => Search { safe_search: Some(true), ..Search::default() },
        sought => {
            let known = draft.document.search.iter().find(|search| search.id == sought);
            known.cloned().ok_or(Refused::NoSuchPage)?
        }
    };
    Ok(page(&console, &visit, (&draft, draft.revision), (&which.id, &search), None))
}

pub(super) async fn take(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Sent,
) -> Answer {
    let (draft, _) = fields::draft(&console, &visit, Right::Write, id).await?;
    let Form(form) = form?;
    let before = form.one("avant").to_owned();
    let search = search_of(&form);
    let edit = match before.as_str() {
        "" => Edit::AddSearch(None, Box::new(search.clone())),
        _ => Edit::ChangeSearch(before.clone(), Box::new(search.clone())),
    };
    match change(&console, &visit, id, &form, &[edit]).await? {
        Ok(done) => Ok(done),
        Err(error) => {
            let revision = form.number("revision")?;
            Ok(page(&console, &visit, (&draft, revision), (&before, &search), Some(error)))
        }
    }
}

fn search_of(form: &Fields) -> Search {
    let (during, outside) = hours_of(form);
    Search {
        id: form.one("id").to_owned(),
        safe_search: form.one("protegee").parse().ok(),
        youtube: form.optional("youtube"),
        locked: form.is_set("verrouillee"),
        roles: form.all("role"),
        classes: form.lines("classes"),
        devices: form.all("machine"),
        machines: form.words("adresses"),
        zones: form.lines("zones"),
        during,
        outside,
        reason: form.optional("motif"),
    }
}

fn page(
    console: &Console,
    visit: &Visit,
    (draft, revision): (&Draft, u64),
    (before, rule): (&str, &Search),
    error: Option<String>,
) -> Response {
    let (language, words) = (visit.language(), FilteringWords::of(visit.language()));
    let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let Search { roles, classes, devices, machines, zones, during, outside, .. } = rule;
    let who = Whom::new(
        language,
        &draft.document,
        [roles, classes, devices, machines, zones],
        [during.as_deref(), outside.as_deref()],
    );
    let safe = [
        ("", words.unsaid, None),
        ("true", words.safe_on, Some(true)),
        ("false", words.safe_off, Some(false)),
    ];
    let youtube = ["strict", "moderate", "off"]
        .map(|mode| Choice::new(mode, word_name(language, mode), rule.youtube.as_deref() == Some(mode)));
    let mut modes = vec![Choice::new("", words.unsaid, rule.youtube.is_none())];
    modes.extend(youtube);
    let page = SearchPage {
        frame: console.frame(visit, Some(Here::Filtering)),
        words,
        back: draft_path(draft.id),
        revision,
        before,
        safe: safe
            .map(|(value, text, is)| Choice::new(value, text, rule.safe_search == is))
            .into_iter()
            .collect(),
        youtube: modes,
        who,
        reason: rule.reason.as_deref().unwrap_or(""),
        rule,
        error,
    };
    html(status, &page)
}
