//! What came of an act, told once at the top of the page that follows. It travels in a cookie of one minute: a page that is
//! loaded again does not repeat it, and two instances of central need not know of each other.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::visit::cookie;

const COOKIE_NAME: &str = "__Host-message";

/// The longest message, in bytes: a cookie has room for four thousand.
const BYTES_MAX: usize = 2000;

/// The field that takes the cookie away.
pub(super) const SPENT: &str = "__Host-message=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax";

/// A sentence and its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// What was done.
    Good(String),
    /// What was not done, and why.
    Bad(String),
}

impl Message {
    /// The class of its box.
    pub(super) fn class(&self) -> &'static str {
        match self {
            Self::Good(_) => "good",
            Self::Bad(_) => "bad",
        }
    }

    /// The role of its box: what was not done interrupts, the other does not.
    pub(super) fn role(&self) -> &'static str {
        match self {
            Self::Good(_) => "status",
            Self::Bad(_) => "alert",
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Good(text) | Self::Bad(text) => text,
        }
    }

    /// The message that a request brings.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let value = cookie(headers, COOKIE_NAME)?;
        let (kind, text) = value.split_once('.')?;
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        match kind {
            "good" => Some(Self::Good(text)),
            "bad" => Some(Self::Bad(text)),
            _ => None,
        }
    }

    fn cookie(&self) -> HeaderValue {
        let text = self.text();
        let end = (0..=text.len().min(BYTES_MAX)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let text = URL_SAFE_NO_PAD.encode(&text[..end]);
        let field = format!(
            "{COOKIE_NAME}={}.{text}; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax",
            self.class()
        );
        HeaderValue::try_from(field).expect("base64 is visible ASCII")
    }
}

/// Sends the browser to `path`, whose page then says `message`.
pub(super) fn go_saying(path: &str, message: &Message) -> Response {
    let mut response = see_other(path);
    response.headers_mut().append(header::SET_COOKIE, message.cookie());
    response
}

/// Sends the browser to `path` by GET. A path that cannot stand in a header leads to the first page.
pub(super) fn see_other(path: &str) -> Response {
    let place = HeaderValue::try_from(path).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_arrives_as_it_was_sent_and_a_forged_one_is_none() {
        for message in
            [Message::Good("12 établissements ; 3 = refusés".into()), Message::Bad("é".repeat(3000))]
        {
            let response = go_saying("/", &message);
            let field = response.headers()[header::SET_COOKIE].to_str().unwrap();
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, field.split(';').next().unwrap().parse().unwrap());
            let read = Message::of(&headers).unwrap();
            assert!(message.text().starts_with(read.text()) && read.class() == message.class());
        }
        for forged in ["x", "good.%%%", "bad", "<b>.YQ"] {
            let mut headers = HeaderMap::new();
            headers.insert(header::COOKIE, format!("{COOKIE_NAME}={forged}").parse().unwrap());
            assert_eq!(Message::of(&headers), None, "{forged}");
        }
    }
}
