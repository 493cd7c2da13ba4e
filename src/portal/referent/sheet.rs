//! The sheet of visitors' cards, shown once: a page that is made to be printed, or saved as PDF from the same window.

use std::sync::LazyLock;

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

use super::visit::{Spot, Visit, kept};
use crate::portal::{
    page::{Frame, written},
    qr,
    secure::html,
    time_of_day,
    words::CodeWords,
};

/// Where the style of the sheet lies: it is for paper, and no other page's.
pub(super) const STYLE_PATH: &str = "/referent/feuille.css";

/// Its text.
pub(super) const STYLE: &str = include_str!("../../../templates/portal/referent/sheet.css");

/// The style's path with a digest, so that a changed style is fetched again.
static STYLE_URL: LazyLock<String> = LazyLock::new(|| {
    let digest = blake3::hash(STYLE.as_bytes()).to_hex();
    format!("{STYLE_PATH}?v={}", &digest[..12])
});

/// The sheet.
#[derive(Template)]
#[template(path = "portal/referent/sheet.html")]
struct SheetPage<'a> {
    frame: Frame<'a>,
    words: &'static CodeWords,
    style: &'static str,
    label: &'a str,
    wifi: Option<&'a str>,
    until: String,
    printable_until: String,
    /// The portal's address without `https://`, as people type it.
    portal: &'a str,
    /// The portal's address as an SVG.
    qr: String,
    /// Each card's number and code.
    cards: Vec<(u8, String)>,
}

/// That the codes are shown no more.
#[derive(Template)]
#[template(path = "portal/referent/sheet_gone.html")]
struct GonePage<'a> {
    frame: Frame<'a>,
    words: &'static CodeWords,
}

pub(super) async fn page(visit: Visit) -> Response {
    let batch = visit.inquiry.lot.parse().unwrap_or(0);
    let sheet = match visit.secure.acts.vouchers.sheet(&visit.granted, batch, visit.now) {
        Ok(sheet) => sheet,
        Err(cause) => return visit.not_done(&cause),
    };
    let language = visit.asked.language;
    let words = CodeWords::of(language);
    let (frame, _) = visit.area(Spot::Codes, None);
    let Some(sheet) = sheet else {
        return html(StatusCode::GONE, written(&GonePage { frame, words }));
    };
    let origin = visit.secure.house.origin();
    let page = SheetPage {
        frame,
        words,
        style: &STYLE_URL,
        label: sheet.issue.label.as_str(),
        wifi: sheet.issue.wifi.as_ref().map(|wifi| wifi.as_str()),
        until: time_of_day::told_in_full(language, sheet.issue.until),
        printable_until: time_of_day::told(language, sheet.printable_until, visit.now),
        portal: origin.trim_start_matches("https://"),
        qr: qr::svg(&format!("{origin}/"), words.card_qr).unwrap_or_default(),
        cards: sheet.codes.iter().map(|card| (card.number, card.code.text())).collect(),
    };
    html(StatusCode::OK, written(&page))
}

pub(super) async fn style() -> Response {
    kept("text/css; charset=utf-8", STYLE).into_response()
}
