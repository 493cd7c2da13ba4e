//! One feed: what came of it at each school, what could not be taken, and the word that what is held waits for.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form,
    extract::{Path, State, rejection::FormRejection},
    http::StatusCode,
};
use preau::model::Uai;
use serde::Deserialize;

use super::list::{FeedRow, Mine};
use crate::{
    accounts::{self, Answered, Counts, State as Stands, Why},
    authority::By,
    console::{
        language::Language,
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        visit::Visit,
        words::{AccountWords, record_kind, role_name},
    },
    words::{Place, Right},
};

#[derive(Debug, Template)]
#[template(path = "console/accounts_feed.html")]
struct FeedPage<'a> {
    frame: Frame<'a>,
    words: &'static AccountWords,
    row: FeedRow,
    rows: Vec<ShareRow>,
    /// Those of the rows that wait for a word: code and name.
    held: Vec<(String, String)>,
    /// Whether the guard holds any of them.
    is_guarded: bool,
    records: Vec<RecordRow>,
}

/// What came of it at a school, as a row.
#[derive(Debug)]
struct ShareRow {
    code: String,
    name: String,
    class: &'static str,
    state: String,
    counts: Counts,
}

/// Records that could not be taken, as a row.
#[derive(Debug)]
struct RecordRow {
    kind: &'static str,
    field: String,
    count: u64,
    places: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct AnswerForm {
    #[serde(default)]
    uai: String,
    reponse: String,
    #[serde(default)]
    motif: String,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
) -> Answer {
    visit.has(Right::Accounts)?;
    let (accounts, language) = (&console.parts.accounts, visit.language());
    let feed = accounts.feed(number).await?.ok_or(Refused::NoSuchPage)?;
    let mine = Mine::read(&console, &visit).await?;
    let (mut rows, mut held, mut is_guarded) = (Vec::new(), Vec::new(), false);
    for share in accounts.shares(number).await? {
        let Some(name) = mine.name(&share.school) else { continue };
        let (code, name) = (share.school.as_str().to_owned(), name.to_owned());
        if let Stands::Held(why) = &share.state {
            held.push((code.clone(), name.clone()));
            is_guarded |= why.is_guard();
        }
        let (class, state) = state(language, &share.state);
        rows.push(ShareRow { code, name, class, state, counts: share.counts });
    }
    let record = |records: accounts::Records| RecordRow {
        kind: record_kind(language, &records.kind),
        field: records.field,
        count: records.count,
        places: records.places.join(", "),
    };
    let page = FeedPage {
        frame: console.frame(&visit, Some(Here::Accounts)),
        words: AccountWords::of(language),
        row: FeedRow::of(language, feed),
        rows,
        held,
        is_guarded,
        records: accounts.records(number).await?.into_iter().map(record).collect(),
    };
    Ok(html(StatusCode::OK, &page))
}

pub(super) async fn answer(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(number): Path<i64>,
    form: Result<Form<AnswerForm>, FormRejection>,
) -> Answer {
    visit.has(Right::Accounts)?;
    let Form(AnswerForm { uai, reponse, motif }) = form?;
    let answer = match reponse.as_str() {
        "donner" => accounts::Answer::Give,
        "refuser" => accounts::Answer::Refuse,
        _ => return Err(Refused::Unread),
    };
    let meant = match uai.as_str() {
        "" => held(&console, &visit, number).await?,
        code => vec![Uai::new(code).ok_or(Refused::Unread)?],
    };
    let words = AccountWords::of(visit.language());
    let path = format!("/annuaire/livraison/{number}");
    let (mut given, mut refused) = (0, 0);
    for school in meant {
        let place = Place::School(school.clone());
        let granted = visit.may(&console.parts.database, Right::Accounts, &place).await?;
        let by = By::Person(&granted);
        match console.parts.accounts.answer(by, (number, &school), answer, &motif).await? {
            Answered::Given(_) => given += 1,
            Answered::Refused => refused += 1,
            // Somebody else was faster.
            Answered::NotHeld => {}
            Answered::NoReason => return Ok(go_saying(&path, &Message::Bad(words.no_reason.to_owned()))),
            Answered::Closed => return Ok(go_saying(&path, &Message::Bad(words.closed.to_owned()))),
        }
    }
    let told = match answer {
        _ if given + refused == 0 => return Err(Refused::Stale),
        accounts::Answer::Give => format!("{} {given}", words.given_now),
        accounts::Answer::Refuse => format!("{} {refused}", words.refused_now),
    };
    Ok(go_saying(&path, &Message::Good(told)))
}

/// The schools for which something of the feed waits for the visitor's word.
async fn held(console: &Console, visit: &Visit, number: i64) -> anyhow::Result<Vec<Uai>> {
    let mine = Mine::read(console, visit).await?;
    let shares = console.parts.accounts.shares(number).await?.into_iter();
    let held = shares.filter(|share| matches!(share.state, Stands::Held(_)));
    Ok(held.map(|share| share.school).filter(|school| mine.name(school).is_some()).collect())
}

/// How a share stands: the class of its badge, and words.
fn state(language: Language, state: &Stands) -> (&'static str, String) {
    let words = AccountWords::of(language);
    match state {
        Stands::Held(Why::Asked) => ("away", words.held_asked.to_owned()),
        Stands::Held(Why::Leaving) => ("warn", words.held_leaving.to_owned()),
        Stands::Held(Why::Role(role)) => {
            ("warn", format!("{} ({})", words.held_role, role_name(language, role)))
        }
        Stands::Sent(sequence) => ("ok", format!("{} {sequence}", words.sent)),
        Stands::NoBox => ("off", words.awaits_box.to_owned()),
        Stands::Refused => ("bad", words.refused.to_owned()),
        Stands::Overtaken => ("off", words.overtaken.to_owned()),
        Stands::Older => ("bad", words.older.to_owned()),
    }
}
