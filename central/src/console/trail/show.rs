//! The page and the CSV.

use std::{str::FromStr as _, sync::Arc};

use askama::Template;
use axum::{
    Extension, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse as _,
    routing::get,
};
use jiff::{civil::Date, tz::TimeZone};
use preau::model::Moment;
use serde::Deserialize;

use crate::{
    audit::{self, Line, Who},
    console::{
        filtering::place_name,
        navigation::Here,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        time,
        visit::{Sought, Visit},
        words::{TrailWords, act_name},
    },
    fleet::schools,
    people::{self, Person},
    words::{PersonId, Place, Right},
};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    personne: String,
    acte: String,
    du: String,
    au: String,
    avant: String,
}

#[derive(Debug, Template)]
#[template(path = "console/trail.html")]
struct TrailPage<'a> {
    frame: Frame<'a>,
    words: &'static TrailWords,
    asked: &'a Asked,
    persons: Vec<Person>,
    rows: Vec<Row>,
    older: Option<String>,
    csv: String,
}

#[derive(Debug)]
struct Row {
    number: i64,
    at: String,
    at_machine: String,
    who: String,
    act: String,
    /// The trail's own word: what the field above searches by.
    word: String,
    place: String,
    text: String,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new().route("/journal", get(show)).route("/journal.csv", get(table))
}

async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(asked): Sought<Asked>,
) -> Answer {
    visit.has(Right::Audit)?;
    let (database, language) = (&console.parts.database, visit.language());
    let words = TrailWords::of(language);
    let filter = asked.filter(&console, &visit).await?;
    let lines = audit::read(database, &filter, asked.avant.parse().ok()).await?;
    let is_full = i64::try_from(lines.len()).is_ok_and(|count| count >= audit::LINES_MAX);
    let older = lines.last().filter(|_| is_full).map(|last| asked.path("/journal", Some(last.number)));
    let row = |line: Line| Row {
        number: line.number,
        at: time::written(language, line.at),
        at_machine: time::machine(line.at),
        who: if line.who == Who::Central { words.central.to_owned() } else { line.who.to_string() },
        act: act_name(language, &line.act).to_owned(),
        word: line.act,
        place: line.place.map(|place| place_name(language, &place)).unwrap_or_default(),
        text: line.text,
    };
    let page = TrailPage {
        frame: console.frame(&visit, Some(Here::Trail)),
        words,
        persons: people::all(database).await?,
        rows: lines.into_iter().map(row).collect(),
        older,
        csv: asked.path("/journal.csv", None),
        asked: &asked,
    };
    Ok(html(StatusCode::OK, &page))
}

async fn table(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(asked): Sought<Asked>,
) -> Answer {
    visit.has(Right::Audit)?;
    let filter = asked.filter(&console, &visit).await?;
    let mut bytes = Vec::new();
    audit::write_csv(&console.parts.database, &filter, &mut bytes).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"journal.csv\""),
    ];
    Ok((headers, bytes).into_response())
}

impl Asked {
    /// What is asked for, within the places of which the visitor may read the trail.
    async fn filter(&self, console: &Console, visit: &Visit) -> anyhow::Result<audit::Filter> {
        let mut places = Vec::new();
        let granted = visit.actor().grants.iter().filter(|grant| grant.right == Right::Audit);
        for grant in granted.clone() {
            places.push(grant.place.clone());
            let below = schools::below(&console.parts.database, &grant.place).await?;
            places.extend(below.into_iter().map(Place::School));
        }
        if granted.clone().any(|grant| grant.place == Place::Academie) {
            places.clear();
        }
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Ok(audit::Filter {
            person: self.personne.parse().ok().map(PersonId),
            places,
            act: text(self.acte.trim()),
            from: day(&self.du, 0),
            to: day(&self.au, 1),
        })
    }

    fn path(&self, path: &str, before: Option<i64>) -> String {
        let Self { personne, acte, du, au, avant: _ } = self;
        let before = before.map(|before| before.to_string()).unwrap_or_default();
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in
            [("personne", personne), ("acte", acte), ("du", du), ("au", au), ("avant", &before)]
        {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("{path}?{}", query.finish())
    }
}

/// The beginning of a day of Paris, `later` days after `text`.
fn day(text: &str, later: i64) -> Option<Moment> {
    let zone = TimeZone::get("Europe/Paris").ok()?;
    let day = Date::from_str(text).ok()?.checked_add(jiff::Span::new().days(later)).ok()?;
    let begins = day.to_zoned(zone).ok()?;
    Some(Moment::from_unix_seconds(begins.timestamp().as_second()))
}
