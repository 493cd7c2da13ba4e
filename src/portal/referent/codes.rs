//! Visitors' codes: issued in batches, listed without the codes, withdrawn.

use std::{collections::BTreeSet, time::Duration};

use askama::Template;
use axum::{
    extract::{Form, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{
    field::Field,
    time_field,
    visit::{Area, Spot, Visit, done},
};
use crate::{
    admin::{Batch, Issue, VoucherRefusal},
    model::{AccountId, Moment},
    portal::{
        page::{Frame, written},
        secure::{html, see_other},
        time_of_day,
        words::{AreaWords, CodeWords},
    },
};

/// One hour.
const HOUR: Duration = Duration::from_secs(3600);

/// The batches.
#[derive(Template)]
#[template(path = "portal/referent/codes.html")]
struct CodesPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static CodeWords,
    batches: Vec<Row>,
}

/// A batch in the list.
struct Row {
    number: i64,
    label: String,
    left: usize,
    in_use: usize,
    until: String,
    standing: BatchStanding,
}

/// What becomes of somebody who comes with a code of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BatchStanding {
    Good,
    Ended,
    Withdrawn,
}

/// One batch, voucher by voucher.
#[derive(Template)]
#[template(path = "portal/referent/batch.html")]
struct BatchPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static CodeWords,
    batch: &'a Batch,
    issued: String,
    until: String,
    /// Each voucher's number, and whether somebody uses it.
    vouchers: Vec<(u8, bool)>,
    is_good: bool,
}

/// The form that issues codes.
#[derive(Template)]
#[template(path = "portal/referent/codes_form.html")]
struct CodesForm<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static CodeWords,
    filled: Filled,
    /// Whether this evening is still to come.
    has_evening: bool,
}

/// The question before codes are withdrawn.
#[derive(Template)]
#[template(path = "portal/referent/codes_withdraw.html")]
struct WithdrawPage<'a> {
    frame: Frame<'a>,
    area: Area,
    words: &'static CodeWords,
    batch: &'a Batch,
    /// The one voucher, or all of them.
    number: Option<u8>,
}

/// What is to be issued, as it arrives.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    pour: String,
    nombre: String,
    fin: String,
    moment: String,
    appareils: String,
    wifi: String,
}

/// Which codes are to be withdrawn, as it arrives.
#[derive(Deserialize)]
pub(super) struct ToWithdraw {
    lot: i64,
    #[serde(default)]
    numero: String,
}

pub(super) async fn page(visit: Visit) -> Response {
    let batches = match visit.secure.acts.vouchers.batches(visit.now).await {
        Ok(batches) => batches,
        Err(cause) => return visit.not_done(&cause),
    };
    let words = CodeWords::of(visit.asked.language);
    let used = used(&visit);
    let rows = batches.into_iter().map(|batch| Row {
        number: batch.number,
        left: batch.numbers.len(),
        in_use: batch.numbers.iter().filter(|number| used.contains(&batch.holder(**number))).count(),
        until: time_of_day::told(visit.asked.language, batch.until, visit.now),
        standing: standing(&batch, visit.now),
        label: batch.label,
    });
    let rows = rows.collect();
    let told = (visit.inquiry.fait == "retires").then_some(words.done_withdrawn);
    let (frame, area) = visit.area(Spot::Codes, told);
    html(StatusCode::OK, written(&CodesPage { frame, area, words, batches: rows }))
}

/// The accounts that are signed in somewhere.
fn used(visit: &Visit) -> BTreeSet<AccountId> {
    visit.secure.identity.sessions_now().into_iter().map(|session| session.account.id.clone()).collect()
}

fn standing(batch: &Batch, now: Moment) -> BatchStanding {
    if batch.numbers.is_empty() {
        BatchStanding::Withdrawn
    } else if batch.until <= now {
        BatchStanding::Ended
    } else {
        BatchStanding::Good
    }
}

/// The batch that the query names; else what to answer instead.
async fn asked_batch(visit: &Visit) -> Result<Batch, Response> {
    let batches =
        visit.secure.acts.vouchers.batches(visit.now).await.map_err(|cause| visit.not_done(&cause))?;
    let number: Option<i64> = visit.inquiry.lot.parse().ok();
    batches.into_iter().find(|batch| Some(batch.number) == number).ok_or_else(|| visit.gone())
}

pub(super) async fn batch_page(visit: Visit) -> Response {
    let batch = match asked_batch(&visit).await {
        Ok(batch) => batch,
        Err(answer) => return answer,
    };
    let words = CodeWords::of(visit.asked.language);
    let used = used(&visit);
    let told = (visit.inquiry.fait == "retires").then_some(words.done_withdrawn);
    let (frame, area) = visit.area(Spot::Codes, told);
    let page = BatchPage {
        frame,
        area,
        words,
        issued: time_of_day::told(visit.asked.language, batch.issued_at, visit.now),
        until: time_of_day::told(visit.asked.language, batch.until, visit.now),
        vouchers: batch
            .numbers
            .iter()
            .map(|number| (*number, used.contains(&batch.holder(*number))))
            .collect(),
        is_good: standing(&batch, visit.now) == BatchStanding::Good,
        batch: &batch,
    };
    html(StatusCode::OK, written(&page))
}

pub(super) async fn new_page(visit: Visit) -> Response {
    // The Wi-Fi's name is the same as last time, more often than not.
    let wifi = match visit.secure.acts.vouchers.batches(visit.now).await {
        Ok(batches) => batches.into_iter().find_map(|batch| batch.wifi),
        Err(cause) => return visit.not_done(&cause),
    };
    let fin = if time_field::this_evening(visit.now).is_some() { "soir" } else { "2h" };
    let typed = Typed {
        nombre: "10".to_owned(),
        appareils: "1".to_owned(),
        fin: fin.to_owned(),
        wifi: wifi.unwrap_or_default(),
        ..Typed::default()
    };
    Filled::new(typed).shown(&visit, StatusCode::OK)
}

pub(super) async fn issue(visit: Visit, form: Result<Form<Typed>, FormRejection>) -> Response {
    let Ok(Form(typed)) = form else { return visit.unread() };
    let mut filled = Filled::new(typed);
    let Some(issue) = filled.read(&visit) else {
        return filled.shown(&visit, StatusCode::UNPROCESSABLE_ENTITY);
    };
    match visit.secure.acts.vouchers.issue(&visit.granted, issue, visit.now).await {
        Ok(Ok(batch)) => see_other(&format!("/referent/codes/feuille?lot={batch}")),
        Ok(Err(refusal)) => {
            filled.refusal = Some(visit.asked.language.voucher_refusal(refusal));
            filled.shown(&visit, StatusCode::CONFLICT)
        }
        Err(cause) => visit.not_done(&cause),
    }
}

pub(super) async fn withdraw_page(visit: Visit) -> Response {
    let batch = match asked_batch(&visit).await {
        Ok(batch) if !batch.numbers.is_empty() => batch,
        Ok(_) => return visit.gone(),
        Err(answer) => return answer,
    };
    let number = match visit.inquiry.numero.as_str() {
        "" => None,
        text => match text.parse().ok().filter(|number| batch.numbers.contains(number)) {
            Some(number) => Some(number),
            None => return visit.gone(),
        },
    };
    let (frame, area) = visit.area(Spot::Codes, None);
    let words = CodeWords::of(visit.asked.language);
    html(StatusCode::OK, written(&WithdrawPage { frame, area, words, batch: &batch, number }))
}

pub(super) async fn withdraw(visit: Visit, form: Result<Form<ToWithdraw>, FormRejection>) -> Response {
    let Ok(Form(ToWithdraw { lot, numero })) = form else { return visit.unread() };
    // A number that cannot be read must not withdraw all of them.
    let number = match numero.as_str() {
        "" => None,
        text => match text.parse() {
            Ok(number) => Some(number),
            Err(_) => return visit.unread(),
        },
    };
    match visit.secure.acts.vouchers.withdraw(&visit.granted, lot, number, visit.now).await {
        Ok(Ok(())) if number.is_some() => done(&format!("/referent/codes/lot?lot={lot}"), "retires"),
        Ok(Ok(())) => done("/referent/codes", "retires"),
        Ok(Err(VoucherRefusal::Unknown | VoucherRefusal::OutOfBounds | VoucherRefusal::TooMany)) => {
            visit.gone()
        }
        Err(cause) => visit.not_done(&cause),
    }
}

/// The form with what was typed and what is wrong with it.
struct Filled {
    label: Field,
    count: Field,
    end: Field,
    moment: Field,
    machines: Field,
    wifi: Field,
    refusal: Option<&'static str>,
}

impl Filled {
    fn new(typed: Typed) -> Self {
        let Typed { pour, nombre, fin, moment, appareils, wifi } = typed;
        Self {
            label: Field::of(pour),
            count: Field::of(nombre),
            end: Field::of(fin),
            moment: Field::of(moment),
            machines: Field::of(appareils),
            wifi: Field::of(wifi),
            refusal: None,
        }
    }

    /// What is to be issued; notes beside each field what is wrong.
    fn read(&mut self, visit: &Visit) -> Option<Issue> {
        let (language, now) = (visit.asked.language, visit.now);
        let words = CodeWords::of(language);
        let (label, wifi) = (self.label.line(language), self.wifi.line_if_any(language));
        let count =
            self.count.value.trim().parse().ok().filter(|count| (1..=Issue::COUNT_MAX).contains(count));
        if count.is_none() {
            self.count.wrong(words.count_wrong);
        }
        let until = match self.end.value.as_str() {
            "soir" => time_field::this_evening(now),
            "2h" => Some(now + 2 * HOUR),
            "4h" => Some(now + 4 * HOUR),
            _ => time_field::read(&self.moment.value),
        };
        let until = until.filter(|until| now < *until && until.since(now) <= Issue::LIFETIME_MAX);
        if until.is_none() {
            self.moment.wrong(words.end_wrong);
        }
        let machines_max = self.machines.value.parse().ok();
        let machines_max = machines_max.filter(|count| (1..=Issue::MACHINES_MAX).contains(count));
        if machines_max.is_none() {
            self.machines.wrong(AreaWords::of(language).choose);
        }
        if self.wifi.error.is_some() {
            return None;
        }
        Some(Issue { label: label?, wifi, count: count?, until: until?, machines_max: machines_max? })
    }

    fn shown(self, visit: &Visit, status: StatusCode) -> Response {
        let (frame, area) = visit.area(Spot::Codes, None);
        let words = CodeWords::of(visit.asked.language);
        let has_evening = time_field::this_evening(visit.now).is_some();
        html(status, written(&CodesForm { frame, area, words, filled: self, has_evening }))
    }
}
