//! The site in what somebody typed or pasted, and the path where the box would see it.

use anyhow::Context as _;
use preau::model::{Site, UrlPath};

/// What somebody asks about.
#[derive(Debug)]
pub(super) struct Sought {
    /// The site.
    pub(super) site: Site,
    /// The path and query of a plain HTTP URL: the box would see them.
    pub(super) path: Option<UrlPath>,
    /// Whether the text has a path that the box would not see.
    pub(super) hides_path: bool,
}

/// What `text` names: a URL, or a site by itself.
pub(super) fn sought(text: &str) -> anyhow::Result<Sought> {
    let (scheme, rest) = text.trim().split_once("://").unwrap_or(("", text.trim()));
    let (_, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = UrlPath::from(path);
    let is_seen = scheme.eq_ignore_ascii_case("http");
    let hides_path = !is_seen && !path.is_root();
    Ok(Sought { site: site(text)?, path: is_seen.then_some(path), hides_path })
}

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
        for (text, path, hides_path) in [
            ("http://jeux.example", Some("/"), false),
            ("HTTP://jeux.example/A?b#c", Some("/a?b"), false),
            ("https://jeux.example/a", None, true),
            ("https://jeux.example/", None, false),
            ("jeux.example/a", None, true),
            ("jeux.example", None, false),
        ] {
            let sought = sought(text).unwrap();
            assert_eq!(sought.path.as_ref().map(UrlPath::as_str), path, "{text}");
            assert_eq!(sought.hides_path, hides_path, "{text}");
        }
        for wrong in ["", "https://", "a b", "jeux.example:port", "[2001:db8::1"] {
            assert!(site(wrong).is_err(), "{wrong}");
        }
    }
}
