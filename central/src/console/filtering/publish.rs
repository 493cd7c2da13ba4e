//! A draft becomes a version: what it changes, what is to be known before, the reason, and the second person.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form,
    extract::{Path, State},
    http::StatusCode,
};

use super::{
    draft::{sentence, told},
    fields::{self, Sent, draft_path},
    places::place_name,
    told::{ChangeRow, changes},
};
use crate::{
    console::{
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        visit::Visit,
        words::FilteringWords,
    },
    fleet::policy::{self, Difference, Document, Draft, Published, REASON_CHARS_MAX, Warnings},
    words::{Place, Right},
};

/// Schools named of a warning before they are counted.
const SCHOOLS_SHOWN: usize = 5;

#[derive(Debug, Template)]
#[template(path = "console/filtering_publish.html")]
struct PublishPage<'a> {
    frame: Frame<'a>,
    words: &'static FilteringWords,
    draft: &'a Draft,
    back: String,
    place: String,
    changes: Vec<ChangeRow>,
    warnings: Vec<String>,
    newer: Option<u64>,
    needs_two: bool,
    may_publish: bool,
    is_own: bool,
    reason_max: usize,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
) -> Answer {
    let (database, language) = (&console.parts.database, visit.language());
    let (draft, _) = fields::draft(&console, &visit, Right::See, id).await?;
    let latest = policy::latest_version(database, &draft.place).await?;
    let newer = latest.as_ref().map(|latest| latest.number).filter(|number| *number != draft.base);
    let before = latest.map(|latest| latest.document()).transpose()?;
    let before = before.unwrap_or_else(|| Document::empty(""));
    let difference = Difference::between(&before, &draft.document);
    let warnings = policy::warnings(database, &draft.place, &draft.document).await?;
    let proposer = draft.proposal.as_ref().map(|proposal| proposal.by);
    let page = PublishPage {
        frame: console.frame(&visit, Some(Here::Filtering)),
        words: FilteringWords::of(language),
        back: draft_path(id),
        place: place_name(language, &draft.place),
        changes: changes(language, &difference),
        warnings: sentences(&visit, &draft.place, &warnings),
        newer,
        needs_two: console.parts.two_persons.need(&draft.place, &difference),
        may_publish: visit.may(database, Right::Publish, &draft.place).await.is_ok(),
        is_own: proposer == Some(visit.actor().id),
        reason_max: REASON_CHARS_MAX,
        draft: &draft,
    };
    Ok(html(StatusCode::OK, &page))
}

pub(super) async fn publish(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Sent,
) -> Answer {
    let (draft, granted) = fields::draft(&console, &visit, Right::Publish, id).await?;
    let Form(form) = form?;
    let (path, words) = (format!("{}/publier", draft_path(id)), FilteringWords::of(visit.language()));
    let lists = console.parts.lists.borrow().clone();
    let seen = (id, form.number("revision")?);
    let by = (&console.parts.two_persons, &lists);
    let mut write = console.parts.database.write().await?;
    match policy::publish(&mut write, &granted, seen, form.one("motif"), by, visit.now).await {
        Ok(published) => {
            write.commit().await?;
            Ok(match published {
                Published::Proposed => go_saying(&path, &Message::Good(words.proposed.to_owned())),
                Published::Version(version) => go_saying(
                    &release_path(&draft.place, version.number),
                    &Message::Good(words.published.to_owned()),
                ),
            })
        }
        Err(refused) => told(&visit, &path, refused),
    }
}

pub(super) async fn approve(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Sent,
) -> Answer {
    let (draft, granted) = fields::draft(&console, &visit, Right::Publish, id).await?;
    let Form(form) = form?;
    let lists = console.parts.lists.borrow().clone();
    let seen = (id, form.number("revision")?);
    let mut write = console.parts.database.write().await?;
    match policy::approve(&mut write, &granted, seen, &lists, visit.now).await {
        Ok(version) => {
            write.commit().await?;
            let message = Message::Good(FilteringWords::of(visit.language()).published.to_owned());
            Ok(go_saying(&release_path(&draft.place, version.number), &message))
        }
        Err(refused) => {
            let message = Message::Bad(sentence(&visit, refused)?);
            Ok(go_saying(&format!("{}/publier", draft_path(id)), &message))
        }
    }
}

/// The path of the page that releases a version.
pub(super) fn release_path(place: &Place, version: u64) -> String {
    format!("/filtrage/livraison?lieu={place}&version={version}")
}

/// What is to be known before, in words.
fn sentences(visit: &Visit, place: &Place, warnings: &Warnings) -> Vec<String> {
    let (language, words) = (visit.language(), FilteringWords::of(visit.language()));
    let mut told = Vec::new();
    for (school, why) in &warnings.unfit {
        told.push(format!("{} {} : {why}", school.as_str(), words.unfit));
    }
    for warning in &warnings.warnings {
        let silent = &warning.silent;
        let mut text = format!("{} « {} »", words.rule, silent.rule);
        if silent.place != *place {
            text.push_str(&format!(" ({})", place_name(language, &silent.place)));
        }
        if silent.wholly {
            text.push_str(&format!(" {}", words.never));
        } else {
            text.push_str(&format!(" {} {}", words.never_for, silent.sites.join(", ")));
        }
        let behind =
            silent.behind.iter().map(|(place, rule)| format!("« {rule} » ({})", place_name(language, place)));
        let behind: Vec<_> = behind.collect();
        if !behind.is_empty() {
            text.push_str(&format!(" ; {} {}", behind.join(", "), words.behind));
        }
        let schools = &warning.schools;
        if (1..=SCHOOLS_SHOWN).contains(&schools.len()) {
            let codes: Vec<_> = schools.iter().map(preau::model::Uai::as_str).collect();
            text.push_str(&format!(" [{}]", codes.join(", ")));
        } else if !schools.is_empty() {
            text.push_str(&format!(" [{} {}]", schools.len(), words.schools));
        }
        told.push(text);
    }
    if warnings.is_partial {
        told.push(words.partial.to_owned());
    }
    told
}
