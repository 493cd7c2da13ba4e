//! A draft tried on what schools asked for in the last week.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use preau::model::{DefaultVerdict, Uai, ZoneKind};
use serde::Deserialize;

use super::{
    fields::{self, draft_path},
    places::place_name,
    test_before::{field, moment},
    whom::Choice,
};
use crate::{
    console::{
        language::Language,
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        visit::{Sought, Visit},
        words::{RehearsalWords, word_name},
    },
    fleet::{
        policy::{self, ByRule, Draft, Rehearsed, SCHOOLS_REHEARSED_MAX, WeekAsked},
        statistics,
    },
    words::{Place, Right},
};

#[derive(Debug, Template)]
#[template(path = "console/filtering_rehearse.html")]
struct RehearsePage<'a> {
    frame: Frame<'a>,
    words: &'static RehearsalWords,
    path: String,
    draft_path: String,
    place: String,
    schools: &'a str,
    zones: Vec<Choice>,
    is_closed_by_default: bool,
    at: String,
    error: Option<&'static str>,
    came: Option<Came>,
    are_lists_unknown: bool,
}

/// What came of it.
#[derive(Debug)]
struct Came {
    schools: String,
    rehearsed: Rehearsed,
    rules: Vec<RuleRow>,
}

#[derive(Debug)]
struct RuleRow {
    rule: String,
    before: String,
    closed: u64,
    opened: u64,
    names: Vec<(String, u64)>,
}

/// What is to be tried, as the address writes it; nothing is, until a zone is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    etablissements: String,
    zone: String,
    defaut: String,
    quand: String,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(id): Path<i64>,
    Sought(wanted): Sought<Wanted>,
) -> Answer {
    let language = visit.language();
    let words = RehearsalWords::of(language);
    let (draft, _) = fields::draft(&console, &visit, Right::See, id).await?;
    let lists = console.parts.lists.borrow().clone();
    let (mut error, mut came) = (None, None);
    if !wanted.zone.is_empty() {
        match asked(&console, &visit, &draft, &wanted).await? {
            None => error = Some(words.wrong),
            Some(asked) if asked.schools.is_empty() => error = Some(words.none),
            Some(asked) => {
                let (database, of) = (&console.parts.database, (&draft.place, &draft.document));
                // The database is asked first by itself: what fails after that is the draft.
                policy::places(database).await?;
                match policy::rehearse_week(database, &lists, of, &asked, visit.now).await {
                    Ok(rehearsed) => came = Some(Came::new(language, &asked.schools, rehearsed)),
                    Err(_) => error = Some(words.untaken),
                }
            }
        }
    }
    let page = RehearsePage {
        frame: console.frame(&visit, Some(Here::Filtering)),
        words,
        path: format!("{}/semaine", draft_path(id)),
        draft_path: draft_path(id),
        place: place_name(language, &draft.place),
        schools: wanted.etablissements.trim(),
        zones: ZoneKind::ALL
            .map(|kind| {
                Choice::new(kind.word(), word_name(language, kind.word()), kind.word() == wanted.zone)
            })
            .into_iter()
            .collect(),
        is_closed_by_default: wanted.defaut == "block",
        at: field(moment(&wanted.quand).unwrap_or(visit.now)),
        error,
        are_lists_unknown: came.is_some() && !lists.are_known(),
        came,
    };
    Ok(html(StatusCode::OK, &page))
}

/// What is to be tried; none where it cannot be read. Schools that the visitor may not look at are refused.
async fn asked(
    console: &Console,
    visit: &Visit,
    draft: &Draft,
    wanted: &Wanted,
) -> Result<Option<WeekAsked>, Refused> {
    let database = &console.parts.database;
    let mut schools = Vec::new();
    let codes = wanted.etablissements.split(|one: char| one == ',' || one.is_whitespace());
    for code in codes.filter(|code| !code.is_empty()).take(SCHOOLS_REHEARSED_MAX) {
        let Some(uai) = Uai::new(code) else { return Ok(None) };
        visit.may(database, Right::See, &Place::School(uai.clone())).await?;
        schools.push(uai);
    }
    if schools.is_empty() {
        // Whoever may look at the draft may look at the schools below its place.
        let (from, most) = (WeekAsked::first_day(visit.now), SCHOOLS_REHEARSED_MAX);
        schools = statistics::schools_with_names(database, &draft.place, from, most).await?;
    }
    let at = if wanted.quand.is_empty() { Some(visit.now) } else { moment(&wanted.quand) };
    let default = if wanted.defaut == "block" { DefaultVerdict::Block } else { DefaultVerdict::Allow };
    let zone = wanted.zone.parse().ok();
    Ok(at.zip(zone).map(|(at, zone)| WeekAsked { schools, zone, default, at }))
}

impl Came {
    fn new(language: Language, schools: &[Uai], mut rehearsed: Rehearsed) -> Self {
        let words = RehearsalWords::of(language);
        let name = |rule: &Option<(Place, String)>| match rule {
            Some((place, id)) => format!("{id} ({})", place_name(language, place)),
            None => words.no_rule.to_owned(),
        };
        let row = |rule: ByRule| {
            let ByRule { rule, before, closed, opened, names } = rule;
            RuleRow { rule: name(&rule), before: name(&before), closed, opened, names }
        };
        let rules = std::mem::take(&mut rehearsed.by_rule).into_iter().map(row).collect();
        let schools = schools.iter().map(Uai::as_str).collect::<Vec<_>>().join(", ");
        Self { schools, rehearsed, rules }
    }
}
