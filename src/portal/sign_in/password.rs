//! The page on which a person who came from the ENT chooses a password for the days without Internet.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension,
    extract::{Form, State, rejection::FormRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use crate::{
    identity::{LearnRefusal, SessionView},
    model::Assurance,
    portal::{
        asked::Asked,
        page::{Frame, Link, written},
        secure::{Secure, home_path, html, see_other},
        visitor::Visitor,
        wanted::Wanted,
        words::SignInWords,
    },
};

/// The page.
#[derive(Debug, Template)]
#[template(path = "portal/sign_in/password.html")]
pub(in crate::portal) struct PasswordPage<'a> {
    pub(in crate::portal) frame: Frame<'a>,
    pub(in crate::portal) texts: &'static SignInWords,
    /// How long it is good.
    pub(in crate::portal) remembered: String,
    /// Whether the person has one already.
    pub(in crate::portal) has_one: bool,
    /// What was wrong with the one before.
    pub(in crate::portal) refused: Option<&'static str>,
    /// Where "later" leads.
    pub(in crate::portal) later: String,
    pub(in crate::portal) wanted: Option<Wanted>,
}

/// The form as it arrives. It has no `Debug`: a password is never written anywhere.
#[derive(Deserialize)]
pub(super) struct Chosen {
    nouveau: String,
    encore: String,
    #[serde(default)]
    suite: String,
}

/// `GET /mot-de-passe`.
pub(super) async fn asked_for(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
) -> Response {
    let wanted = asked.wanted();
    let Some(session) = secure.of_the_ent(&visitor, &asked) else { return secure.for_the_ent_only(&asked) };
    if asked.query.fait.is_some() {
        let texts = asked.language.sign_in_words();
        let link = Link { url: home_path(wanted.as_ref()), text: texts.go_home };
        let (title, text) = (texts.offline_password_done, texts.offline_password_done_text);
        return secure.notice(&asked, StatusCode::OK, title, text, Some(link));
    }
    secure.password_page(&asked, &session, StatusCode::OK, None, wanted)
}

/// `POST /mot-de-passe`.
pub(super) async fn chosen(
    State(secure): State<Arc<Secure>>,
    Extension(visitor): Extension<Visitor>,
    asked: Asked,
    form: Result<Form<Chosen>, FormRejection>,
) -> Response {
    let texts = asked.language.sign_in_words();
    let Some(session) = secure.of_the_ent(&visitor, &asked) else { return secure.for_the_ent_only(&asked) };
    let Ok(Form(form)) = form else {
        let refused = Some(asked.language.words().form_unread);
        return secure.password_page(&asked, &session, StatusCode::BAD_REQUEST, refused, None);
    };
    let wanted = Wanted::read(&form.suite);
    let refused = if form.nouveau == form.encore {
        match secure.identity.learn(&session, &form.nouveau).await {
            Ok(()) => {
                let home = home_path(wanted.as_ref());
                let suite = home.strip_prefix("/?").map(|query| format!("&{query}")).unwrap_or_default();
                return see_other(&format!("/mot-de-passe?fait=1{suite}"));
            }
            Err(refusal) => told(texts, refusal),
        }
    } else {
        (StatusCode::UNPROCESSABLE_ENTITY, texts.not_the_same)
    };
    secure.password_page(&asked, &session, refused.0, Some(refused.1), wanted)
}

fn told(texts: &SignInWords, refusal: LearnRefusal) -> (StatusCode, &'static str) {
    match refusal {
        LearnRefusal::NotOnline => (StatusCode::FORBIDDEN, texts.offline_password_ent_only),
        LearnRefusal::TooShort => (StatusCode::UNPROCESSABLE_ENTITY, texts.too_short),
        LearnRefusal::TooLong => (StatusCode::UNPROCESSABLE_ENTITY, texts.too_long),
        LearnRefusal::IsTheLogin => (StatusCode::UNPROCESSABLE_ENTITY, texts.is_the_login),
        LearnRefusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, texts.learn_busy),
        LearnRefusal::NotKept => (StatusCode::SERVICE_UNAVAILABLE, texts.not_kept),
    }
}

impl Secure {
    /// The session on the visitor's machine, where it was begun at the ENT, and by this very browser: whoever copies the
    /// machine's hardware address must not leave with a password for weeks.
    fn of_the_ent(&self, visitor: &Visitor, asked: &Asked) -> Option<SessionView> {
        let session = self.identity.session_of(visitor.source)?;
        let proven = self.identity.session_by_token(asked.token.as_ref()?)?;
        (proven.machine == session.machine && session.assurance == Assurance::Online).then_some(session)
    }

    fn for_the_ent_only(&self, asked: &Asked) -> Response {
        let texts = asked.language.sign_in_words();
        let link = Link { url: String::from("/"), text: asked.language.words().back_home };
        let (title, text) = (texts.offline_password, texts.offline_password_ent_only);
        self.notice(asked, StatusCode::FORBIDDEN, title, text, Some(link))
    }

    fn password_page(
        &self,
        asked: &Asked,
        session: &SessionView,
        status: StatusCode,
        refused: Option<&'static str>,
        wanted: Option<Wanted>,
    ) -> Response {
        let switch = asked.switch("/mot-de-passe", wanted.as_ref().map(Wanted::url));
        let page = PasswordPage {
            frame: self.house.frame(asked.language, switch),
            texts: asked.language.sign_in_words(),
            remembered: asked.language.remembered(self.identity.remember()),
            has_one: self.identity.has_offline_password(&session.account.id),
            refused,
            later: home_path(wanted.as_ref()),
            wanted,
        };
        html(status, written(&page))
    }
}
