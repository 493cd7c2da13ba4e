//! The address of a service, read strictly, and the patterns of the configuration it is held against.
//!
//! A ticket is sent wherever the service's URL leads, so this is where a ticket can be stolen. A URL is taken apart once
//! and compared part by part: scheme, host and port exactly, the path exactly, or below a path that ends on a segment.
//! Whatever two programs could read in two ways (`..`, encoded slashes, a user before the host) is no service's URL.

use std::{fmt, str::FromStr};

use crate::model::Domain;

/// The longest URL of a service, in bytes. Applications put the page somebody came from into it.
const URL_BYTES_MAX: usize = 1500;

/// Bytes that are read as a separator or a step after being decoded, or end a text in some programs.
const AMBIGUOUS: [&str; 4] = ["%2e", "%2f", "%5c", "%00"];

/// A service's URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceUrl {
    text: String,
    origin: Origin,
    path: String,
    query: Option<String>,
}

/// Where a URL leads: the part of it that browsers hold one site to be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Origin {
    is_https: bool,
    host: Domain,
    port: u16,
}

impl ServiceUrl {
    /// The service at `text`; none where that is no absolute `http` or `https` URL in its plainest spelling.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.len() > URL_BYTES_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        // A fragment never reaches a server; the others end up inside a header or in a page.
        if text.contains(['#', '\\', '"', '<', '>', '`']) {
            return None;
        }
        let (is_https, rest) = match text.split_once("://")? {
            (scheme, rest) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            (scheme, rest) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            _ => return None,
        };
        let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let (path, query) = tail.split_once('?').map_or((tail, None), |(path, query)| (path, Some(query)));
        let origin = Origin::read(is_https, authority)?;
        let path = if path.is_empty() { "/" } else { path };
        if !is_plain(path) {
            return None;
        }
        let (path, query) = (path.to_owned(), query.map(str::to_owned));
        Some(Self { text: text.to_owned(), origin, path, query })
    }

    /// The URL as the application wrote it.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port, as a content security policy names them.
    pub(super) fn origin(&self) -> String {
        self.origin.to_string()
    }

    /// The path, never empty.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Whether it is one of TLS.
    pub(super) fn is_https(&self) -> bool {
        self.origin.is_https
    }

    /// The URL with a ticket added to its query.
    pub(super) fn with_ticket(&self, ticket: &str) -> String {
        self.with_query(&format!("ticket={ticket}"))
    }

    /// The URL with `more` added to its query.
    pub(super) fn with_query(&self, more: &str) -> String {
        let joint = match &self.query {
            None => "?",
            Some(query) if query.is_empty() || query.ends_with('&') => "",
            Some(_) => "&",
        };
        format!("{}{joint}{more}", self.text)
    }
}

impl Origin {
    fn read(is_https: bool, authority: &str) -> Option<Self> {
        let usual = if is_https { 443 } else { 80 };
        let (host, port) = match authority.split_once(':') {
            None => (authority, usual),
            Some((host, port)) => {
                let digits = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
                (host, port.parse().ok().filter(|_| digits)?)
            }
        };
        // With a final point it is another host to browsers and to cookies.
        let host = Some(host).filter(|host| !host.ends_with('.'))?.parse().ok()?;
        Some(Self { is_https, host, port })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.is_https { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// Whether every program reads `path` alike.
fn is_plain(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    !AMBIGUOUS.iter().any(|code| lower.contains(code))
        && !path.split('/').any(|segment| {
            // Some servers cut parameters off a segment before they read it.
            let name = segment.split(';').next().unwrap_or(segment);
            name == "." || name == ".."
        })
}

/// Which URLs of an application are its services, such as `https://moodle.college.exemple/login/index.php`, or
/// `https://grr.college.exemple/*` for everything below a path.
///
/// Without a query every query fits, since applications put the page to come back to there; a pattern with one is that
/// query exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePattern {
    origin: Origin,
    path: PathPattern,
    query: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PathPattern {
    Exactly(String),
    /// Ends with a slash.
    Below(String),
}

impl ServicePattern {
    /// Whether `url` is such a service.
    pub(super) fn fits(&self, url: &ServiceUrl) -> bool {
        let path_fits = match &self.path {
            PathPattern::Exactly(path) => url.path == *path,
            PathPattern::Below(start) => url.path.starts_with(start),
        };
        let query_fits = self.query.is_none() || self.query == url.query;
        self.origin == url.origin && path_fits && query_fits
    }

    /// The host of the services.
    #[must_use]
    pub fn host(&self) -> &Domain {
        &self.origin.host
    }
}

impl FromStr for ServicePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (plain, is_below) = match text.strip_suffix("/*") {
            Some(start) => (format!("{start}/"), true),
            None => (text.to_owned(), false),
        };
        if plain.contains('*') {
            return Err(format!("`{text}`: a `*` stands only at the end, after a slash"));
        }
        let Some(url) = ServiceUrl::read(&plain) else {
            return Err(format!(
                "`{text}` is no address of a service; write such as `https://appli.college.exemple/cas/*`"
            ));
        };
        if is_below && url.query.is_some() {
            return Err(format!("`{text}`: a query and a `*` do not go together; leave one out"));
        }
        let ServiceUrl { text: _, origin, path, query } = url;
        let path = if is_below { PathPattern::Below(path) } else { PathPattern::Exactly(path) };
        Ok(Self { origin, path, query })
    }
}

impl fmt::Display for ServicePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            PathPattern::Exactly(path) => write!(f, "{}{path}", self.origin)?,
            PathPattern::Below(path) => write!(f, "{}{path}*", self.origin)?,
        }
        self.query.as_ref().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, url: &str, expected: bool) {
        let pattern: ServicePattern = pattern.parse().unwrap();
        let fits = ServiceUrl::read(url).is_some_and(|url| pattern.fits(&url));
        assert_eq!(fits, expected, "{pattern} {url}");
    }

    #[test]
    fn scheme_host_port_and_path_are_compared_exactly() {
        let pattern = "https://appli.exemple/cas";
        for (url, expected) in [
            ("https://appli.exemple/cas", true),
            ("https://appli.exemple:443/cas", true),
            ("HTTPS://Appli.Exemple/cas", true),
            ("https://appli.exemple/cas?a=b&c", true),
            ("https://appli.exemple/cas?", true),
            ("http://appli.exemple/cas", false),
            ("https://appli.exemple:444/cas", false),
            ("https://appli.exemple/CAS", false),
            ("https://appli.exemple/cas/", false),
            ("https://appli.exemple/cas2", false),
            ("https://appli.exemple/", false),
            ("https://appli.exemple", false),
            ("https://www.appli.exemple/cas", false),
            ("https://appli.exemple.pirate.example/cas", false),
            ("https://pirate.example/https://appli.exemple/cas", false),
            ("https://pirate.example/?https://appli.exemple/cas", false),
        ] {
            check(pattern, url, expected);
        }
    }

    #[test]
    fn a_star_is_everything_below_a_segment() {
        for (pattern, url, expected) in [
            ("https://a.exemple/*", "https://a.exemple", true),
            ("https://a.exemple/*", "https://a.exemple/x/y?z", true),
            ("https://a.exemple/m/*", "https://a.exemple/m/", true),
            ("https://a.exemple/m/*", "https://a.exemple/m/x", true),
            ("https://a.exemple/m/*", "https://a.exemple/m", false),
            ("https://a.exemple/m/*", "https://a.exemple/mx", false),
            ("https://a.exemple/m/*", "https://a.exemple/m/../x", false),
            ("https://a.exemple/m/*", "https://a.exemple/m/%2e%2E/x", false),
            ("https://a.exemple/m/*", "https://a.exemple/m/..%2fx", false),
            ("https://a.exemple/m/*", "https://a.exemple/m/..;a=b/x", false),
            ("https://a.exemple/m/*", "https://a.exemple/m/..\\x", false),
            ("https://a.exemple/m/*", "https://a.exemple/m/./x", false),
        ] {
            check(pattern, url, expected);
        }
    }

    #[test]
    fn a_written_query_is_that_query() {
        for (url, expected) in [
            ("https://a.exemple/?q=cas", true),
            ("https://a.exemple/", false),
            ("https://a.exemple/?q=cas&x", false),
            ("https://a.exemple/?Q=cas", false),
        ] {
            check("https://a.exemple/?q=cas", url, expected);
        }
    }

    #[test]
    fn what_two_programs_could_read_in_two_ways_is_no_service() {
        for url in [
            "",
            "appli.exemple",
            "//appli.exemple/",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://appli.exemple/",
            "https:/appli.exemple/",
            "https://",
            "https:///x",
            "https://moi@appli.exemple/",
            "https://moi:mot@appli.exemple/",
            "https://appli.exemple:/",
            "https://appli.exemple:0443/",
            "https://appli.exemple:99999/",
            "https://appli.exemple:+443/",
            "https://appli.exemple./",
            "https://10.10.0.5/",
            "https://[fd00::1]/",
            "https://appli.exemple/#a",
            "https://appli.exemple/a b",
            "https://appli.exemple/a\r\nSet-Cookie: x",
            "https://appli.exemple/é",
            "https://appli.exemple\\@pirate.example/",
            "https://appli.exemple/%00",
            " https://appli.exemple/",
        ] {
            assert_eq!(ServiceUrl::read(url), None, "{url}");
        }
        assert_eq!(ServiceUrl::read(&format!("https://a.exemple/{}", "a".repeat(URL_BYTES_MAX))), None);
    }

    #[test]
    fn a_ticket_joins_the_query() {
        for (url, expected) in [
            ("https://a.exemple", "https://a.exemple?ticket=ST-1"),
            ("https://a.exemple/x", "https://a.exemple/x?ticket=ST-1"),
            ("https://a.exemple/x?", "https://a.exemple/x?ticket=ST-1"),
            ("https://a.exemple/x?a=b", "https://a.exemple/x?a=b&ticket=ST-1"),
            ("https://a.exemple/x?a=b&", "https://a.exemple/x?a=b&ticket=ST-1"),
        ] {
            assert_eq!(ServiceUrl::read(url).unwrap().with_ticket("ST-1"), expected);
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_is_refused_and_a_good_one_reads_back() {
        for pattern in ["https://a.exemple/*", "http://a.exemple:8080/m/*", "https://a.exemple/x?y=z"] {
            assert_eq!(pattern.parse::<ServicePattern>().unwrap().to_string(), pattern);
        }
        for pattern in [
            "https://*.exemple/",
            "https://a.exemple*",
            "https://a.exemple/*/b",
            "https://a.exemple/?a/*",
            "*",
            "",
        ] {
            assert!(pattern.parse::<ServicePattern>().is_err(), "{pattern}");
        }
    }
}
