//! Who asks: the session, the language, the moment, and what may be done there.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderMap, Uri, header, request},
};
use preau::model::{Moment, Uai};
use serde::de::DeserializeOwned;

use super::{language::Language, message::Message, refusal::Refused};
use crate::{
    database::Database,
    fleet::schools::{self, School},
    people::{Session, Token},
    words::{Actor, Granted, GroupName, Place, Right},
};

/// The cookie of a session. The prefix binds it to this host and to HTTPS (RFC 6265bis 4.1.3.2).
pub(super) const SESSION_COOKIE: &str = "__Host-session";

/// How the reader wants to be spoken to, and where they are; put into every request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) language: Language,
    /// The path with its query, without a choice of language.
    pub(super) path: String,
    /// What the page is to say of the act before it.
    pub(super) message: Option<Message>,
}

/// A request of somebody who came in.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub(super) asked: Asked,
    pub(super) session: Arc<Session>,
    /// When the request came.
    pub(super) now: Moment,
}

impl Asked {
    pub(super) fn new(uri: &Uri, headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|field| field.to_str().ok());
        let language = Language::choose(cookie(headers, super::language::COOKIE_NAME), accepted);
        let kept: Vec<&str> = uri
            .query()
            .unwrap_or("")
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("lang="))
            .collect();
        let mark = if kept.is_empty() { "" } else { "?" };
        let path = format!("{}{mark}{}", uri.path(), kept.join("&"));
        Self { language, path, message: Message::of(headers) }
    }

    /// The address of this page in the other language.
    pub(super) fn switch(&self) -> String {
        let mark = if self.path.contains('?') { '&' } else { '?' };
        format!("{}{mark}lang={}", self.path, self.language.other().tag())
    }
}

impl Visit {
    /// Who.
    pub(super) fn actor(&self) -> &Actor {
        &self.session.actor
    }

    /// The language to answer in.
    pub(super) fn language(&self) -> Language {
        self.asked.language
    }

    /// Lets on whoever has `right` anywhere: for pages that show what each may see.
    ///
    /// # Errors
    /// [`Refused::NotGranted`].
    pub(super) fn has(&self, right: Right) -> Result<(), Refused> {
        if self.actor().has(right) { Ok(()) } else { Err(Refused::NotGranted(right)) }
    }

    /// Asks for `right` at `place`.
    ///
    /// # Errors
    /// [`Refused::NotGranted`], or [`Refused::Away`] when the database refuses.
    pub(super) async fn may(
        &self,
        database: &Database,
        right: Right,
        place: &Place,
    ) -> Result<Granted, Refused> {
        let above = match place {
            Place::School(uai) => schools::above(database, uai).await?,
            Place::Academie | Place::Departement(_) | Place::Group(_) => Vec::new(),
        };
        self.actor().may(right, place, &above).map_err(|_| Refused::NotGranted(right))
    }

    /// The school of the code in an address, where the visitor has `right` there.
    ///
    /// # Errors
    /// [`Refused::NoSuchPage`] where there is none, [`Refused::NotGranted`].
    pub(super) async fn school(
        &self,
        database: &Database,
        right: Right,
        code: &str,
    ) -> Result<(School, Granted), Refused> {
        let uai = Uai::new(code).ok_or(Refused::NoSuchPage)?;
        // The right first: whoever may not look there does not learn which codes are entered.
        let granted = self.may(database, right, &Place::School(uai.clone())).await?;
        let school = schools::find(database, &uai).await?.ok_or(Refused::NoSuchPage)?;
        Ok((school, granted))
    }

    /// Whether `right` covers `school`, which is in `groups`.
    pub(super) fn covers(&self, right: Right, school: &School, groups: &[GroupName]) -> bool {
        self.actor().grants.iter().any(|grant| {
            grant.right == right
                && match &grant.place {
                    Place::Academie => true,
                    Place::Departement(code) => *code == school.departement,
                    Place::Group(name) => groups.contains(name),
                    Place::School(uai) => *uai == school.uai,
                }
        })
    }
}

/// What the query of an address says; one that cannot be read is as good as none.
#[derive(Clone, Debug, Default)]
pub(super) struct Sought<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned + Default> FromRequestParts<S> for Sought<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut request::Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Query::<T>::try_from_uri(&parts.uri).map(|Query(sought)| sought).unwrap_or_default()))
    }
}

/// The value of the cookie `name`.
pub(super) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// The token of the session that a request brings.
pub(super) fn session_token(headers: &HeaderMap) -> Option<Token> {
    cookie(headers, SESSION_COOKIE).and_then(Token::read)
}
