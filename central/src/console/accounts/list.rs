//! What schools have, and the feeds it came by.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    routing::get,
};
use preau::model::Uai;
use serde::Deserialize;

use super::{deposit, feed};
use crate::{
    accounts::{Feed, Having},
    console::{
        language::Language,
        navigation::Here,
        page::{Frame, html},
        pages::Pages,
        refusal::Answer,
        road::Console,
        time,
        visit::{Sought, Visit},
        words::AccountWords,
    },
    fleet::{
        observed::{self, Seen},
        schools::{self, School},
    },
    words::{GroupName, Right},
};

/// Feeds shown.
const FEEDS_MAX: i64 = 20;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    page: usize,
}

#[derive(Debug, Template)]
#[template(path = "console/accounts.html")]
struct AccountsPage<'a> {
    frame: Frame<'a>,
    words: &'static AccountWords,
    held: Vec<FeedRow>,
    feeds: Vec<FeedRow>,
    pages: Pages,
    rows: Vec<HavingRow>,
}

/// A feed as a row.
#[derive(Debug)]
pub(super) struct FeedRow {
    pub(super) feed: Feed,
    pub(super) at: String,
    pub(super) giver: String,
}

/// What a school has, as a row.
#[derive(Debug)]
struct HavingRow {
    code: String,
    name: String,
    having: Having,
    at: String,
    taken: u64,
    class: &'static str,
    state: &'static str,
    /// Why the box did not take it, in the box's words; empty for nothing.
    why: String,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    let large = || DefaultBodyLimit::max(deposit::BYTES_MAX);
    Router::new()
        .route("/annuaire", get(show))
        .route("/annuaire/depot", get(deposit::ask).post(deposit::take).layer(large()))
        .route("/annuaire/livraison/{number}", get(feed::show).post(feed::answer))
}

async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(asked): Sought<Asked>,
) -> Answer {
    visit.has(Right::Accounts)?;
    let (accounts, language) = (&console.parts.accounts, visit.language());
    let mine = Mine::read(&console, &visit).await?;
    let seen = observed::all(&console.parts.database).await?;
    let seen: BTreeMap<Uai, Seen> = seen.into_iter().map(|seen| (seen.school.clone(), seen)).collect();
    let having = accounts.having().await?.into_iter();
    let having: Vec<(String, Having)> =
        having.filter_map(|having| Some((mine.name(&having.school)?.to_owned(), having))).collect();
    let pages = Pages::new(having.len(), asked.page, "/annuaire", "");
    let rows = pages.cut(having);
    let row = |feed| FeedRow::of(language, feed);
    let page = AccountsPage {
        frame: console.frame(&visit, Some(Here::Accounts)),
        words: AccountWords::of(language),
        held: accounts.feeds_held().await?.into_iter().map(row).collect(),
        feeds: accounts.feeds(FEEDS_MAX).await?.into_iter().map(row).collect(),
        rows: rows
            .into_iter()
            .map(|(name, having)| having_row(language, name, seen.get(&having.school), having))
            .collect(),
        pages,
    };
    Ok(html(StatusCode::OK, &page))
}

impl FeedRow {
    pub(super) fn of(language: Language, feed: Feed) -> Self {
        let words = AccountWords::of(language);
        let giver = if feed.giver.is_empty() { words.by_command } else { &feed.giver };
        Self { at: time::written(language, feed.at), giver: giver.to_owned(), feed }
    }
}

/// The schools whose accounts the visitor may see.
#[derive(Debug)]
pub(super) struct Mine(BTreeMap<Uai, School>);

impl Mine {
    pub(super) async fn read(console: &Console, visit: &Visit) -> anyhow::Result<Self> {
        let database = &console.parts.database;
        let mut groups: BTreeMap<Uai, Vec<GroupName>> = BTreeMap::new();
        for (group, school) in schools::members(database).await? {
            groups.entry(school).or_default().push(group);
        }
        let schools = schools::all(database).await?.into_iter();
        let mine = schools.filter(|school| {
            let groups = groups.get(&school.uai).map_or(&[][..], Vec::as_slice);
            visit.covers(Right::Accounts, school, groups)
        });
        Ok(Self(mine.map(|school| (school.uai.clone(), school)).collect()))
    }

    /// The name of the school; none where it is not among them.
    pub(super) fn name(&self, school: &Uai) -> Option<&str> {
        self.0.get(school).map(|school| school.name.as_str())
    }

    /// Their codes.
    pub(super) fn codes(&self) -> impl Iterator<Item = &Uai> {
        self.0.keys()
    }
}

fn having_row(language: Language, name: String, seen: Option<&Seen>, having: Having) -> HavingRow {
    let words = AccountWords::of(language);
    let in_force = seen.map(|seen| &seen.report.in_force);
    let taken = in_force.map_or(0, |in_force| in_force.accounts);
    let refused = in_force.and_then(|in_force| in_force.refused.as_ref());
    let refused = refused.filter(|refused| refused.what == "accounts" && taken < having.sequence);
    let (class, state) = if having.sequence == 0 {
        ("off", words.awaits_box)
    } else if taken >= having.sequence {
        ("ok", words.taken)
    } else if refused.is_some() {
        ("bad", words.not_taken)
    } else {
        ("away", words.on_its_way)
    };
    HavingRow {
        code: having.school.as_str().to_owned(),
        name,
        at: time::written(language, having.at),
        taken,
        class,
        state,
        why: refused.map(|refused| refused.sentence.clone()).unwrap_or_default(),
        having,
    }
}
