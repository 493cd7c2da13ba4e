//! The page and the CSV.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{
    Extension, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse as _,
    routing::get,
};
use preau::model::{Moment, Uai};
use serde::Deserialize;

use super::chart::{Columns, Rows};
use crate::{
    console::{
        filtering::place_name,
        language::Language,
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        time,
        visit::{Sought, Visit},
        words::{StatisticsWords, asker_name, ground_name},
    },
    fleet::{
        schools,
        statistics::{self, Answered, PERSONS_MIN, Shown, Span},
    },
    words::{Place, Right},
};

/// Grounds in the chart; the table has all.
const GROUNDS_DRAWN: usize = 12;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    lieu: String,
    uai: String,
    par: String,
}

#[derive(Debug, Template)]
#[template(path = "console/statistics.html")]
struct StatisticsPage<'a> {
    frame: Frame<'a>,
    words: &'static StatisticsWords,
    place: String,
    places: Vec<(String, String, bool)>,
    uai: &'a str,
    spans: Vec<(&'static str, &'static str, bool)>,
    csv: String,
    persons_min: u64,
    is_empty: bool,
    columns: Columns,
    periods: Vec<PeriodRow>,
    refusals: Rows,
    grounds: Vec<(String, u64, u64)>,
    groups: Vec<(String, u64, u64, u64, String)>,
}

/// A day, a week or a month of which something was counted, as a row of the table.
#[derive(Debug)]
struct PeriodRow {
    label: String,
    /// Allowed, refused, and the share of refused; or why these are not shown.
    answered: Result<(u64, u64, String), &'static str>,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new().route("/statistiques", get(show)).route("/statistiques.csv", get(table))
}

async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(asked): Sought<Asked>,
) -> Answer {
    let language = visit.language();
    let words = StatisticsWords::of(language);
    let places = places(&console, &visit).await?;
    let (place, span) = asked.of(&places)?;
    let shown = shown(&console, &visit, &place, span).await?;
    let label = |start: i64| written(language, span, start);
    let drawn = shown.periods.iter().map(|period| {
        let (allowed, refused) = match period.answered {
            Answered::Questions { allowed, refused } => (allowed, refused),
            Answered::Nothing | Answered::TooFew => (0, 0),
        };
        let title =
            format!("{} : {allowed} {}, {refused} {}", label(period.start), words.allowed, words.refused);
        (label(period.start), title, allowed, refused)
    });
    let row = |period: &statistics::Period| {
        let answered = match period.answered {
            Answered::Questions { allowed, refused } => {
                Ok((allowed, refused, share(language, allowed, refused)))
            }
            Answered::TooFew => Err(words.too_few),
            Answered::Nothing => return None,
        };
        Some(PeriodRow { label: label(period.start), answered })
    };
    let named = |ground: &Option<String>| match ground {
        Some(ground) => ground_name(language, ground),
        None => words.few_questions.to_owned(),
    };
    let refused = shown.grounds.iter().filter(|one| one.refused > 0).take(GROUNDS_DRAWN);
    let page = StatisticsPage {
        frame: console.frame(&visit, Some(Here::Statistics)),
        words,
        place: place_name(language, &place),
        places: places
            .iter()
            .map(|one| (one.to_string(), place_name(language, one), *one == place))
            .collect(),
        uai: asked.uai.trim(),
        spans: Span::ALL.map(|one| (one.word(), span_name(words, one), one == span)).into_iter().collect(),
        csv: asked.csv_path(),
        persons_min: PERSONS_MIN,
        is_empty: shown.is_empty(),
        columns: Columns::new(&drawn.collect::<Vec<_>>()),
        periods: shown.periods.iter().rev().filter_map(row).collect(),
        refusals: Rows::new(refused.map(|one| (named(&one.ground), one.refused))),
        grounds: shown.grounds.iter().map(|one| (named(&one.ground), one.allowed, one.refused)).collect(),
        groups: shown.groups.iter().map(|group| group_row(language, group)).collect(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// The same as CSV: what each line counts, which one it is, questions allowed and refused, persons where that is known.
async fn table(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(asked): Sought<Asked>,
) -> Answer {
    let language = visit.language();
    let words = StatisticsWords::of(language);
    let places = places(&console, &visit).await?;
    let (place, span) = asked.of(&places)?;
    let shown = shown(&console, &visit, &place, span).await?;
    let bytes = csv(&place, span, &shown, words, language).map_err(anyhow::Error::from)?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"statistiques.csv\""),
    ];
    Ok((headers, bytes).into_response())
}

fn csv(
    place: &Place,
    span: Span,
    shown: &Shown,
    words: &StatisticsWords,
    language: Language,
) -> Result<Vec<u8>, csv::Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(["lieu", "mesure", "valeur", "autorisees", "refusees", "personnes"])?;
    let place = place.to_string();
    for period in &shown.periods {
        let Answered::Questions { allowed, refused } = period.answered else { continue };
        let start = statistics::day_written(period.start);
        csv.write_record([&place, span.word(), &start, &allowed.to_string(), &refused.to_string(), ""])?;
    }
    for group in &shown.groups {
        let who = askers(language, &group.who);
        let counts = [group.allowed, group.refused, group.persons].map(|count| count.to_string());
        csv.write_record([&place, "groupe", &who, &counts[0], &counts[1], &counts[2]])?;
    }
    for one in &shown.grounds {
        let ground = one.ground.as_deref().unwrap_or(words.few_questions);
        csv.write_record([&place, "motif", ground, &one.allowed.to_string(), &one.refused.to_string(), ""])?;
    }
    Ok(csv.into_inner().unwrap_or_default())
}

async fn shown(console: &Console, visit: &Visit, place: &Place, span: Span) -> Result<Shown, Refused> {
    let database = &console.parts.database;
    visit.may(database, Right::See, place).await?;
    let today = statistics::day_of(visit.now);
    Ok(Shown::of(&statistics::read(database, place, span, today).await?))
}

/// The places that the visitor may look at, but for schools, which are too many to be chosen from.
async fn places(console: &Console, visit: &Visit) -> Result<Vec<Place>, Refused> {
    visit.has(Right::See)?;
    let database = &console.parts.database;
    let mut all = BTreeSet::from([Place::Academie]);
    let schools = schools::all(database).await?;
    all.extend(schools.into_iter().map(|school| Place::Departement(school.departement)));
    all.extend(schools::groups(database).await?.into_iter().map(Place::Group));
    let mut seen = Vec::new();
    for place in all {
        if visit.may(database, Right::See, &place).await.is_ok() {
            seen.push(place);
        }
    }
    Ok(seen)
}

impl Asked {
    /// The place and the span asked for: the first of `places` and months where nothing is said.
    fn of(&self, places: &[Place]) -> Result<(Place, Span), Refused> {
        let span = Span::read(&self.par).unwrap_or(Span::Month);
        let place = match (self.uai.trim(), self.lieu.trim()) {
            ("", "") => places.first().cloned().ok_or(Refused::NotGranted(Right::See))?,
            ("", lieu) => Place::read(lieu).ok_or(Refused::NoSuchPage)?,
            (uai, _) => Place::School(Uai::new(uai).ok_or(Refused::NoSuchPage)?),
        };
        Ok((place, span))
    }

    fn csv_path(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [("lieu", &self.lieu), ("uai", &self.uai), ("par", &self.par)] {
            if !value.trim().is_empty() {
                query.append_pair(name, value.trim());
            }
        }
        format!("/statistiques.csv?{}", query.finish())
    }
}

fn group_row(language: Language, group: &statistics::Group) -> (String, u64, u64, u64, String) {
    let share = share(language, group.allowed, group.refused);
    (askers(language, &group.who), group.persons, group.allowed, group.refused, share)
}

fn askers(language: Language, who: &[String]) -> String {
    who.iter().map(|who| asker_name(language, who)).collect::<Vec<_>>().join(" + ")
}

/// The share of refused questions, in per cent with one decimal.
fn share(language: Language, allowed: u64, refused: u64) -> String {
    let all = u128::from(allowed) + u128::from(refused);
    let thousandths = (u128::from(refused) * 1000 + all / 2).checked_div(all).unwrap_or(0);
    let point = if language == Language::French { ',' } else { '.' };
    format!("{}{point}{} %", thousandths / 10, thousandths % 10)
}

fn span_name(words: &StatisticsWords, span: Span) -> &'static str {
    match span {
        Span::Day => words.by_day,
        Span::Week => words.by_week,
        Span::Month => words.by_month,
    }
}

/// A day, the Monday of a week, or a month.
fn written(language: Language, span: Span, start: i64) -> String {
    let form = match (span, language) {
        (Span::Month, _) => "%m/%Y",
        (Span::Day | Span::Week, Language::French) => "%d/%m",
        (Span::Day | Span::Week, Language::English) => "%d %b",
    };
    time::form_of(Moment::from_unix_seconds(start.saturating_mul(86_400)), form)
}
