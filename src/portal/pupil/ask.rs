//! `/demander`: the form that asks for a site to be opened.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Form, State, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::routes::not_for_you;
use crate::{
    admin::{Act, Granted, NotDone, Wish, may_ask_to_close},
    model::{Account, ClassName, Role, Site},
    portal::{
        asked::Asked,
        navigation::Place,
        page::{Frame, written},
        secure::{Secure, html, see_other},
        teacher::site_of,
        visitor::Visitor,
        words::{RequestWords, TeacherWords, told_not_done},
    },
};

#[derive(Debug, Template)]
#[template(path = "portal/pupil/ask.html")]
struct AskPage<'a> {
    frame: Frame<'a>,
    words: &'static RequestWords,
    /// Whether the site is open to the asker as it is.
    is_open: bool,
    wrong: Option<String>,
    site: &'a str,
    classes: Vec<&'a str>,
    may_close: bool,
    is_to_close: bool,
    reason: &'a str,
}

/// A request, as the form sends it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct AskForm {
    site: String,
    #[serde(default)]
    souhait: String,
    #[serde(default)]
    classe: String,
    #[serde(default)]
    raison: String,
}

/// What the page says beside the form.
#[derive(Debug)]
enum Said {
    Nothing,
    IsOpen,
    Wrong(StatusCode, String),
}

pub(super) async fn show(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    match secure.granted(&visitor, &asked, Act::AskToOpen, not_for_you(asked.language)) {
        Ok(granted) => {
            let typed = asked.query.u.clone().unwrap_or_default();
            // An address is shown as the site it asks for, so that nothing of a page's path is sent.
            let site = site_of(&typed).map_or(typed, |site| site.to_string());
            let form = AskForm { site, ..AskForm::default() };
            secure.ask_page(&asked, &granted, &form, Said::Nothing)
        }
        Err(page) => *page,
    }
}

pub(super) async fn send(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    form: Result<Form<AskForm>, FormRejection>,
) -> Response {
    let language = asked.language;
    let granted = match secure.granted(&visitor, &asked, Act::AskToOpen, not_for_you(language)) {
        Ok(granted) => granted,
        Err(page) => return *page,
    };
    let Ok(Form(form)) = form else { return secure.form_unread(&asked) };
    let Some(site) = site_of(&form.site) else {
        let text = String::from(TeacherWords::of(language).not_a_site());
        let wrong = Said::Wrong(StatusCode::UNPROCESSABLE_ENTITY, text);
        return secure.ask_page(&asked, &granted, &form, wrong);
    };
    let wish = if form.souhait == "fermer" { Wish::Close } else { Wish::Open };
    if wish == Wish::Open && secure.gate.would_allow(visitor.source, &visitor.zone, &Site::Name(site.clone()))
    {
        return secure.ask_page(&asked, &granted, &form, Said::IsOpen);
    }
    let class = Some(form.classe.trim()).filter(|class| !class.is_empty()).map(ClassName::new);
    match secure.acts.requests.ask(&granted, site, wish, class, &form.raison, secure.clock.now()).await {
        Ok(_) => see_other("/demandes?fait=1"),
        Err(refused) => {
            let (status, text) = match &refused {
                NotDone::TooMany => {
                    (StatusCode::UNPROCESSABLE_ENTITY, String::from(RequestWords::of(language).too_many))
                }
                NotDone::Disk(_) => (StatusCode::SERVICE_UNAVAILABLE, told_not_done(language, &refused)),
                NotDone::NotYours => (StatusCode::FORBIDDEN, told_not_done(language, &refused)),
                _ => (StatusCode::UNPROCESSABLE_ENTITY, told_not_done(language, &refused)),
            };
            secure.ask_page(&asked, &granted, &form, Said::Wrong(status, text))
        }
    }
}

impl Secure {
    fn ask_page(&self, asked: &Asked, granted: &Granted, form: &AskForm, said: Said) -> Response {
        let account = granted.account();
        let place = match account.role {
            Role::Enseignant | Role::Referent => Place::Answers,
            Role::Eleve | Role::Administratif | Role::Invite => Place::Requests,
        };
        let (status, is_open, wrong) = match said {
            Said::Nothing => (StatusCode::OK, false, None),
            Said::IsOpen => (StatusCode::OK, true, None),
            Said::Wrong(status, text) => (status, false, Some(text)),
        };
        let page = AskPage {
            frame: self.house.frame(asked.language, asked.switch("/demander", None)).at(account.role, place),
            words: RequestWords::of(asked.language),
            is_open,
            wrong,
            site: &form.site,
            classes: classes(account),
            may_close: may_ask_to_close(account.role),
            is_to_close: form.souhait == "fermer",
            reason: &form.raison,
        };
        html(status, written(&page))
    }
}

/// The classes that somebody can ask for. A teacher's are those they teach: they ask for themselves.
fn classes(account: &Account) -> Vec<&str> {
    match account.role {
        Role::Eleve => account.classes.iter().map(ClassName::as_str).collect(),
        Role::Enseignant | Role::Administratif | Role::Referent | Role::Invite => Vec::new(),
    }
}
