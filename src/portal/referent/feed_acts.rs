//! What is done with a waiting delivery: it is accepted though it is held, gets another day, or is dropped.

use askama::Template;
use axum::{
    extract::{Form, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use jiff::civil::Date;
use serde::Deserialize;

use super::{
    directory::{Shown, shown},
    feed::asked_feed,
    field::Field,
    visit::{Area, Spot, Visit, done},
};
use crate::{
    admin::FeedRefusal,
    identity::register::{FeedView, Preview, When},
    portal::{
        page::{Frame, written},
        secure::html,
        words::{AreaWords, DirectoryWords},
    },
};

/// The question before a delivery is accepted.
#[derive(Template)]
#[template(path = "portal/referent/feed_release.html")]
struct ReleasePage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static DirectoryWords,
    feed: Shown,
    preview: Preview,
}

/// The question before a delivery is dropped.
#[derive(Template)]
#[template(path = "portal/referent/feed_drop.html")]
struct DropPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static DirectoryWords,
    feed: Shown,
}

/// The form that gives a delivery another day.
#[derive(Template)]
#[template(path = "portal/referent/feed_date.html")]
struct PostponePage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static DirectoryWords,
    feed: Shown,
    when: Field,
    day: Field,
    today: Date,
}

/// Which delivery is meant, as it arrives.
#[derive(Deserialize)]
pub(super) struct ToFeed {
    livraison: i64,
}

/// Another day for a delivery, as it arrives.
#[derive(Deserialize)]
pub(super) struct ToPostpone {
    livraison: i64,
    #[serde(default)]
    quand: String,
    #[serde(default)]
    jour: String,
}

pub(super) async fn release_page(visit: Visit) -> Response {
    let (feed, preview) = match asked_feed(&visit).await {
        Ok((feed, preview)) if feed.held.is_some() => (feed, preview),
        Ok(_) => return visit.gone(),
        Err(answer) => return answer,
    };
    let (frame, area) = visit.area(Spot::Directory, None);
    let (feed, words) = (shown(&visit, &feed), DirectoryWords::of(visit.asked.language));
    html(StatusCode::OK, written(&ReleasePage { frame, area, words, feed, preview }))
}

pub(super) async fn release(visit: Visit, form: Result<Form<ToFeed>, FormRejection>) -> Response {
    let Ok(Form(ToFeed { livraison })) = form else { return visit.unread() };
    match visit.secure.acts.feeds.release(&visit.granted, livraison).await {
        Ok(true) => done("/referent/annuaire", "acceptee"),
        Ok(false) => visit.gone(),
        Err(cause) => visit.not_done(&cause),
    }
}

pub(super) async fn drop_page(visit: Visit) -> Response {
    let feed = match asked_feed(&visit).await {
        Ok((feed, _)) => shown(&visit, &feed),
        Err(answer) => return answer,
    };
    let (frame, area) = visit.area(Spot::Directory, None);
    let words = DirectoryWords::of(visit.asked.language);
    html(StatusCode::OK, written(&DropPage { frame, area, words, feed }))
}

pub(super) async fn drop_feed(visit: Visit, form: Result<Form<ToFeed>, FormRejection>) -> Response {
    let Ok(Form(ToFeed { livraison })) = form else { return visit.unread() };
    match visit.secure.acts.feeds.drop_feed(&visit.granted, livraison).await {
        Ok(true) => done("/referent/annuaire", "abandonnee"),
        Ok(false) => visit.gone(),
        Err(cause) => visit.not_done(&cause),
    }
}

pub(super) async fn postpone_page(visit: Visit) -> Response {
    let feed = match asked_feed(&visit).await {
        Ok((feed, _)) => feed,
        Err(answer) => return answer,
    };
    let (when, day) = match feed.due {
        Some(due) => ("jour", due.to_string()),
        None => ("maintenant", String::new()),
    };
    postpone_form(&visit, &feed, Field::of(when), Field::of(day), StatusCode::OK)
}

pub(super) async fn postpone(mut visit: Visit, form: Result<Form<ToPostpone>, FormRejection>) -> Response {
    let Ok(Form(ToPostpone { livraison, quand, jour })) = form else { return visit.unread() };
    visit.inquiry.livraison = livraison.to_string();
    let feed = match asked_feed(&visit).await {
        Ok((feed, _)) => feed,
        Err(answer) => return answer,
    };
    let (mut when, mut day) = (Field::of(quand), Field::of(jour));
    let words = DirectoryWords::of(visit.asked.language);
    let Some(wanted) = read(&visit, &mut when, &mut day) else {
        return postpone_form(&visit, &feed, when, day, StatusCode::UNPROCESSABLE_ENTITY);
    };
    match visit.secure.acts.feeds.postpone(&visit.granted, livraison, wanted).await {
        Ok(Ok(())) => done("/referent/annuaire", "datee"),
        Ok(Err(FeedRefusal::Unknown)) => visit.gone(),
        Ok(Err(FeedRefusal::NoZone)) => {
            when.wrong(words.no_zone);
            postpone_form(&visit, &feed, when, day, StatusCode::CONFLICT)
        }
        Err(cause) => visit.not_done(&cause),
    }
}

/// When the delivery shall take effect; notes beside the field what is wrong.
fn read(visit: &Visit, when: &mut Field, day: &mut Field) -> Option<When> {
    let language = visit.asked.language;
    match when.value.as_str() {
        "maintenant" => Some(When::AtOnce),
        "vacances" => Some(When::Calendar),
        "jour" => {
            let date: Option<Date> = day.value.trim().parse().ok();
            let date = date.filter(|date| *date >= visit.secure.acts.feeds.today().date);
            if date.is_none() {
                day.wrong(DirectoryWords::of(language).day_wrong);
            }
            date.map(When::On)
        }
        _ => {
            when.wrong(AreaWords::of(language).choose);
            None
        }
    }
}

fn postpone_form(visit: &Visit, feed: &FeedView, when: Field, day: Field, status: StatusCode) -> Response {
    let (frame, area) = visit.area(Spot::Directory, None);
    let words = DirectoryWords::of(visit.asked.language);
    let (feed, today) = (shown(visit, feed), visit.secure.acts.feeds.today().date);
    html(status, written(&PostponePage { frame, area, words, feed, when, day, today }))
}
