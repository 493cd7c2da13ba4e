//! The site in what somebody typed or pasted.

use anyhow::Context as _;
use preau::model::Site;

/// The host of a URL, or the text itself, as a site.
pub(super) fn site(text: &str) -> anyhow::Result<Site> {
    let rest = text.trim().split_once("://").map_or(text.trim(), |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.rsplit_once(':') {
        Some((name, port)) if is_whole(name) && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    host.parse().with_context(|| format!("cannot read `{text}` as a site"))
}

/// Whether the text before a colon is a host by itself, not the first half of an IPv6 address.
fn is_whole(name: &str) -> bool {
    !name.contains(':') || name.ends_with(']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url_is_judged() {
        for (text, expected) in [
            ("jeux.example", "jeux.example"),
            (" jeux.example ", "jeux.example"),
            ("https://jeux.example/a?b#c", "jeux.example"),
            ("http://somebody@jeux.example:8080/", "jeux.example"),
            ("https://[2001:db8::1]/", "2001:db8::1"),
            ("https://[2001:db8::1]:8443/", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("203.0.113.9:443", "203.0.113.9"),
        ] {
            assert_eq!(site(text).unwrap().to_string(), expected, "{text}");
        }
        for wrong in ["", "https://", "a b", "jeux.example:port", "[2001:db8::1"] {
            assert!(site(wrong).is_err(), "{wrong}");
        }
    }
}
