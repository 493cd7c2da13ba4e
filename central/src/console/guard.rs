//! What every request passes first and every answer last: whose form it is, and what a browser may do with a page.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use preau::model::Domain;

/// Own style sheet, icon and script file, own forms, and what the script asks of the console itself; nothing else.
const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; \
                                connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Whether a request names the console: another name that was made to point here is refused (DNS rebinding).
pub(super) fn is_named(uri: &Uri, headers: &HeaderMap, name: &Domain) -> bool {
    let mut fields = headers.get_all(header::HOST).iter();
    let host = match (uri.host(), fields.next(), fields.next()) {
        // HTTP/2 carries the name in the request's target.
        (Some(host), ..) => host,
        (None, Some(field), None) => {
            let Ok(field) = field.to_str() else { return false };
            field.rsplit_once(':').map_or(field, |(host, _)| host)
        }
        _ => return false,
    };
    host.eq_ignore_ascii_case(name.as_str())
}

/// Whether a request may be acted on as coming from the console's own pages. Browsers since 2020 say so by
/// `Sec-Fetch-Site`, earlier ones by `Origin`. A request that changes something and says neither is refused: everybody who
/// comes here has a browser.
pub(super) fn comes_from_us(method: &Method, headers: &HeaderMap, name: &Domain) -> bool {
    if method.is_safe() {
        return true;
    }
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    origin.and_then(|origin| origin.strip_prefix("https://")).is_some_and(|origin| {
        let host = origin.rsplit_once(':').map_or(origin, |(host, _)| host);
        host.eq_ignore_ascii_case(name.as_str())
    })
}

/// Adds the protecting headers, and `Cache-Control: no-store` where the page has not said better.
pub(super) fn protect(headers: &mut HeaderMap) {
    const FIXED: [(HeaderName, &str); 6] = [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers would then send `Origin: null` with the console's own forms.
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn a_form_is_taken_from_the_consoles_own_pages_only() {
        let name = "console.exemple".parse().unwrap();
        for (fields, expected) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://console.exemple")], false),
            (&[("origin", "https://console.exemple")], true),
            (&[("origin", "https://console.exemple:8444")], true),
            (&[("origin", "http://console.exemple")], false),
            (&[("origin", "https://console.exemple.pirate.example")], false),
            (&[("origin", "null")], false),
            (&[], false),
        ] {
            assert_eq!(comes_from_us(&Method::POST, &headers(fields), &name), expected, "{fields:?}");
            assert!(comes_from_us(&Method::GET, &headers(fields), &name));
        }
    }

    #[test]
    fn a_request_names_the_console_once() {
        let name: Domain = "console.exemple".parse().unwrap();
        let named = |uri: &str, fields: &[(&'static str, &'static str)]| {
            is_named(&uri.parse().unwrap(), &headers(fields), &name)
        };
        assert!(named("/", &[("host", "console.exemple")]));
        assert!(named("/", &[("host", "CONSOLE.exemple:8444")]));
        assert!(named("https://console.exemple/", &[]));
        assert!(!named("/", &[]));
        assert!(!named("/", &[("host", "pirate.example")]));
        assert!(!named("https://pirate.example/", &[("host", "console.exemple")]));
    }
}
