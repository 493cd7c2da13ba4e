//! The sign-in page: at the ENT, by login and password, by a voucher, or with the session this browser has already.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use crate::{
    identity::{EntStanding, SessionView},
    portal::{
        asked::Asked,
        page::{Frame, written},
        secure::{Secure, html},
        visitor::Visitor,
        wanted::{Wanted, query_value},
        words::SignInWords,
    },
};

/// The sign-in page.
#[derive(Debug, Template)]
#[template(path = "portal/sign_in/page.html")]
pub(in crate::portal) struct SignInPage<'a> {
    pub(in crate::portal) frame: Frame<'a>,
    pub(in crate::portal) texts: &'static SignInWords,
    /// Whether the zone asks for it.
    pub(in crate::portal) asked_for: bool,
    pub(in crate::portal) notice: Notice,
    /// The login to show again after a refusal.
    pub(in crate::portal) login: &'a str,
    pub(in crate::portal) wanted: Option<Wanted>,
    /// The way to the ENT, where the school has one.
    pub(in crate::portal) ent: Option<EntDoor<'a>>,
    /// Whose session may be taken along, by the name to call them.
    pub(in crate::portal) resume: Option<String>,
}

/// The way to the ENT.
#[derive(Clone, Copy, Debug)]
pub(in crate::portal) struct EntDoor<'a> {
    /// What the school calls it.
    pub(in crate::portal) name: &'a str,
    /// Whether it answers.
    pub(in crate::portal) is_reachable: bool,
}

/// What the sign-in page says first.
#[derive(Debug)]
pub(in crate::portal) enum Notice {
    None,
    SignedOut,
    /// Signed out on all machines.
    SignedOutEverywhere,
    /// The machine was handed over: the first field waits.
    NextPerson,
    /// What was wrong with login and password, or with what needs neither.
    Refused(String),
    /// What was wrong with the code of a voucher.
    CodeRefused(String),
}

impl Notice {
    /// What a page says that was asked for with `?parti=…`.
    pub(in crate::portal) fn of_leaving(left: Option<&str>) -> Self {
        match left {
            None => Self::None,
            Some("partout") => Self::SignedOutEverywhere,
            Some("suivant") => Self::NextPerson,
            Some(_) => Self::SignedOut,
        }
    }

    fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    fn is_code_refused(&self) -> bool {
        matches!(self, Self::CodeRefused(_))
    }

    fn is_next_person(&self) -> bool {
        matches!(self, Self::NextPerson)
    }
}

impl SignInPage<'_> {
    /// The address of the road to the ENT.
    fn ent_url(&self) -> String {
        let wanted = self.wanted.as_ref().map(|wanted| format!("?suite={}", query_value(&wanted.url())));
        format!("/connexion/ent{}", wanted.unwrap_or_default())
    }

    /// Whether the form stands behind the way to the ENT.
    fn ent_first(&self) -> bool {
        self.ent.is_some_and(|ent| ent.is_reachable)
    }
}

impl Secure {
    /// The sign-in page as the visitor sees it.
    pub(in crate::portal) fn sign_in_page(
        &self,
        visitor: &Visitor,
        asked: &Asked,
        status: StatusCode,
        notice: Notice,
        (login, wanted): (&str, Option<Wanted>),
    ) -> Response {
        let frame = self.house.frame(asked.language, asked.switch("/", wanted.as_ref().map(Wanted::url)));
        let asked_for = visitor.must_sign_in();
        let texts = asked.language.sign_in_words();
        let resume = asked.token.as_ref().and_then(|token| {
            let session = self.identity.resumable(token, &visitor.zone, visitor.source)?;
            Some(self.called(&session))
        });
        let ent = self.ent_door();
        html(status, written(&SignInPage { frame, texts, asked_for, notice, login, wanted, ent, resume }))
    }

    /// The way to the ENT, where the school has one.
    pub(in crate::portal) fn ent_door(&self) -> Option<EntDoor<'_>> {
        let is_reachable = match self.identity.ent() {
            EntStanding::None => return None,
            EntStanding::Reachable => true,
            EntStanding::Away => false,
        };
        Some(EntDoor { name: self.ent_name.as_deref()?, is_reachable })
    }

    /// What to call the person of a session: their first name, where the directory has it apart.
    fn called(&self, session: &SessionView) -> String {
        let person = self.identity.person(&session.account.id);
        let given_name = person.map(|person| person.given_name.clone()).filter(|name| !name.is_empty());
        given_name.unwrap_or_else(|| session.account.display_name.clone())
    }
}
