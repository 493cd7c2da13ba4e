//! The list: searched, filtered, cut into pages.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use askama::Template;
use axum::{Extension, Router, extract::State, http::StatusCode, routing::get};
use preau::model::Uai;
use serde::Deserialize;

use crate::{
    console::{
        navigation::Here,
        page::{Frame, html},
        pages::Pages,
        refusal::Answer,
        road::Console,
        visit::{Sought, Visit},
        words::FleetWords,
    },
    database::Database,
    fleet::schools::{self, School},
    words::{GroupName, Right},
};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    /// What is searched in name, town and code.
    q: String,
    departement: String,
    groupe: String,
    page: usize,
}

#[derive(Debug, Template)]
#[template(path = "console/fleet.html")]
struct FleetPage<'a> {
    frame: Frame<'a>,
    words: &'static FleetWords,
    filter: Filter,
    departements: BTreeSet<String>,
    groups: BTreeSet<String>,
    pages: Pages,
    rows: Vec<Line>,
    is_empty: bool,
}

/// A school as a row.
#[derive(Debug)]
struct Line {
    school: School,
    groups: String,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new().route("/", get(list))
}

async fn list(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(filter): Sought<Filter>,
) -> Answer {
    let database = &console.parts.database;
    let mut groups_of = groups_of(database).await?;
    let mut lines: Vec<Line> = Vec::new();
    let (mut departements, mut groups) = (BTreeSet::new(), BTreeSet::new());
    let mut is_empty = true;
    for school in schools::all(database).await? {
        let own = groups_of.remove(&school.uai).unwrap_or_default();
        if !visit.covers(Right::See, &school, &own) {
            continue;
        }
        is_empty = false;
        departements.insert(school.departement.as_str().to_owned());
        groups.extend(own.iter().map(|name| name.as_str().to_owned()));
        if filter.takes(&school, &own) {
            let groups: Vec<_> = own.iter().map(GroupName::as_str).collect();
            lines.push(Line { school, groups: groups.join(", ") });
        }
    }
    let pages = Pages::new(lines.len(), filter.page, "/", &filter.written());
    let rows = pages.cut(lines);
    let (frame, words) = (console.frame(&visit, Some(Here::Fleet)), FleetWords::of(visit.language()));
    let page = FleetPage { frame, words, filter, departements, groups, pages, rows, is_empty };
    Ok(html(StatusCode::OK, &page))
}

/// The groups of each school.
async fn groups_of(database: &Database) -> anyhow::Result<HashMap<Uai, Vec<GroupName>>> {
    let mut of: HashMap<Uai, Vec<GroupName>> = HashMap::new();
    for group in schools::groups(database).await? {
        for uai in schools::below(database, &crate::words::Place::Group(group.clone())).await? {
            of.entry(uai).or_default().push(group.clone());
        }
    }
    Ok(of)
}

impl Filter {
    fn takes(&self, school: &School, groups: &[GroupName]) -> bool {
        let School { uai, name, town, departement, .. } = school;
        let found = |text: &str| text.to_lowercase().contains(&self.q.trim().to_lowercase());
        (self.q.trim().is_empty() || found(name) || found(town) || found(uai.as_str()))
            && (self.departement.is_empty() || self.departement == departement.as_str())
            && (self.groupe.is_empty() || groups.iter().any(|group| group.as_str() == self.groupe))
    }

    /// The filter as a query, without the page.
    fn written(&self) -> String {
        let Self { q, departement, groupe, page: _ } = self;
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("q", q), ("departement", departement), ("groupe", groupe)] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}
