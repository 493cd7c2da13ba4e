//! A draft: what it says, and the small acts on it.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};

use super::{
    fields::{self, Fields, Sent, draft_path},
    places::{document_path, place_name},
    told::{ChangeRow, Told, changes},
};
use crate::{
    console::{
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        time,
        visit::Visit,
        words::{FilteringWords, edit_refused},
    },
    fleet::policy::{self, Difference, Document, Draft, Edit},
    words::{Place, Right},
};

#[derive(Debug, Template)]
#[template(path = "console/filtering_draft.html")]
struct DraftPage<'a> {
    frame: Frame<'a>,
    words: &'static FilteringWords,
    draft: &'a Draft,
    place: String,
    document_path: String,
    at: String,
    told: Told,
    /// The draft's number and revision, where the visitor may change it.
    editing: Option<Editing>,
    changes: Vec<ChangeRow>,
    /// The latest version, where the draft does not stand on it.
    newer: Option<u64>,
}

/// A draft that is being changed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Editing {
    pub(super) id: i64,
    pub(super) revision: u64,
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
    let before = before.unwrap_or_else(|| Document::empty(&draft.document.name));
    let may_write = visit.may(database, Right::Write, &draft.place).await.is_ok();
    let page = DraftPage {
        frame: console.frame(&visit, Some(Here::Filtering)),
        words: FilteringWords::of(language),
        place: place_name(language, &draft.place),
        document_path: document_path(&draft.place),
        at: time::written(language, draft.at),
        told: Told::of(language, &draft.document),
        editing: may_write.then_some(Editing { id, revision: draft.revision }),
        changes: changes(language, &Difference::between(&before, &draft.document)),
        newer,
        draft: &draft,
    };
    Ok(html(StatusCode::OK, &page))
}

/// Begins a draft at a place.
pub(super) async fn begin(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(place): Path<String>,
    form: Sent,
) -> Answer {
    let (database, language) = (&console.parts.database, visit.language());
    let place = Place::read(&place).ok_or(Refused::NoSuchPage)?;
    let granted = visit.may(database, Right::Write, &place).await?;
    let Form(form) = form?;
    let from = form.one("version").parse().ok();
    let usual = place_name(language, &place);
    let name = form.optional("nom").unwrap_or(usual);
    let mut write = database.write().await?;
    match policy::begin(&mut write, &granted, &place, from, &name, visit.now).await {
        Ok(draft) => {
            write.commit().await?;
            let message = Message::Good(FilteringWords::of(language).begun.to_owned());
            Ok(go_saying(&draft_path(draft.id), &message))
        }
        Err(refused) => told(&visit, &document_path(&place), refused),
    }
}

/// Acts that need no page of their own.
pub(super) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    form: Sent,
) -> Answer {
    let (draft, granted) = fields::draft(&console, &visit, Right::Write, id).await?;
    let Form(form) = form?;
    let (path, words) = (draft_path(id), FilteringWords::of(visit.language()));
    let revision = form.number("revision")?;
    let mut write = console.parts.database.write().await?;
    let act = form.one("acte");
    let done = match act {
        "jeter" if draft.revision == revision => {
            policy::discard(&mut write, &granted, id, visit.now).await.map(drop)
        }
        "jeter" => Err(policy::Refused::Changed { by: draft.author.clone() }),
        "relire" => {
            let seen = form.number("version")?;
            policy::look_again(&mut write, &granted, id, revision, seen, visit.now).await.map(drop)
        }
        _ => {
            let edit = small_edit(&form)?;
            policy::edit(&mut write, &granted, id, revision, &edit, visit.now).await.map(drop)
        }
    };
    if let Err(refused) = done {
        return told(&visit, &path, refused);
    }
    write.commit().await?;
    Ok(match act {
        "jeter" => go_saying(&document_path(&draft.place), &Message::Good(words.discarded.to_owned())),
        _ => go_saying(&path, &Message::Good(words.done.to_owned())),
    })
}

fn small_edit(form: &Fields) -> Result<Edit, Refused> {
    let what = || form.one("quoi").to_owned();
    Ok(match form.one("acte") {
        "nommer" => Edit::Name(form.one("nom").to_owned()),
        "retirer" => Edit::Remove(what()),
        "placer" => Edit::Move(what(), form.number("place")?),
        "retirer-horaire" => Edit::RemoveTimetable(what()),
        _ => return Err(Refused::Unread),
    })
}

/// Does `edit`, and gives the page that follows; or the sentence that says why not.
///
/// # Errors
/// See [`sentence`].
pub(super) async fn change(
    console: &Console,
    visit: &Visit,
    id: i64,
    form: &Fields,
    edits: &[Edit],
) -> Result<Result<Response, String>, Refused> {
    let draft = policy::find_draft(&console.parts.database, id).await?.ok_or(Refused::NoSuchPage)?;
    let granted = visit.may(&console.parts.database, Right::Write, &draft.place).await?;
    let mut revision = form.number("revision")?;
    let mut write = console.parts.database.write().await?;
    for edit in edits {
        match policy::edit(&mut write, &granted, id, revision, edit, visit.now).await {
            Ok(draft) => revision = draft.revision,
            Err(refused) => return Ok(Err(sentence(visit, refused)?)),
        }
    }
    write.commit().await?;
    let message = Message::Good(FilteringWords::of(visit.language()).done.to_owned());
    Ok(Ok(go_saying(&draft_path(id), &message)))
}

/// Sends back to `path`, which says why nothing was done.
///
/// # Errors
/// See [`sentence`].
pub(super) fn told(visit: &Visit, path: &str, refused: policy::Refused) -> Answer {
    Ok(go_saying(path, &Message::Bad(sentence(visit, refused)?)))
}

/// Why nothing was done.
///
/// # Errors
/// When it is not the act but the console that failed.
pub(super) fn sentence(visit: &Visit, refused: policy::Refused) -> Result<String, Refused> {
    match refused {
        policy::Refused::Failed(error) => Err(error.into()),
        policy::Refused::NotGranted(_) => Err(Refused::Stale),
        refused => Ok(edit_refused(visit.language(), &refused)),
    }
}
