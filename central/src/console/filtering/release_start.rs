//! Which versions are brought to the schools, and in which stages.

use std::{collections::BTreeSet, sync::Arc};

use askama::Template;
use axum::{Extension, Form, extract::State, http::StatusCode};
use serde::Deserialize;

use super::{
    draft::told,
    fields::{Fields, Sent},
    places::place_name,
};
use crate::{
    console::{
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        visit::{Sought, Visit},
        words::ReleaseWords,
    },
    fleet::{
        policy::{self, Plan, REASON_CHARS_MAX, Reach, Stage, Then, Wanted},
        schools,
    },
    words::{Place, Right},
};

const START: &str = "/filtrage/livraison";

#[derive(Debug, Template)]
#[template(path = "console/filtering_release_start.html")]
struct StartPage<'a> {
    frame: Frame<'a>,
    words: &'static ReleaseWords,
    versions: Vec<Candidate>,
    reason_max: usize,
}

/// A version that can be released.
#[derive(Debug)]
struct Candidate {
    value: String,
    name: String,
    number: u64,
    settled: u64,
    is_chosen: bool,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Which {
    #[serde(default)]
    lieu: String,
    version: Option<u64>,
}

pub(super) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Sought(which): Sought<Which>,
) -> Answer {
    visit.has(Right::Publish)?;
    let (database, language) = (&console.parts.database, visit.language());
    let wanted = Wanted::read(database).await?;
    let named = Place::read(&which.lieu).zip(which.version);
    let mut versions = Vec::new();
    for (place, latest) in policy::places(database).await? {
        let settled = wanted.settled(&place);
        let chosen = named.as_ref().filter(|(known, _)| *known == place).map(|(_, number)| *number);
        let number = chosen.unwrap_or(latest);
        if number == settled || visit.may(database, Right::Publish, &place).await.is_err() {
            continue;
        }
        versions.push(Candidate {
            value: format!("{place}:{number}"),
            name: place_name(language, &place),
            number,
            settled,
            is_chosen: chosen.is_some(),
        });
    }
    let (frame, words) = (console.frame(&visit, Some(Here::Filtering)), ReleaseWords::of(language));
    Ok(html(StatusCode::OK, &StartPage { frame, words, versions, reason_max: REASON_CHARS_MAX }))
}

pub(super) async fn start(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    form: Sent,
) -> Answer {
    visit.has(Right::Publish)?;
    let Form(form) = form?;
    let (database, words) = (&console.parts.database, ReleaseWords::of(visit.language()));
    let (mut versions, mut granted) = (Vec::new(), Vec::new());
    for text in form.all("version") {
        let (place, number) = text.rsplit_once(':').ok_or(Refused::Unread)?;
        let place = Place::read(place).ok_or(Refused::Unread)?;
        granted.push(visit.may(database, Right::Publish, &place).await?);
        versions.push((place, number.parse().map_err(|_| Refused::Unread)?));
    }
    let departements: BTreeSet<_> = schools::all(database)
        .await?
        .into_iter()
        .map(|school| Place::Departement(school.departement))
        .collect();
    let Some(plan) = plan_of(&form, departements) else {
        return Ok(go_saying(START, &Message::Bad(words.plan_wrong.to_owned())));
    };
    let mut write = database.write().await?;
    let begun = policy::start(&mut write, &granted, &versions, &plan, form.one("motif"), visit.now).await;
    match begun {
        Ok(release) => {
            write.commit().await?;
            let message = Message::Good(words.started.to_owned());
            Ok(go_saying(&format!("{START}/{}", release.id), &message))
        }
        Err(refused) => told(&visit, START, refused),
    }
}

/// The plan that a form says; none where it cannot be one.
fn plan_of(form: &Fields, departements: BTreeSet<Place>) -> Option<Plan> {
    let then = match form.one("minutes") {
        "" => Then::Person,
        minutes => Then::Minutes(minutes.parse().ok()?),
    };
    let effective_percent = form.one("appliquee").parse().ok()?;
    let stage = |reach| Stage { reach, then, effective_percent };
    let mut stages = Vec::new();
    match form.one("plan") {
        "tout" => return Some(Plan::at_once()),
        "etapes" => {
            let pilots = form.words("pilotes");
            let pilots: Vec<_> = pilots.iter().map(|text| Place::read(text)).collect::<Option<_>>()?;
            if !pilots.is_empty() {
                stages.push(stage(Reach::Places(pilots)));
            }
            for percent in form.words("parts") {
                stages.push(stage(Reach::Percent(percent.trim_end_matches('%').parse().ok()?)));
            }
        }
        "departements" => {
            stages.extend(departements.into_iter().map(|place| stage(Reach::Places(vec![place]))));
        }
        _ => return None,
    }
    stages.push(stage(Reach::All));
    Plan::new(stages).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(query: &str) -> Option<Plan> {
        let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        plan_of(&Fields::from(fields), BTreeSet::from([Place::read("departement/80").unwrap()]))
    }

    #[test]
    fn a_plan_is_what_the_form_says() {
        assert_eq!(plan("plan=tout&appliquee=90"), Some(Plan::at_once()));
        let stages = plan("plan=etapes&pilotes=groupe/rep-plus&parts=10+50&minutes=60&appliquee=90").unwrap();
        let reach: Vec<_> = stages.stages().iter().map(|stage| stage.reach.clone()).collect();
        let pilots = Reach::Places(vec![Place::read("groupe/rep-plus").unwrap()]);
        assert_eq!(reach, [pilots, Reach::Percent(10), Reach::Percent(50), Reach::All]);
        assert_eq!(plan("plan=departements&appliquee=90&minutes=").unwrap().stages()[0].then, Then::Person);
        for wrong in
            ["plan=tout", "plan=etapes&parts=0&appliquee=90", "plan=etapes&pilotes=x&appliquee=1", ""]
        {
            assert_eq!(plan(wrong), None, "{wrong}");
        }
    }
}
