//! One school entered by hand.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form,
    extract::{State, rejection::FormRejection},
    http::StatusCode,
};
use serde::Deserialize;

use crate::{
    console::{
        import::{Entering, Read, enter_all},
        message::{Message, go_saying},
        navigation::Here,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        visit::Visit,
        words::{ImportWords, fault_text},
    },
    words::Right,
};

#[derive(Debug, Template)]
#[template(path = "console/school_new.html")]
struct NewPage<'a> {
    frame: Frame<'a>,
    words: &'static ImportWords,
    form: NewForm,
    refused: Option<&'static str>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct NewForm {
    uai: String,
    nom: String,
    #[serde(rename = "type")]
    kind: String,
    commune: String,
    departement: String,
}

pub(super) async fn ask(State(console): State<Arc<Console>>, Extension(visit): Extension<Visit>) -> Answer {
    visit.has(Right::Enrol)?;
    Ok(console.new_school_page(&visit, NewForm::default(), None))
}

pub(super) async fn take(
    State(console): State<Arc<Console>>,
    Extension(visit): Extension<Visit>,
    form: Result<Form<NewForm>, FormRejection>,
) -> Answer {
    visit.has(Right::Enrol)?;
    let Form(form) = form?;
    let read = Read::fields(&form.uai, &form.nom, &form.kind, &form.commune, &form.departement, "");
    let school = match read {
        Ok(read) => read,
        Err(fault) => {
            let told = fault_text(visit.language(), fault);
            return Ok(console.new_school_page(&visit, form, Some(told)));
        }
    };
    let entering = Entering::judge(&console, &visit, vec![Ok(school.clone())]).await?;
    if let Some(fault) = entering.refused.first().map(|refused| refused.fault) {
        let told = fault_text(visit.language(), fault);
        return Ok(console.new_school_page(&visit, form, Some(told)));
    }
    enter_all(&console, &visit, &entering).await?;
    let path = format!("/etablissement/{}", school.school.uai.as_str());
    let words = ImportWords::of(visit.language());
    Ok(go_saying(&path, &Message::Good(words.entered_one.to_owned())))
}

impl Console {
    fn new_school_page(
        &self,
        visit: &Visit,
        form: NewForm,
        refused: Option<&'static str>,
    ) -> axum::response::Response {
        let words = ImportWords::of(visit.language());
        let frame = self.frame(visit, Some(Here::Fleet));
        let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        html(status, &NewPage { frame, words, form, refused })
    }
}
