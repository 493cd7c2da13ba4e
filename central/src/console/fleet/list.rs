//! The page: counts by standing, a list cut into pages or a map.

use std::{collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{Extension, Router, extract::State, http::StatusCode, routing::get};

use super::{
    live,
    overview::{Filter, Overview, Stands},
};
use crate::{
    console::{
        language::Language,
        navigation::Here,
        page::{Frame, html},
        pages::Pages,
        refusal::Answer,
        road::Console,
        time,
        visit::{Sought, Visit},
        words::{FleetWords, finding_told, refused_told},
    },
    fleet::{observed::Seen, standing::Standing},
    words::{GroupName, Right},
};

#[derive(Debug, Template)]
#[template(path = "console/fleet.html")]
struct FleetPage<'a> {
    frame: Frame<'a>,
    words: &'static FleetWords,
    filter: &'a Filter,
    overview: &'a Overview,
    counts: Vec<Count>,
    pages: Pages,
    rows: Vec<Line<'a>>,
    map: BTreeMap<&'a str, Vec<Line<'a>>>,
    list_path: String,
    map_path: String,
    may_enter: bool,
    /// The schools whose boxes know more than the database, which was restored from a backup.
    restored: i64,
}

/// How many schools stand so.
#[derive(Debug)]
struct Count {
    standing: Standing,
    name: &'static str,
    number: usize,
    path: String,
    is_chosen: bool,
}

/// A school as a row or a square.
#[derive(Debug)]
struct Line<'a> {
    stands: &'a Stands,
    state: &'static str,
    /// What is wrong first, where something is.
    what: String,
    heard: String,
    version: &'a str,
    /// The view in force and the one published, as `12 / 13`; empty where neither is known.
    view: String,
    is_behind: bool,
    groups: String,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new().route("/", get(list)).route("/live", get(live::follow))
}

async fn list(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(filter): Sought<Filter>,
) -> Answer {
    let overview = Overview::read(&console, &visit, &filter).await?;
    let language = visit.language();
    let counts = Standing::ALL.iter().filter_map(|standing| {
        let number = *overview.counts.get(standing)?;
        let is_chosen = filter.etat == standing.address_word();
        let towards = if is_chosen { "" } else { standing.address_word() };
        let path = format!("/?{}", filter.written(Some(towards), None));
        Some(Count { standing: *standing, name: standing.name(language), number, path, is_chosen })
    });
    let counts = counts.collect();
    let pages = Pages::new(overview.taken.len(), filter.page, "/", &filter.written(None, None));
    let line = |stands| line(&overview, stands, &visit);
    let mut map: BTreeMap<&str, Vec<Line<'_>>> = BTreeMap::new();
    let mut rows = Vec::new();
    if filter.is_map() {
        for stands in &overview.taken {
            map.entry(stands.school.departement.as_str()).or_default().push(line(stands));
        }
    } else {
        rows = pages.cut(overview.taken.iter().collect()).into_iter().map(line).collect();
    }
    let page = FleetPage {
        frame: console.frame(&visit, Some(Here::Fleet)),
        words: FleetWords::of(language),
        filter: &filter,
        overview: &overview,
        counts,
        pages,
        rows,
        map,
        list_path: format!("/?{}", filter.written(None, Some(""))),
        map_path: format!("/?{}", filter.written(None, Some("carte"))),
        may_enter: visit.actor().has(Right::Enrol),
        restored: console.parts.channel.restored().await?,
    };
    Ok(html(StatusCode::OK, &page))
}

fn line<'a>(overview: &'a Overview, stands: &'a Stands, visit: &Visit) -> Line<'a> {
    let (uai, language, known) = (&stands.school.uai, visit.language(), &overview.known);
    let published = known.published.get(uai).copied().unwrap_or(0);
    let in_force = known.seen.get(uai).map(|seen| seen.report.in_force.view);
    let view = match in_force {
        Some(in_force) => format!("{in_force} / {published}"),
        None if published > 0 => format!("– / {published}"),
        None => String::new(),
    };
    let groups: Vec<_> = stands.groups.iter().map(GroupName::as_str).collect();
    Line {
        stands,
        state: stands.standing.name(language),
        what: known.seen.get(uai).map(|seen| first_told(language, stands.standing, seen)).unwrap_or_default(),
        heard: known.heard(uai).map(|at| time::ago(language, at, visit.now)).unwrap_or_default(),
        version: overview.version(uai),
        view,
        is_behind: in_force.is_some_and(|in_force| in_force < published),
        groups: groups.join(", "),
    }
}

/// The gravest thing that a school in trouble says of itself.
fn first_told(language: Language, standing: Standing, seen: &Seen) -> String {
    if !matches!(standing, Standing::Wrong | Standing::Warning) {
        return String::new();
    }
    let finding = seen.report.findings.first().map(|finding| finding_told(language, &finding.code).what);
    let refused = || {
        let refused = seen.report.in_force.refused.as_ref()?;
        Some(refused_told(language, &refused.what, &refused.why).what)
    };
    finding.or_else(refused).unwrap_or_default()
}
