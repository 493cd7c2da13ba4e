//! Who did what, the latest first.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::visit::{Area, Spot, Visit};
use crate::portal::{
    page::{Frame, written},
    secure::html,
    time_of_day,
};

/// Acts that the page shows.
const SHOWN_MAX: u32 = 200;

/// The trail.
#[derive(Template)]
#[template(path = "portal/referent/trail.html")]
struct TrailPage<'a> {
    frame: Frame<'a>,
    area: Area,
    acts: Vec<Told>,
}

/// One act in words.
struct Told {
    at: String,
    at_utc: String,
    who: String,
    what: String,
}

pub(super) async fn page(visit: Visit) -> Response {
    let acts = match visit.secure.acts.trail.done(SHOWN_MAX).await {
        Ok(acts) => acts,
        Err(cause) => return visit.not_done(&cause),
    };
    let (frame, area) = visit.area(Spot::Trail, None);
    let acts = acts.into_iter().map(|done| Told {
        at: time_of_day::told(visit.asked.language, done.at, visit.now),
        at_utc: done.at.to_string(),
        who: visit
            .secure
            .identity
            .account(&done.account)
            .map_or_else(|| area.words.trail_former.to_owned(), |account| account.display_name.clone()),
        what: done.what,
    });
    let acts = acts.collect();
    html(StatusCode::OK, written(&TrailPage { frame, area, acts }))
}
