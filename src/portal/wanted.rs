//! The page somebody was on the way to, and the site somebody asks about: text from a request, read strictly.

use std::fmt::Write as _;

use crate::model::{Site, UrlPath};

/// The longest address of a page that is kept, in bytes; a longer one is kept as its site only.
const URL_BYTES_MAX: usize = 1024;

/// How the way to an application of the school begins, through the portal's own CAS server.
const TO_APPLICATION: &str = "/cas/login?";

/// A plain-HTTP address somebody asked for before signing in. It is shown as a link with its site spelled out, and never
/// followed by itself, so that the portal sends nobody where a crafted link wants.
///
/// Or the way to an application of the school, which the CAS server judges when somebody comes to it: that one is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Empty on the way to an application.
    host: String,
    path: String,
}

impl Wanted {
    /// The page at `path` (with its query) of `site`.
    pub(super) fn new(site: &Site, path: &str) -> Self {
        let host = match site {
            Site::Address(std::net::IpAddr::V6(address)) => format!("[{address}]"),
            Site::Name(_) | Site::Address(_) => site.to_string(),
        };
        let fits = path.len() <= URL_BYTES_MAX
            && path.starts_with('/')
            && path.bytes().all(|byte| byte.is_ascii_graphic());
        Self { host, path: if fits { path.to_owned() } else { String::from("/") } }
    }

    /// The address written in `text`, when it is plain HTTP to a host on its usual port.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.len() > URL_BYTES_MAX {
            return None;
        }
        if text.starts_with(TO_APPLICATION) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Some(Self { host: String::new(), path: text.to_owned() });
        }
        let rest = text.strip_prefix("http://")?;
        let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        Some(Self::new(&host.parse().ok()?, path))
    }

    /// The site, as it is shown.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// The portal's own path that leads on to an application, where it is one.
    pub(super) fn to_application(&self) -> Option<&str> {
        self.host.is_empty().then_some(&*self.path)
    }

    /// The whole address.
    pub(super) fn url(&self) -> String {
        if self.host.is_empty() {
            return self.path.clone();
        }
        format!("http://{}{}", self.host, self.path)
    }
}

/// What a person asks about: a bare name or any web address, typed or pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sought {
    /// The site.
    pub(super) site: Site,
    /// The path and query, where the box would see them: in an address that begins with `http://`.
    pub(super) path: Option<UrlPath>,
    /// Whether it names a page whose path the box would not see.
    pub(super) hides_path: bool,
}

impl Sought {
    /// What `text` names, if it names a site.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > URL_BYTES_MAX {
            return None;
        }
        let after = |scheme: &str| {
            let start = text.get(..scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
        };
        let plain = after("http://");
        let rest = plain.or_else(|| after("https://")).unwrap_or(text);
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let site = authority.parse().ok().or_else(|| {
            let (host, port) = authority.rsplit_once(':')?;
            port.parse::<u16>().ok()?;
            host.parse().ok()
        })?;
        let path = UrlPath::from(path);
        let hides_path = plain.is_none() && !path.is_root();
        Some(Self { site, path: plain.map(|_| path), hides_path })
    }
}

/// `text` as one value of a query string (everything but letters, digits and `-._~` written as `%XX`).
pub(super) fn query_value(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_addresses_of_a_host_are_kept() {
        assert_eq!(Wanted::read("http://exemple.fr/a?b=c").unwrap().url(), "http://exemple.fr/a?b=c");
        assert_eq!(Wanted::read("http://Exemple.fr").unwrap().url(), "http://exemple.fr/");
        for text in [
            "https://exemple.fr/",
            "javascript:alert(1)",
            "//exemple.fr/",
            "/chemin",
            "/cas/logout?service=x",
            "/cas/login?service=a b",
            "http://moi@exemple.fr/",
            "http://exemple.fr:8080/",
            "http:///exemple.fr",
            "http://ex emple.fr/",
            "",
        ] {
            assert_eq!(Wanted::read(text), None, "{text}");
        }
        assert_eq!(Wanted::read(&format!("http://exemple.fr/{}", "a".repeat(2000))), None);
    }

    #[test]
    fn the_way_to_an_application_is_kept_as_the_portals_own_path() {
        let way = Wanted::read("/cas/login?service=https%3A%2F%2Fa.exemple%2F").unwrap();
        assert_eq!(way.to_application(), Some("/cas/login?service=https%3A%2F%2Fa.exemple%2F"));
        assert_eq!(way.url(), "/cas/login?service=https%3A%2F%2Fa.exemple%2F");
        assert_eq!(Wanted::read("http://exemple.fr/cas/login?x").unwrap().to_application(), None);
    }

    #[test]
    fn a_path_that_is_not_plain_visible_text_is_left_out() {
        let site = "exemple.fr".parse().unwrap();
        assert_eq!(Wanted::new(&site, "/a b").url(), "http://exemple.fr/");
        assert_eq!(Wanted::new(&site, "*").url(), "http://exemple.fr/");
        assert_eq!(Wanted::new(&"2001:db8::1".parse().unwrap(), "/x").url(), "http://[2001:db8::1]/x");
    }

    #[test]
    fn a_site_is_read_from_a_name_or_a_pasted_address() {
        for (text, site, path) in [
            ("exemple.fr", "exemple.fr", None),
            ("exemple.fr/page", "exemple.fr", None),
            ("  https://WWW.Exemple.fr/page?x#y ", "www.exemple.fr", None),
            ("HTTP://exemple.fr:8080/", "exemple.fr", Some("/")),
            ("http://exemple.fr/Page?x#y", "exemple.fr", Some("/page?x")),
            ("192.0.2.1", "192.0.2.1", None),
            ("http://[2001:db8::1]", "2001:db8::1", Some("/")),
        ] {
            let sought = Sought::read(text).unwrap();
            assert_eq!(sought.site.to_string(), site, "{text}");
            assert_eq!(sought.path.as_ref().map(UrlPath::as_str), path, "{text}");
            assert_eq!(sought.hides_path, path.is_none() && text.contains("/page"), "{text}");
        }
        for text in ["", "deux mots", "<script>", "moi@exemple.fr", "https://", "é.fr", "h€://a", "a:b:c"]
        {
            assert_eq!(Sought::read(text), None, "{text}");
        }
    }

    #[test]
    fn a_query_value_holds_nothing_that_speaks() {
        assert_eq!(query_value("http://é.fr/?a&b"), "http%3A%2F%2F%C3%A9.fr%2F%3Fa%26b");
    }
}
