//! The cookie that proves a session to the portal: `__Host-preau`.
//!
//! The prefix binds it to this host, to HTTPS and to the whole of it (RFC 6265bis 4.1.3.2). `Lax`: an application of the
//! school sends its readers here by a link, and they are known; a form of another site brings no cookie. Whoever refuses
//! cookies signs in all the same, and is known by the machine.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{identity::SessionToken, model::Moment};

/// The cookie's name.
const NAME: &str = "__Host-preau";

/// What every such cookie says of itself.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// The token that a request brings.
pub(in crate::portal) fn token_of(headers: &HeaderMap) -> Option<SessionToken> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(name, _)| *name == NAME).find_map(|(_, value)| SessionToken::parse(value))
}

/// Gives the browser `token` until the session ends.
pub(super) fn give(headers: &mut HeaderMap, token: &SessionToken, now: Moment, until: Moment) {
    let seconds = until.since(now).as_secs();
    append(headers, &format!("{NAME}={}; Max-Age={seconds}; {ATTRIBUTES}", token.text()));
}

/// Takes the token away from the browser.
pub(super) fn take_back(headers: &mut HeaderMap) {
    append(headers, &format!("{NAME}=; Max-Age=0; {ATTRIBUTES}"));
}

fn append(headers: &mut HeaderMap, cookie: &str) {
    let mut value = HeaderValue::try_from(cookie).expect("a token's text and numbers are visible ASCII");
    value.set_sensitive(true);
    headers.append(header::SET_COOKIE, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought(cookies: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(cookies).unwrap())]);
        token_of(&headers).map(|token| token.text())
    }

    #[test]
    fn the_token_is_read_from_its_own_cookie_alone() {
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        for (cookies, found) in [
            (format!("__Host-preau={text}"), true),
            (format!("__Host-langue=en; __Host-preau={text}"), true),
            (format!("__Host-preau=x; __Host-preau={text}"), true),
            (format!("preau={text}"), false),
            (format!("__host-preau={text}"), false),
            (format!("__Host-preau=\"{text}\""), false),
            (String::from("__Host-preau="), false),
            (String::new(), false),
        ] {
            assert_eq!(brought(&cookies).is_some(), found, "{cookies}");
        }
    }

    #[test]
    fn the_cookie_is_for_https_and_for_this_host_until_the_session_ends() {
        let token = SessionToken::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
        let (now, until) = (Moment::from_unix_seconds(100), Moment::from_unix_seconds(7300));
        let mut headers = HeaderMap::new();
        give(&mut headers, &token, now, until);
        take_back(&mut headers);
        let given: Vec<_> =
            headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
        let text = token.text();
        assert_eq!(
            given,
            [
                &*format!("__Host-preau={text}; Max-Age=7200; Path=/; Secure; HttpOnly; SameSite=Lax"),
                "__Host-preau=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax",
            ]
        );
        assert!(headers[header::SET_COOKIE].is_sensitive());
    }
}
