//! The school holidays: what is in force, and another calendar for all schools.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use jiff::{Span, civil::Date};
use preau::{
    model::Moment,
    policy::{Holiday, SchoolCalendar, SchoolZone},
};

use crate::{
    console::{
        language::Language,
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        time, upload,
        visit::Visit,
        words::{CalendarWords, edit_refused},
    },
    fleet::policy::{self, Calendar, CalendarRefused},
    words::{Place, Right},
};

const PATH: &str = "/filtrage/calendrier";

/// The longest form with a calendar in it, in bytes: the calendar's own bound, and the form around it.
pub(super) const BYTES_MAX: usize = (1 << 20) + (16 << 10);

/// How far ahead holidays are shown, in days.
const DAYS_AHEAD: i64 = 400;

/// Holidays shown of a zone.
const SHOWN_MAX: usize = 6;

#[derive(Debug, Template)]
#[template(path = "console/filtering_calendar.html")]
struct CalendarPage<'a> {
    frame: Frame<'a>,
    words: &'static CalendarWords,
    own: Option<u64>,
    zones: Vec<ZoneRow>,
    history: Vec<VersionRow>,
    may_publish: bool,
}

/// A zone with its next holidays: name, first day off, day of return.
#[derive(Debug)]
struct ZoneRow {
    name: String,
    holidays: Vec<(String, String, String)>,
    ends: Option<String>,
}

/// A version of the académie's own calendar.
#[derive(Debug)]
struct VersionRow {
    number: u64,
    author: String,
    at: String,
    reason: String,
    content: &'static str,
}

pub(super) async fn show(State(console): State<Arc<Console>>, Extension(visit): Extension<Visit>) -> Answer {
    visit.has(Right::See)?;
    let (database, language) = (&console.parts.database, visit.language());
    let words = CalendarWords::of(language);
    let own = policy::calendar(database).await?;
    let parsed = own.as_ref().map(|own| SchoolCalendar::parse(&own.text)).transpose();
    let parsed = parsed.map_err(anyhow::Error::from)?;
    let in_force = parsed.as_ref().unwrap_or_else(|| SchoolCalendar::shipped());
    let row = |version: Calendar| VersionRow {
        number: version.number,
        author: version.author,
        at: time::written(language, version.at),
        reason: version.reason,
        content: if version.text.is_empty() { words.is_shipped } else { words.is_own },
    };
    let page = CalendarPage {
        frame: console.frame(&visit, Some(Here::Filtering)),
        words,
        own: own.as_ref().map(|own| own.number),
        zones: in_force.zones().map(|zone| zone_row(language, in_force, zone, visit.now)).collect(),
        history: policy::calendar_history(database).await?.into_iter().map(row).collect(),
        may_publish: visit.may(database, Right::Publish, &Place::Academie).await.is_ok(),
    };
    Ok(html(StatusCode::OK, &page))
}

pub(super) async fn publish(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let database = &console.parts.database;
    let granted = visit.may(database, Right::Publish, &Place::Academie).await?;
    let parts = upload::fields(&headers, &body).ok_or(Refused::Unread)?;
    let part = |name: &str| {
        let content = parts.iter().find(|part| part.name == name).map_or(&[][..], |part| part.content);
        String::from_utf8(content.to_vec()).map_err(|_| Refused::Unread)
    };
    let (text, reason) = (part("calendrier")?, part("motif")?);
    let language = visit.language();
    let words = CalendarWords::of(language);
    let mut write = database.write().await?;
    let published = policy::publish_calendar(&mut write, &granted, &text, reason.trim(), visit.now).await;
    let message = match published {
        Ok(calendar) => {
            write.commit().await?;
            Message::Good(format!("{} {}.", words.published, calendar.number))
        }
        Err(CalendarRefused::Calendar(fault)) => Message::Bad(format!("{} : {fault}", words.refused)),
        Err(CalendarRefused::Refused(refused)) => {
            Message::Bad(format!("{} : {}", words.refused, edit_refused(language, &refused)))
        }
    };
    Ok(go_saying(PATH, &message))
}

fn zone_row(language: Language, calendar: &SchoolCalendar, zone: &SchoolZone, now: Moment) -> ZoneRow {
    let today = time::form_of(now, "%Y-%m-%d").parse::<Date>().unwrap_or(Date::MIN);
    let mut holidays: Vec<&Holiday> = Vec::new();
    for ahead in 0..DAYS_AHEAD {
        let Ok(date) = today.checked_add(Span::new().days(ahead)) else { break };
        let is_known = holidays.last().is_some_and(|last| (last.from..last.until).contains(&date));
        if !is_known && holidays.len() < SHOWN_MAX {
            holidays.extend(calendar.holidays(zone, date));
        }
    }
    let row = |holiday: &&Holiday| {
        (holiday.name.to_string(), written(language, holiday.from), written(language, holiday.until))
    };
    ZoneRow {
        name: zone.word().to_owned(),
        holidays: holidays.iter().map(row).collect(),
        ends: calendar.ends_on(zone).map(|date| written(language, date)),
    }
}

fn written(language: Language, date: Date) -> String {
    let form = match language {
        Language::French => "%d/%m/%Y",
        Language::English => "%d %b %Y",
    };
    date.strftime(form).to_string()
}
