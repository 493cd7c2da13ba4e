//! The first page of the area: what is wrong first, then where to go.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::visit::{Area, Spot, Visit};
use crate::{
    admin::{Severity, findings},
    portal::{
        page::{Frame, written},
        secure::html,
        words::{HealthWords, RepairWords, told_fault},
    },
};

/// What is wrong, and the pages of the area.
#[derive(Template)]
#[template(path = "portal/referent/health.html")]
struct HealthPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static HealthWords,
    findings: Vec<Told>,
    /// Where a technician of the académie is at work.
    repair: Option<&'static RepairWords>,
}

/// One finding in words.
struct Told {
    severity: Severity,
    soon: &'static str,
    sentence: String,
    next_step: &'static str,
}

pub(super) async fn page(visit: Visit) -> Response {
    let language = visit.asked.language;
    let snapshot = visit.secure.sights.health.borrow().clone();
    let findings = findings(&snapshot, visit.now).into_iter().map(|finding| {
        let (sentence, next_step) = told_fault(language, finding.fault, visit.now);
        Told { severity: finding.severity, soon: language.severity(finding.severity), sentence, next_step }
    });
    let findings = findings.collect();
    let repair = visit.secure.acts.repairs.open_now().map(|_| RepairWords::of(language));
    let (frame, area) = visit.area(Spot::Health, None);
    let words = HealthWords::of(language);
    html(StatusCode::OK, written(&HealthPage { frame, area, words, findings, repair }))
}
