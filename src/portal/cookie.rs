//! The cookie that proves a session: which browser signed in, never which machine.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::identity::SessionToken;

/// Its name. The prefix binds it to this host and to HTTPS (RFC 6265bis 4.1.3.2).
const NAME: &str = "__Host-preau";

/// The token of a request's cookie, where there is one.
pub(super) fn token(headers: &HeaderMap) -> Option<SessionToken> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value);
    SessionToken::parse(values.next()?)
}

/// The field that gives a browser the token of its session, until it is closed.
pub(super) fn given(token: &SessionToken) -> HeaderValue {
    let cookie = format!("{NAME}={}; Path=/; Secure; HttpOnly; SameSite=Lax", token.text());
    HeaderValue::try_from(cookie).expect("a token's text is letters, digits, `-` and `_`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_brings_back_what_it_was_given() {
        let given = given(&SessionToken::parse(&"A".repeat(43)).unwrap());
        let pair = given.to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, HeaderValue::try_from(format!("__Host-langue=en; {pair}")).unwrap());
        assert_eq!(token(&headers).unwrap().text(), "A".repeat(43));
        headers.insert(header::COOKIE, HeaderValue::from_static("preau=AAAA; __Host-preau=non"));
        assert!(token(&headers).is_none());
    }
}
