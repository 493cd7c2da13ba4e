//! The page of a school.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use preau::protocol::line::{Report, What};

use super::{acts, by_hand, enrolment};
use crate::{
    authority::{KnownBox, LivingToken},
    channel::ViewStanding,
    console::{
        navigation::Here,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        standing::Standing,
        time,
        visit::Visit,
        words::{SchoolWords, finding_name},
    },
    fleet::{
        observed::{self, Became, Seen},
        orders,
        schools::{self, School},
    },
    words::{Place, Right},
};

/// Orders and changes shown.
const SHOWN_MAX: usize = 30;

#[derive(Debug, Template)]
#[template(path = "console/school.html")]
struct SchoolPage<'a> {
    frame: Frame<'a>,
    words: &'static SchoolWords,
    school: &'a School,
    departement: &'a str,
    groups: Vec<String>,
    standing: Standing,
    state: &'static str,
    seen: Option<&'a Seen>,
    heard: String,
    heard_at: String,
    view: Option<ViewStanding>,
    published: String,
    findings: Vec<(&'static str, String)>,
    figures: Vec<(&'static str, String)>,
    known: Option<KnownBox>,
    enrolled: String,
    certificate_ends: String,
    token: Option<String>,
    orders: Vec<OrderRow>,
    history: Vec<(String, String)>,
    may_order: bool,
    may_enrol: bool,
}

/// An order as a row.
#[derive(Debug)]
struct OrderRow {
    what: String,
    by: String,
    given: String,
    class: &'static str,
    state: &'static str,
    text: String,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new()
        .route("/etablissement/nouveau", get(by_hand::ask).post(by_hand::take))
        .route("/etablissement/{uai}", get(show))
        .route("/etablissement/{uai}/ordre", post(acts::order))
        .route("/etablissement/{uai}/groupe", post(acts::group))
        .route("/etablissement/{uai}/jeton", post(enrolment::give))
        .route("/etablissement/{uai}/jeton/fichier", post(enrolment::file))
        .route("/etablissement/{uai}/jeton/retirer", post(enrolment::withdraw))
        .route("/etablissement/{uai}/revoquer", get(enrolment::ask_revoke).post(enrolment::propose_revoke))
}

async fn show(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    Path(code): Path<String>,
) -> Answer {
    let database = &console.parts.database;
    let (school, _) = visit.school(database, Right::See, &code).await?;
    let (uai, language) = (&school.uai, visit.language());
    let words = SchoolWords::of(language);
    let seen = observed::latest(database, uai).await?;
    let known = console.parts.authority.boxes().await?.into_iter().find(|known| known.school == *uai);
    let standing = Standing::of(seen.as_ref(), known.as_ref());
    let view = console.parts.channel.standing(uai).await?;
    let token = console.parts.authority.living_token(uai).await?;
    let groups = schools::above(database, uai).await?.into_iter().filter_map(|place| match place {
        Place::Group(name) => Some(name.as_str().to_owned()),
        _ => None,
    });
    let place = Place::School(uai.clone());
    let page = SchoolPage {
        frame: console.frame(&visit, Some(Here::Fleet)),
        words,
        school: &school,
        departement: school.departement.as_str(),
        groups: groups.collect(),
        standing,
        state: standing.name(language),
        heard: seen.as_ref().map(|seen| time::ago(language, seen.at, visit.now)).unwrap_or_default(),
        heard_at: seen.as_ref().map(|seen| time::written(language, seen.at)).unwrap_or_default(),
        published: view.as_ref().map(|view| time::written(language, view.published)).unwrap_or_default(),
        view,
        findings: seen.as_ref().map(|seen| findings(&visit, &seen.report)).unwrap_or_default(),
        figures: seen.as_ref().map(|seen| figures(words, &seen.report)).unwrap_or_default(),
        enrolled: known.as_ref().map(|known| time::written(language, known.enrolled)).unwrap_or_default(),
        certificate_ends: known
            .as_ref()
            .and_then(|known| known.certificate_ends)
            .map(|ends| time::written(language, ends))
            .unwrap_or_default(),
        known,
        token: token.map(|LivingToken { expires, .. }| time::written(language, expires)),
        orders: order_rows(&console, &visit, &school).await?,
        history: history(&console, &visit, &school).await?,
        may_order: visit.may(database, Right::Order, &place).await.is_ok(),
        may_enrol: visit.may(database, Right::Enrol, &place).await.is_ok(),
        seen: seen.as_ref(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// What is wrong, each with the class of its badge, in words.
fn findings(visit: &Visit, report: &Report) -> Vec<(&'static str, String)> {
    let class = |severity: &str| if severity == "wrong" { "bad" } else { "warn" };
    let words = SchoolWords::of(visit.language());
    let mut found: Vec<(&'static str, String)> = report
        .findings
        .iter()
        .map(|finding| (class(&finding.severity), finding_name(visit.language(), &finding.code)))
        .collect();
    if !report.open {
        found.insert(0, ("bad", words.closed.to_owned()));
    }
    if !report.clock_trusted {
        found.push(("warn", words.clock.to_owned()));
    }
    if let Some(refused) = &report.in_force.refused {
        found.push((
            "warn",
            format!("{} {} {} : {}", words.refused, refused.what, refused.number, refused.sentence),
        ));
    }
    found
}

fn figures(words: &SchoolWords, report: &Report) -> Vec<(&'static str, String)> {
    let figures = &report.figures;
    let megabytes = |bytes: u64| format!("{} Mo", bytes / 1_000_000);
    vec![
        (words.signed_in, figures.signed_in.to_string()),
        (words.machines, figures.machines.to_string()),
        (words.sign_ins_refused, figures.sign_ins_refused.to_string()),
        (words.allowed, figures.allowed.to_string()),
        (words.refused_questions, figures.refused.to_string()),
        (words.disk, format!("{} / {}", megabytes(figures.disk_free_bytes), megabytes(figures.disk_bytes))),
        (words.memory, megabytes(figures.memory_bytes)),
        (words.portal_certificate, format!("{} {}", figures.certificate_days, words.days)),
        (words.up, format!("{} h", report.up_seconds / 3600)),
    ]
}

async fn order_rows(console: &Console, visit: &Visit, school: &School) -> anyhow::Result<Vec<OrderRow>> {
    let (words, language) = (SchoolWords::of(visit.language()), visit.language());
    let given = orders::of(&console.parts.database, &school.uai).await?;
    let row = |given: orders::Given| {
        let (class, state, text) = match &given.outcome {
            Some(outcome) if outcome.well => ("ok", words.done, outcome.text.clone()),
            Some(outcome) => ("bad", words.failed, outcome.text.clone()),
            None if given.order.expires < visit.now.unix_seconds() => ("off", words.expired, String::new()),
            None => ("away", words.waits, String::new()),
        };
        let what = match &given.order.what {
            What::Diagnose {} => words.diagnose,
            What::Fetch {} => words.fetch,
            What::RenewCertificate {} => words.renew,
            What::AnswerRequest { .. } => words.answer,
        };
        let given_at = time::written(language, given.given);
        OrderRow { what: what.to_owned(), by: given.by, given: given_at, class, state, text }
    };
    Ok(given.into_iter().take(SHOWN_MAX).map(row).collect())
}

async fn history(console: &Console, visit: &Visit, school: &School) -> anyhow::Result<Vec<(String, String)>> {
    let (words, language) = (SchoolWords::of(visit.language()), visit.language());
    let changes = observed::history(&console.parts.database, &school.uai).await?;
    let told = |became: Became| match became {
        Became::Came => words.came.to_owned(),
        Became::Silent => words.fell_silent.to_owned(),
        Became::Began(finding) => format!("{} {}", words.began, finding_name(language, &finding.code)),
        Became::Ended(finding) => format!("{} {}", words.ended, finding_name(language, &finding.code)),
    };
    let row = |change: observed::Change| (time::written(language, change.at), told(change.what));
    Ok(changes.into_iter().take(SHOWN_MAX).map(row).collect())
}
