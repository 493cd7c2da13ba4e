//! `/demandes`: what one asked for oneself, with the answers.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Query, State},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::routes::not_for_you;
use crate::{
    admin::{Act, Request, State as Standing, Wish},
    model::{AccountId, ClassName, Moment, Role},
    portal::{
        asked::Asked,
        language::Language,
        navigation::Place,
        page::{Frame, written},
        secure::{Secure, html},
        time_of_day,
        visitor::Visitor,
        words::{RequestWords, TeacherWords},
    },
};

/// Requests that the page shows.
const SHOWN: usize = 40;

/// What a redirect says that happened.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Happened {
    /// Present after a request was sent.
    fait: Option<String>,
}

#[derive(Debug, Template)]
#[template(path = "portal/pupil/requests.html")]
struct OwnRequestsPage<'a> {
    frame: Frame<'a>,
    words: &'static RequestWords,
    is_sent: bool,
    requests: Vec<Own>,
}

#[derive(Debug)]
struct Own {
    site: String,
    is_to_close: bool,
    state: &'static str,
    answer: String,
    /// What the one who answered wrote.
    text: String,
    class: String,
    made: String,
    made_utc: String,
    reason: String,
}

pub(super) async fn show(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    Query(happened): Query<Happened>,
    asked: Asked,
) -> Response {
    let language = asked.language;
    let granted = match secure.granted(&visitor, &asked, Act::AskToOpen, not_for_you(language)) {
        Ok(granted) => granted,
        Err(page) => return *page,
    };
    let account = granted.account();
    let words = RequestWords::of(language);
    let requests = match secure.acts.requests.own(&granted).await {
        Ok(requests) => requests,
        Err(_) => {
            let text = TeacherWords::of(language).disk_text();
            return secure.notice(&asked, StatusCode::SERVICE_UNAVAILABLE, words.mine, text, None);
        }
    };
    let now = secure.clock.now();
    let told = |request: &Request| told(language, request, &account.id, now);
    // Whoever answers has their own requests beside: that page is where they are.
    let place = match account.role {
        Role::Enseignant | Role::Referent => Place::Answers,
        Role::Eleve | Role::Administratif | Role::Invite => Place::Requests,
    };
    let page = OwnRequestsPage {
        frame: secure.house.frame(language, asked.switch("/demandes", None)).at(account.role, place),
        words,
        is_sent: happened.fait.is_some(),
        requests: requests.iter().take(SHOWN).map(told).collect(),
    };
    html(StatusCode::OK, written(&page))
}

fn told(language: Language, request: &Request, own: &AccountId, now: Moment) -> Own {
    let words = RequestWords::of(language);
    let (state, answer, text) = match &request.state {
        Standing::Asked => ("waiting", String::from(words.asked), ""),
        Standing::Opened { until, .. } if *until > now => {
            ("open", format!("{} {}", words.opened, time_of_day::hour(language, *until)), "")
        }
        Standing::Opened { until, .. } => {
            ("", format!("{} {}", words.was_opened, time_of_day::hour(language, *until)), "")
        }
        Standing::Refused { reason, .. } => ("closed", String::from(words.refused), reason.as_str()),
        Standing::PassedOn { .. } => ("waiting", String::from(words.passed_on), ""),
        Standing::Settled { granted: true, sentence, .. } => {
            ("open", String::from(words.granted), sentence.as_str())
        }
        Standing::Settled { granted: false, sentence, .. } => {
            ("closed", String::from(words.not_granted), sentence.as_str())
        }
    };
    let asking = request.askers.iter().find(|asking| asking.account == *own);
    let made = asking.map_or(request.made, |asking| asking.at);
    Own {
        site: request.site.to_string(),
        is_to_close: request.wish == Wish::Close,
        state,
        answer,
        text: text.to_owned(),
        class: request.class.as_ref().map_or("", ClassName::as_str).to_owned(),
        made: time_of_day::told(language, made, now),
        made_utc: made.to_string(),
        reason: asking.map_or_else(String::new, |asking| asking.reason.clone()),
    }
}
