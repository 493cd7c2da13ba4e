//! The forms that sign in, and where they lead.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Form, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::Deserialize;

use super::{cookie, page::Notice, refusal::Told};
use crate::{
    enforce::sign_in::SignedIn,
    identity::SignInRefusal,
    model::Assurance,
    portal::{
        asked::Asked,
        secure::{Secure, home_path, see_other},
        visitor::Visitor,
        wanted::{Wanted, query_value},
    },
};

/// Login and password as they arrive. It has no `Debug`: a password is never written anywhere.
#[derive(Deserialize)]
pub(super) struct Credentials {
    identifiant: String,
    mot_de_passe: String,
    #[serde(default)]
    suite: String,
}

/// The code of a voucher as it arrives.
#[derive(Deserialize)]
pub(super) struct Code {
    code: String,
    #[serde(default)]
    suite: String,
}

/// The wish to take a session along: the page to offer afterwards.
#[derive(Deserialize)]
pub(super) struct Resumption {
    #[serde(default)]
    suite: String,
}

/// `POST /connexion`.
pub(super) async fn by_password(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    form: Result<Form<Credentials>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else { return secure.unread(&visitor, &asked) };
    let (login, wanted) = (form.identifiant.trim(), Wanted::read(&form.suite));
    match secure.sign_in.sign_in(login, &form.mot_de_passe, &visitor.zone, visitor.source).await {
        Ok(signed_in) => secure.entered(&signed_in, wanted.as_ref()),
        Err(refusal) => secure.turned_away(&visitor, &asked, &refusal, (login, wanted)),
    }
}

/// `POST /connexion/visiteur`.
pub(super) async fn by_voucher(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    form: Result<Form<Code>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else { return secure.unread(&visitor, &asked) };
    let wanted = Wanted::read(&form.suite);
    match secure.sign_in.sign_in_with_voucher(&form.code, &visitor.zone, visitor.source).await {
        Ok(signed_in) => secure.entered(&signed_in, wanted.as_ref()),
        Err(refusal) => {
            let Told { status, text, retry_seconds } = Told::of(asked.language, &refusal);
            let notice = Notice::CodeRefused(text);
            let page = secure.sign_in_page(&visitor, &asked, status, notice, ("", wanted));
            Told::retried(page, retry_seconds)
        }
    }
}

/// `POST /reprendre`.
pub(super) async fn resume(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    form: Result<Form<Resumption>, FormRejection>,
) -> Response {
    let Ok(Form(form)) = form else { return secure.unread(&visitor, &asked) };
    let wanted = Wanted::read(&form.suite);
    let before = asked.token.as_ref().and_then(|token| secure.identity.session_by_token(token));
    let resumed = match &asked.token {
        Some(token) => secure.sign_in.resume(token, &visitor.zone, visitor.source).await,
        None => Err(SignInRefusal::NothingToResume),
    };
    match resumed {
        Ok(signed_in) => {
            if let (Some(ent), Some(before)) = (&secure.ent, before) {
                let view = &signed_in.view;
                ent.note_moved(&view.account.id, before.machine, view.machine);
            }
            secure.welcomed(&signed_in, &home_path(wanted.as_ref()))
        }
        Err(refusal) => secure.turned_away(&visitor, &asked, &refusal, ("", wanted)),
    }
}

impl Secure {
    /// Sends somebody who has just signed in on their way: home, by the offer of a password for the days without Internet
    /// where they came from the ENT and have none.
    pub(in crate::portal) fn entered(&self, signed_in: &SignedIn, wanted: Option<&Wanted>) -> Response {
        let view = &signed_in.view;
        let wants_one =
            view.assurance == Assurance::Online && !self.identity.has_offline_password(&view.account.id);
        let path = if wants_one {
            let suite = wanted.map(|wanted| format!("?suite={}", query_value(&wanted.url())));
            format!("/mot-de-passe{}", suite.unwrap_or_default())
        } else {
            home_path(wanted)
        };
        self.welcomed(signed_in, &path)
    }

    /// Gives the browser the session's token and sends it to `path` of the portal.
    pub(in crate::portal) fn welcomed(&self, signed_in: &SignedIn, path: &str) -> Response {
        let mut response = see_other(path);
        self.give_token(response.headers_mut(), signed_in);
        response
    }

    /// Gives the browser the session's token.
    pub(in crate::portal) fn give_token(&self, headers: &mut HeaderMap, signed_in: &SignedIn) {
        cookie::give(headers, &signed_in.token, self.clock.now(), signed_in.view.until);
    }

    /// What somebody sees who is not let in: the form with what was wrong, or that too many come at once.
    pub(in crate::portal) fn turned_away(
        &self,
        visitor: &Visitor,
        asked: &Asked,
        refusal: &SignInRefusal,
        (login, wanted): (&str, Option<Wanted>),
    ) -> Response {
        if matches!(refusal, SignInRefusal::Busy | SignInRefusal::MachineUnknown) {
            return self.busy(asked, wanted.as_ref());
        }
        let Told { status, text, retry_seconds } = Told::of(asked.language, refusal);
        let page = self.sign_in_page(visitor, asked, status, Notice::Refused(text), (login, wanted));
        Told::retried(page, retry_seconds)
    }

    fn unread(&self, visitor: &Visitor, asked: &Asked) -> Response {
        let notice = Notice::Refused(String::from(asked.language.words().form_unread));
        self.sign_in_page(visitor, asked, StatusCode::BAD_REQUEST, notice, ("", None))
    }
}
