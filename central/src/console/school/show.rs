//! The page of a school.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};

use super::{
    acts, by_hand, enrolment, repairs,
    told::{self, OrderRow, Room, Rules, Task, Tunnel},
};
use crate::{
    authority::{KnownBox, LivingToken},
    channel::ViewStanding,
    console::{
        navigation::Here,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        time,
        visit::Visit,
        words::{RepairWords, SchoolWords},
    },
    fleet::{
        observed::{self, Seen},
        requests,
        schools::{self, School},
        standing::Standing,
    },
    words::{Place, Right},
};

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
    tasks: Vec<Task>,
    rules: Rules,
    channel: Vec<(&'static str, String)>,
    figures: Vec<(&'static str, String)>,
    room: Option<Room>,
    tunnel: Option<Tunnel>,
    repair_words: &'static RepairWords,
    repairs: repairs::Repairs,
    /// Requests of the school that wait; none where the visitor may not answer them.
    requests: Option<usize>,
    known: Option<KnownBox>,
    enrolled: String,
    certificate_ends: String,
    token: Option<String>,
    orders: Vec<OrderRow>,
    history: Vec<(String, String, String)>,
    may_order: bool,
    may_enrol: bool,
}

pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new()
        .route("/etablissement/nouveau", get(by_hand::ask).post(by_hand::take))
        .route("/etablissement/{uai}", get(show))
        .route("/etablissement/{uai}/ordre", post(acts::order))
        .route("/etablissement/{uai}/intervention", post(repairs::act))
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
    let may_answer = visit.may(database, Right::Answer, &place).await.is_ok();
    let channel = match &seen {
        Some(seen) => told::channel(&console, &visit, uai, &seen.report).await?,
        None => Vec::new(),
    };
    let page = SchoolPage {
        frame: console.frame(&visit, Some(Here::Fleet)),
        words,
        school: &school,
        departement: school.departement.as_str(),
        groups: groups.collect(),
        standing,
        state: standing.name(language),
        heard: seen.as_ref().map(|seen| time::told_ago(language, seen.at, visit.now)).unwrap_or_default(),
        heard_at: seen.as_ref().map(|seen| time::written(language, seen.at)).unwrap_or_default(),
        published: view.as_ref().map(|view| time::written(language, view.published)).unwrap_or_default(),
        view,
        tasks: told::tasks(language, standing, seen.as_ref()),
        rules: told::rules(&console, &visit, &school).await?,
        channel,
        figures: seen.as_ref().map(|seen| told::figures(language, &seen.report)).unwrap_or_default(),
        tunnel: seen.as_ref().and_then(|seen| told::tunnel(language, &seen.report, visit.now)),
        repair_words: RepairWords::of(language),
        repairs: repairs::shown(&console, &visit, &school, seen.as_ref()).await?,
        room: seen.as_ref().and_then(|seen| told::room(language, &seen.report)),
        requests: if may_answer { Some(requests_open(&console, &place).await?) } else { None },
        enrolled: known.as_ref().map(|known| time::written(language, known.enrolled)).unwrap_or_default(),
        certificate_ends: known
            .as_ref()
            .and_then(|known| known.certificate_ends)
            .map(|ends| time::written(language, ends))
            .unwrap_or_default(),
        known,
        token: token.map(|LivingToken { expires, .. }| time::written(language, expires)),
        orders: told::orders(&console, &visit, &school).await?,
        history: told::history(&console, &visit, &school).await?,
        may_order: visit.may(database, Right::Order, &place).await.is_ok(),
        may_enrol: visit.may(database, Right::Enrol, &place).await.is_ok(),
        seen: seen.as_ref(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// How many requests of the school wait.
async fn requests_open(console: &Console, place: &Place) -> anyhow::Result<usize> {
    let filter =
        requests::Filter { place: Some(place.clone()), answered: Some(false), ..requests::Filter::default() };
    Ok(requests::list(&console.parts.database, &filter).await?.len())
}
