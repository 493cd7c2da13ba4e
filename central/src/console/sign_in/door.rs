//! The two steps of the sign-in, each a form of its own, and the way out.

use std::sync::Arc;

use askama::Template;
use axum::{
    Extension, Form, Router,
    extract::{State, rejection::FormRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;

use super::invitation;
use crate::{
    console::{
        client::Certified,
        connection::Peer,
        message::see_other,
        page::{Frame, html},
        refusal::Answer,
        road::Console,
        visit::{Asked, SESSION_COOKIE, Sought, cookie, session_token},
        words::SignInWords,
    },
    people::{SignInRefusal, Token},
};

/// The cookie between password and code.
const STAGE_COOKIE: &str = "__Host-etape";

#[derive(Debug, Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage<'a> {
    frame: Frame<'a>,
    words: &'static SignInWords,
    /// Whether it is the second step.
    is_code: bool,
    login: &'a str,
    wanted: &'a str,
    refused: Option<&'static str>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Towards {
    suite: String,
}

#[derive(Debug, Deserialize)]
struct PasswordForm {
    login: String,
    password: String,
    #[serde(default)]
    suite: String,
}

#[derive(Debug, Deserialize)]
struct CodeForm {
    code: String,
    #[serde(default)]
    suite: String,
}

/// What is open to everybody.
pub(in crate::console) fn router() -> Router<Arc<Console>> {
    Router::new()
        .route("/connexion", get(ask_password).post(take_password))
        .route("/connexion/code", get(ask_code).post(take_code))
        .merge(invitation::router())
}

/// What is open to whoever came in.
pub(in crate::console) fn closed_router() -> Router<Arc<Console>> {
    Router::new().route("/deconnexion", post(leave))
}

/// The sign-in page that leads to `wanted` afterwards.
pub(in crate::console) fn path_towards(wanted: &str) -> String {
    if wanted == "/" { String::from("/connexion") } else { with_wanted("/connexion", wanted) }
}

async fn ask_password(
    State(console): State<Arc<Console>>,
    Extension(asked): Extension<Asked>,
    Sought(Towards { suite }): Sought<Towards>,
) -> Answer {
    Ok(console.sign_in_page(&asked, StatusCode::OK, false, "", &suite, None))
}

async fn take_password(
    State(console): State<Arc<Console>>,
    Extension(asked): Extension<Asked>,
    Extension(Peer(address)): Extension<Peer>,
    Extension(Certified(certified)): Extension<Certified>,
    headers: HeaderMap,
    form: Result<Form<PasswordForm>, FormRejection>,
) -> Answer {
    let Form(PasswordForm { login, password, suite }) = form?;
    match console.parts.people.sign_in(&login, &password, address).await? {
        Ok(stage) => {
            if let Some(certified) = certified {
                let proved =
                    console.parts.people.prove_by_certificate(&stage, &certified, address, browser(&headers));
                // A certificate of somebody else is as good as none: the code is asked.
                if let Ok(session) = proved.await? {
                    let mut response = see_other(own_path(&suite));
                    set_cookie(&mut response, SESSION_COOKIE, Some(&session));
                    return Ok(response);
                }
            }
            let mut response = see_other(&with_wanted("/connexion/code", &suite));
            set_cookie(&mut response, STAGE_COOKIE, Some(&stage));
            Ok(response)
        }
        Err(refusal) => Ok(console.refused(&asked, refusal, false, &login, &suite)),
    }
}

async fn ask_code(
    State(console): State<Arc<Console>>,
    Extension(asked): Extension<Asked>,
    headers: HeaderMap,
    Sought(Towards { suite }): Sought<Towards>,
) -> Answer {
    if cookie(&headers, STAGE_COOKIE).is_none() {
        return Ok(see_other(&path_towards(&suite)));
    }
    Ok(console.sign_in_page(&asked, StatusCode::OK, true, "", &suite, None))
}

async fn take_code(
    State(console): State<Arc<Console>>,
    Extension(asked): Extension<Asked>,
    Extension(Peer(address)): Extension<Peer>,
    headers: HeaderMap,
    form: Result<Form<CodeForm>, FormRejection>,
) -> Answer {
    let Form(CodeForm { code, suite }) = form?;
    let Some(stage) = cookie(&headers, STAGE_COOKIE).and_then(Token::read) else {
        return Ok(see_other(&path_towards(&suite)));
    };
    match console.parts.people.prove(&stage, &code, address, browser(&headers)).await? {
        Ok(session) => {
            let mut response = see_other(own_path(&suite));
            set_cookie(&mut response, SESSION_COOKIE, Some(&session));
            set_cookie(&mut response, STAGE_COOKIE, None);
            Ok(response)
        }
        Err(refusal) => Ok(console.refused(&asked, refusal, true, "", &suite)),
    }
}

async fn leave(State(console): State<Arc<Console>>, headers: HeaderMap) -> Answer {
    if let Some(token) = session_token(&headers) {
        console.parts.people.leave(&token).await?;
    }
    let mut response = see_other("/connexion");
    set_cookie(&mut response, SESSION_COOKIE, None);
    Ok(response)
}

impl Console {
    fn refused(
        &self,
        asked: &Asked,
        refusal: SignInRefusal,
        is_code: bool,
        login: &str,
        wanted: &str,
    ) -> Response {
        let words = SignInWords::of(asked.language);
        let (status, is_code, text) = match refusal {
            SignInRefusal::Wrong if is_code => (StatusCode::FORBIDDEN, true, words.wrong_code),
            SignInRefusal::Wrong => (StatusCode::FORBIDDEN, false, words.wrong),
            SignInRefusal::TooOften => (StatusCode::TOO_MANY_REQUESTS, is_code, words.too_often),
            SignInRefusal::Begin => (StatusCode::FORBIDDEN, false, words.begin),
        };
        self.sign_in_page(asked, status, is_code, login, wanted, Some(text))
    }

    fn sign_in_page(
        &self,
        asked: &Asked,
        status: StatusCode,
        is_code: bool,
        login: &str,
        wanted: &str,
        refused: Option<&'static str>,
    ) -> Response {
        let path = if is_code { "/connexion/code" } else { "/connexion" };
        // An answer to a form has an address that asks for the form again.
        let here = Asked { path: with_wanted(path, wanted), ..asked.clone() };
        let (frame, words) = (self.bare_frame(&here), SignInWords::of(asked.language));
        html(status, &SignInPage { frame, words, is_code, login, wanted, refused })
    }
}

/// `wanted` as a path of our own: not another host by `//`, nothing that ends a header.
fn own_path(wanted: &str) -> &str {
    let is_own = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && !wanted.contains(['\\', '\r', '\n'])
        && wanted.is_ascii();
    if is_own { wanted } else { "/" }
}

fn with_wanted(path: &str, wanted: &str) -> String {
    if wanted.is_empty() || wanted == "/" {
        return path.to_owned();
    }
    let value: String = form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
    format!("{path}?suite={value}")
}

/// What the browser calls itself.
fn browser(headers: &HeaderMap) -> &str {
    headers.get(header::USER_AGENT).and_then(|field| field.to_str().ok()).unwrap_or("")
}

/// Gives the browser a token to keep until it is closed, or takes it away.
fn set_cookie(response: &mut Response, name: &str, token: Option<&Token>) {
    let field = match token {
        Some(token) => format!("{name}={}; Path=/; Secure; HttpOnly; SameSite=Lax", token.text()),
        None => format!("{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax"),
    };
    let field = HeaderValue::try_from(field).expect("base64 is visible ASCII");
    response.headers_mut().append(header::SET_COOKIE, field);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site_after_the_sign_in() {
        for wanted in
            ["", "https://pirate.example/", "//pirate.example", "/\\pirate.example", "/a\r\nX: y", "/é"]
        {
            assert_eq!(own_path(wanted), "/", "{wanted:?}");
        }
        assert_eq!(own_path("/etablissement/0809999Z?x=1"), "/etablissement/0809999Z?x=1");
        assert_eq!(
            path_towards("/journal?acte=a&page=2"),
            "/connexion?suite=%2Fjournal%3Facte%3Da%26page%3D2"
        );
    }
}
