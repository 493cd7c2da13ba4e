//! `/envois`: what one sent to the ENT while the line was down, and what became of it. Everybody sees their own alone.

use std::sync::Arc;

use askama::Template;
use axum::{Extension, Router, extract::State, http::StatusCode, response::Response, routing::get};

use super::{
    asked::Asked,
    language::Language,
    navigation::Place,
    page::{Frame, written},
    secure::{Secure, html, see_other},
    time_of_day,
    visitor::{Standing, Visitor},
    words::{SentWords, TeacherWords},
};
use crate::{
    ent::deferred::{Standing as Became, Told},
    model::Moment,
};

#[derive(Debug, Template)]
#[template(path = "portal/sent.html")]
struct SentPage<'a> {
    frame: Frame<'a>,
    words: &'static SentWords,
    sent: Vec<Row>,
}

/// Something that was sent.
#[derive(Debug)]
struct Row {
    site: String,
    receipt: String,
    state: &'static str,
    told: &'static str,
    hint: &'static str,
    at: String,
    at_utc: String,
    /// When it was settled; none while it waits.
    settled: Option<String>,
}

/// The road of this page.
pub(super) fn router() -> Router<Arc<Secure>> {
    Router::new().route("/envois", get(show))
}

async fn show(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let Standing::SignedIn(session) = visitor.standing(&secure.identity) else { return see_other("/") };
    let (language, account) = (asked.language, &session.account);
    let words = SentWords::of(language);
    let told = match &secure.fronting {
        Some(fronting) => fronting.cache.receipts(fronting.persons.of(&account.id)).await,
        None => Ok(Vec::new()),
    };
    let Ok(told) = told else {
        let text = TeacherWords::of(language).disk_text();
        return secure.notice(&asked, StatusCode::SERVICE_UNAVAILABLE, words.title, text, None);
    };
    let now = secure.clock.now();
    let page = SentPage {
        frame: secure.house.frame(language, asked.switch("/envois", None)).at(account.role, Place::Home),
        words,
        sent: told.iter().map(|told| row(language, told, now)).collect(),
    };
    html(StatusCode::OK, written(&page))
}

fn row(language: Language, told: &Told, now: Moment) -> Row {
    let words = SentWords::of(language);
    let (state, said, hint) = match told.standing {
        Became::Waiting => ("waiting", words.waiting, words.waiting_hint),
        Became::SignInNeeded => ("waiting", words.sign_in, words.sign_in_hint),
        Became::Done => ("open", words.done, ""),
        Became::Refused => ("closed", words.refused, words.refused_hint),
        Became::Expired => ("closed", words.expired, words.refused_hint),
    };
    Row {
        site: told.origin.clone(),
        receipt: told.receipt.to_string(),
        state,
        told: said,
        hint,
        at: time_of_day::told(language, told.taken, now),
        at_utc: told.taken.to_string(),
        settled: told.settled.map(|at| time_of_day::told(language, at, now)),
    }
}
