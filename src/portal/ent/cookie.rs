//! The cookie of somebody who is on the way to the ENT: `__Host-preau-ent`.
//!
//! `Lax`: the ENT sends the browser back by a link of its own, which is another site's.

use axum::http::{HeaderMap, HeaderValue, header};

/// The cookie's name.
const NAME: &str = "__Host-preau-ent";

/// How long a browser keeps it, in seconds: as long as the box waits for somebody to come back.
const SECONDS: u32 = 600;

/// What every such cookie says of itself.
const ATTRIBUTES: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

/// The longest value that is looked at, in bytes; a key has 43.
const KEY_BYTES_MAX: usize = 64;

/// The key that a request brings; the first, where another host of the domain managed to add one.
pub(super) fn key_of(headers: &HeaderMap) -> Option<&str> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let mut pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, key) = pairs.find(|(name, _)| *name == NAME)?;
    (key.len() <= KEY_BYTES_MAX).then_some(key)
}

/// Gives the browser `key`.
pub(super) fn give(headers: &mut HeaderMap, key: &str) {
    append(headers, &format!("{NAME}={key}; Max-Age={SECONDS}; {ATTRIBUTES}"));
}

/// Takes the key away from the browser.
pub(super) fn take_back(headers: &mut HeaderMap) {
    append(headers, &format!("{NAME}=; Max-Age=0; {ATTRIBUTES}"));
}

fn append(headers: &mut HeaderMap, cookie: &str) {
    let mut value = HeaderValue::try_from(cookie).expect("a key is letters, digits, `-` and `_`");
    value.set_sensitive(true);
    headers.append(header::SET_COOKIE, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_read_from_its_own_cookie_alone() {
        for (cookies, key) in [
            ("__Host-preau=x; __Host-preau-ent=abc", Some("abc")),
            ("__Host-preau-ent=abc", Some("abc")),
            ("__Host-preau-entr=abc", None),
            ("preau-ent=abc", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(cookies))]);
            assert_eq!(key_of(&headers), key, "{cookies}");
        }
        let long = HeaderValue::try_from(format!("{NAME}={}", "a".repeat(65))).unwrap();
        assert_eq!(key_of(&HeaderMap::from_iter([(header::COOKIE, long)])), None);
    }
}
