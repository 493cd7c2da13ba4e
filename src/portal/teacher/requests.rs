//! `/enseignant/demandes`: what pupils ask for, and what a teacher answers.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Form, Query, State, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    decide::lasts,
    overview::{Happened, not_yours},
    told::{EVENING, choices, decided},
    whom::{Wrong, status_of},
};
use crate::{
    admin::{Act, Answer, Granted, NotDone, Request, State as Standing, Wish},
    model::{ClassName, Role},
    portal::{
        asked::Asked,
        language::Language,
        navigation::Place,
        page::{Frame, written},
        secure::{Secure, html, see_other},
        time_of_day,
        visitor::Visitor,
        words::{RequestWords, TeacherWords},
    },
};

/// Answered requests that the page still shows.
const ANSWERED_SHOWN: usize = 20;

/// Reasons shown of one request.
const REASONS_SHOWN: usize = 12;

#[derive(Debug, Template)]
#[template(path = "portal/teacher/requests.html")]
struct RequestsPage<'a> {
    frame: Frame<'a>,
    words: &'static TeacherWords,
    done: Option<(String, Option<i64>)>,
    wrong: Option<String>,
    choices: Vec<(String, String)>,
    waiting: Vec<Waiting>,
    answered: Vec<Answered>,
}

#[derive(Debug)]
struct Waiting {
    number: i64,
    site: String,
    is_to_close: bool,
    class: String,
    count: String,
    made: String,
    made_utc: String,
    /// Names, where the reader may know them, and reasons.
    reasons: Vec<(Option<String>, String)>,
}

#[derive(Debug)]
struct Answered {
    site: String,
    class: String,
    is_to_close: bool,
    state: &'static str,
    answer: String,
    /// What the académie says.
    text: String,
}

/// A teacher's answer, as the form sends it.
#[derive(Debug, Deserialize)]
pub(super) struct AnswerForm {
    numero: i64,
    reponse: String,
    #[serde(default)]
    duree: String,
    #[serde(default)]
    raison: String,
}

pub(super) async fn show(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    Query(happened): Query<Happened>,
    asked: Asked,
) -> Response {
    match secure.granted(&visitor, &asked, Act::AnswerRequests, not_yours(asked.language)) {
        Ok(granted) => secure.requests_page(&asked, &granted, &happened, None).await,
        Err(page) => *page,
    }
}

pub(super) async fn answer(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    form: Result<Form<AnswerForm>, FormRejection>,
) -> Response {
    let language = asked.language;
    let granted = match secure.granted(&visitor, &asked, Act::AnswerRequests, not_yours(language)) {
        Ok(granted) => granted,
        Err(page) => return *page,
    };
    let Ok(Form(form)) = form else { return secure.form_unread(&asked) };
    let answer = match form.reponse.as_str() {
        "ouvrir" => lasts(&form.duree).map(Answer::Open),
        "refuser" => Some(Answer::Refuse(form.raison)),
        "transmettre" => Some(Answer::PassOn(form.raison)),
        _ => return secure.form_unread(&asked),
    };
    let answered = match answer {
        Some(answer) => secure.acts.requests.answer(&granted, form.numero, answer, secure.clock.now()).await,
        None => Err(NotDone::Lasting),
    };
    match answered {
        Ok(Some(running)) => see_other(&format!("/enseignant/demandes?fait={}", running.number)),
        Ok(None) => see_other("/enseignant/demandes?repondu=1"),
        Err(refused) => {
            let wrong = Wrong::new(language, &refused, "", "");
            secure.requests_page(&asked, &granted, &Happened::default(), Some(wrong)).await
        }
    }
}

impl Secure {
    async fn requests_page(
        &self,
        asked: &Asked,
        granted: &Granted,
        happened: &Happened,
        wrong: Option<Wrong>,
    ) -> Response {
        let language = asked.language;
        let words = TeacherWords::of(language);
        let requests = match self.acts.requests.to_answer(granted).await {
            Ok(requests) => requests,
            Err(refused) => {
                return self.notice(asked, status_of(&refused), words.requests, words.disk_text(), None);
            }
        };
        let now = self.clock.now();
        let mut choices = choices(language, &self.acts.openings, false, now);
        choices.push((String::from(EVENING), String::from(words.until_evening)));
        let (waiting, answered): (Vec<_>, Vec<_>) =
            requests.iter().partition(|request| request.state == Standing::Asked);
        let switch = asked.switch("/enseignant/demandes", None);
        let status = wrong.as_ref().map_or(StatusCode::OK, |wrong| wrong.status);
        let page = RequestsPage {
            frame: self.house.frame(language, switch).at(granted.account().role, Place::Answers),
            words,
            done: self.answered(language, happened),
            wrong: wrong.map(|wrong| wrong.text),
            choices,
            waiting: waiting.into_iter().map(|one| self.waiting_request(language, granted, one)).collect(),
            answered: answered.into_iter().take(ANSWERED_SHOWN).map(|one| told(language, one)).collect(),
        };
        html(status, written(&page))
    }

    /// What the page says that happened.
    fn answered(&self, language: Language, happened: &Happened) -> Option<(String, Option<i64>)> {
        if let Some(number) = happened.fait.as_deref().and_then(|number| number.parse().ok()) {
            return self.acts.openings.find(number).map(|one| (decided(language, &one), Some(number)));
        }
        let words = TeacherWords::of(language);
        happened.repondu.as_ref().map(|_| (String::from(words.answer_kept), None))
    }

    /// A request with its reasons. A teacher reads the names of pupils of their own classes; the referent, who answers for
    /// everybody, only of those who ask without a class.
    fn waiting_request(&self, language: Language, granted: &Granted, request: &Request) -> Waiting {
        let reader = granted.account();
        let may_know = reader.role == Role::Enseignant || request.class.is_none();
        let named = |asking: &crate::admin::Asking| {
            let account = self.identity.account(&asking.account).filter(|_| may_know);
            (account.map(|account| account.display_name.clone()), asking.reason.clone())
        };
        let reasons = request.askers.iter().map(named);
        let reasons = reasons.filter(|(name, reason)| name.is_some() || !reason.is_empty());
        Waiting {
            number: request.number,
            site: request.site.to_string(),
            is_to_close: request.wish == Wish::Close,
            class: class_of(language, request),
            count: language.asked_by(request.askers.len()),
            made: time_of_day::told(language, request.made, self.clock.now()),
            made_utc: request.made.to_string(),
            reasons: reasons.take(REASONS_SHOWN).collect(),
        }
    }
}

fn class_of(language: Language, request: &Request) -> String {
    let none = TeacherWords::of(language).without_class;
    request.class.as_ref().map_or(none, ClassName::as_str).to_owned()
}

fn told(language: Language, request: &Request) -> Answered {
    let words = RequestWords::of(language);
    let (state, answer) = match &request.state {
        Standing::Asked => ("waiting", String::from(words.asked)),
        Standing::Opened { until, .. } => {
            ("open", format!("{} {}", words.opened, time_of_day::hour(language, *until)))
        }
        Standing::Refused { .. } => ("closed", String::from(words.refused)),
        Standing::PassedOn { .. } => ("waiting", String::from(words.passed_on)),
        Standing::Settled { granted: true, .. } => ("open", String::from(words.granted)),
        Standing::Settled { granted: false, .. } => ("closed", String::from(words.not_granted)),
    };
    let text = match &request.state {
        Standing::Settled { sentence, .. } => sentence.clone(),
        _ => String::new(),
    };
    Answered {
        site: request.site.to_string(),
        class: class_of(language, request),
        is_to_close: request.wish == Wish::Close,
        state,
        answer,
        text,
    }
}
