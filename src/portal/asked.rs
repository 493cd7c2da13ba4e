//! What a request to the portal says beside its road: its query, the language to answer in, and the browser's token.

use std::convert::Infallible;

use axum::{
    extract::{FromRequestParts, Query},
    http::{HeaderMap, header, request::Parts},
};
use serde::Deserialize;

use super::{
    language::Language,
    sign_in::token_of,
    wanted::{Wanted, query_value},
};
use crate::identity::SessionToken;

/// What the portal reads in the query of any of its pages.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PageQuery {
    /// The language to change to.
    pub(super) lang: Option<String>,
    /// The page to offer after the sign-in.
    pub(super) suite: Option<String>,
    /// The site to judge.
    pub(super) u: Option<String>,
    /// Present right after a sign-out: `1`, `suivant`, `partout`.
    pub(super) parti: Option<String>,
    /// Present right after a form was taken.
    pub(super) fait: Option<String>,
}

/// What a request says beside its road.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) language: Language,
    /// The language, when this very request chose it.
    pub(super) chosen: Option<Language>,
    pub(super) query: PageQuery,
    /// What the browser brings to prove a session by; whether it does is for `identity` to say.
    pub(super) token: Option<SessionToken>,
}

impl Asked {
    fn new(query: PageQuery, headers: &HeaderMap) -> Self {
        let field = |name| headers.get(name).and_then(|field| field.to_str().ok());
        let chosen = query.lang.as_deref().and_then(Language::from_tag);
        let (cookies, accepted) = (field(header::COOKIE), field(header::ACCEPT_LANGUAGE));
        let language = Language::choose(query.lang.as_deref(), cookies, accepted);
        Self { language, chosen, query, token: token_of(headers) }
    }

    /// The page to offer after the sign-in.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        self.query.suite.as_deref().and_then(Wanted::read)
    }

    /// The address of this page in the other language.
    pub(super) fn switch(&self, path: &str, wanted_url: Option<String>) -> String {
        let mut url = format!("{path}?lang={}", self.language.other().tag());
        for (name, value) in [("suite", wanted_url.as_deref()), ("u", self.query.u.as_deref())] {
            if let Some(value) = value {
                url.push_str(&format!("&{name}={}", query_value(value)));
            }
        }
        url
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    /// A query that cannot be read is as good as none.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        let query =
            Query::<PageQuery>::try_from_uri(&parts.uri).map(|Query(query)| query).unwrap_or_default();
        Ok(Self::new(query, &parts.headers))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(query: &str, accepted: &'static str) -> Asked {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(accepted));
        let uri = format!("/?{query}").parse().unwrap();
        Asked::new(Query::try_from_uri(&uri).map(|Query(query)| query).unwrap_or_default(), &headers)
    }

    #[test]
    fn changing_the_language_keeps_the_page() {
        let asked = asked("u=jeux.example%2F%22%3E&lang=en", "fr");
        assert_eq!(asked.language, Language::English);
        assert_eq!(asked.switch("/bloque", None), "/bloque?lang=fr&u=jeux.example%2F%22%3E");
    }

    #[test]
    fn a_query_that_cannot_be_read_is_as_good_as_none() {
        for query in ["lang=en&lang=fr", "u=a&u=b", "%", "&&&=&"] {
            let asked = asked(query, "en");
            assert_eq!((asked.language, asked.query.u), (Language::English, None), "{query}");
        }
    }
}
