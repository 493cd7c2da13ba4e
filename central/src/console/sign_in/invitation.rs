//! `/invitation/SECRET`: the person chooses a password, reads the secret of their codes with the telephone, proves that it
//! has it, and gets the recovery codes, once.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form, Router,
    extract::{Path, State, rejection::FormRejection},
    http::StatusCode,
    routing::get,
};
use preau::portal::qr;
use serde::Deserialize;

use crate::{
    console::{
        page::{Frame, html},
        refusal::{Answer, Refused},
        road::Console,
        visit::Asked,
        words::{InvitationWords, password_refused},
    },
    people::{AcceptRefusal, Accepted, Choice, Link, Token},
};

#[derive(Debug, Template)]
#[template(path = "console/invitation.html")]
struct InvitationPage<'a> {
    frame: Frame<'a>,
    words: &'static InvitationWords,
    name: &'a str,
    login: &'a str,
    qr: String,
    typed_key: String,
    refused: Option<&'static str>,
}

#[derive(Debug, Template)]
#[template(path = "console/recovery.html")]
pub(in crate::console) struct RecoveryPage<'a> {
    pub(in crate::console) frame: Frame<'a>,
    pub(in crate::console) words: &'static InvitationWords,
    pub(in crate::console) codes: Vec<String>,
    /// Where to go on.
    pub(in crate::console) next: &'static str,
    pub(in crate::console) next_text: &'static str,
}

#[derive(Deserialize)]
struct ChoiceForm {
    password: String,
    again: String,
    code: String,
}

pub(super) fn router() -> Router<Arc<Console>> {
    Router::new().route("/invitation/{secret}", get(show).post(take))
}

async fn show(
    State(console): State<Arc<Console>>,
    Extension(asked): Extension<Asked>,
    Path(secret): Path<String>,
) -> Answer {
    console.invitation_page(&asked, &secret, None).await
}

async fn take(
    State(console): State<Arc<Console>>,
    Extension(asked): Extension<Asked>,
    Path(secret): Path<String>,
    form: Result<Form<ChoiceForm>, FormRejection>,
) -> Answer {
    let Form(ChoiceForm { password, again, code }) = form?;
    let token = Token::read(&secret).ok_or(Refused::NoSuchPage)?;
    let words = InvitationWords::of(asked.language);
    let choice = Choice { password: &password, again: &again, code: &code };
    match console.parts.people.accept(&token, choice).await? {
        Ok(Accepted { recovery, .. }) => {
            let here = Asked { path: String::from("/connexion"), ..asked };
            let frame = console.bare_frame(&here);
            let (next, next_text) = ("/connexion", words.sign_in);
            Ok(html(StatusCode::OK, &RecoveryPage { frame, words, codes: recovery, next, next_text }))
        }
        Err(AcceptRefusal::NoSuchLink) => Err(Refused::NoSuchPage),
        Err(AcceptRefusal::Code) => console.invitation_page(&asked, &secret, Some(words.wrong_code)).await,
        Err(AcceptRefusal::Password(refusal)) => {
            let told = password_refused(asked.language, refusal);
            console.invitation_page(&asked, &secret, Some(told)).await
        }
    }
}

impl Console {
    async fn invitation_page(&self, asked: &Asked, secret: &str, refused: Option<&'static str>) -> Answer {
        let token = Token::read(secret).ok_or(Refused::NoSuchPage)?;
        let Link { person, key } = self.parts.people.look(&token).await?.ok_or(Refused::NoSuchPage)?;
        let words = InvitationWords::of(asked.language);
        let address = key.address(&person.login, &self.settings.academie)?;
        let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        Ok(html(
            status,
            &InvitationPage {
                frame: self.bare_frame(asked),
                words,
                name: &person.name,
                login: &person.login,
                qr: qr::svg(&address, words.qr).unwrap_or_default(),
                typed_key: key.typed(),
                refused,
            },
        ))
    }
}
