//! What every request to the portal's own name passes first, and every answer last.
//!
//! A request must name the portal (a name that was made to point at the box is refused: DNS rebinding), and one that
//! changes something must come from the portal's own pages. There is no session cookie to steal: a person is known by
//! their machine's address, which is why a form sent by another site's page must be caught by where it comes from.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// The headers of each answer under the portal's own name: own style sheet, icon and script file, own forms, and what
/// the script asks of the portal itself; nothing else.
const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; \
                                connect-src 'self'; form-action 'self'; \
                                base-uri 'none'; frame-ancestors 'none'";

/// Whether a request may be acted on as coming from the portal's own pages.
///
/// Browsers since 2020 say so by `Sec-Fetch-Site`, earlier ones by `Origin` on each form that another site sends. What
/// says neither is no browser that another site's page could use.
pub(super) fn comes_from_us(method: &Method, headers: &HeaderMap) -> bool {
    if method.is_safe() {
        return true;
    }
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin" || site == "none";
    }
    match (headers.get(header::ORIGIN), headers.get(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin
            .as_bytes()
            .strip_prefix(b"https://")
            .is_some_and(|origin| origin.eq_ignore_ascii_case(host.as_bytes())),
        (Some(_), None) => false,
    }
}

/// Adds the protecting headers, and `Cache-Control: no-store` where the page has not said better. A page that said where
/// its form may lead ([`content_security_towards`]) keeps that.
pub(super) fn protect(headers: &mut HeaderMap) {
    let usual = HeaderValue::from_static(CONTENT_SECURITY);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(usual);
    protect_anywhere(headers);
}

/// The policy of a page whose form leads, itself or by the redirection that answers it, to the site at `origin`, which is
/// a scheme, a host and perhaps a port.
pub(super) fn content_security_towards(origin: &str) -> HeaderValue {
    let policy = CONTENT_SECURITY.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
    HeaderValue::try_from(policy).expect("a scheme, a domain and a port are visible ASCII")
}

/// As [`protect`], for a page served in place of another site: its style comes from the portal at `origin`.
pub(super) fn protect_elsewhere(headers: &mut HeaderMap, origin: &str) {
    let policy = format!(
        "default-src 'none'; style-src {origin}; img-src {origin}; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("the portal's name and port are visible ASCII");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    protect_anywhere(headers);
}

fn protect_anywhere(headers: &mut HeaderMap) {
    const FIXED: [(HeaderName, &str); 3] = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: browsers would then send `Origin: null` with the portal's own forms.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(fields: &[(&'static str, &str)], expected: bool) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("portail.exemple:8443"));
        for (name, value) in fields {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        assert_eq!(comes_from_us(&Method::POST, &headers), expected, "{fields:?}");
        assert!(comes_from_us(&Method::GET, &headers));
    }

    #[test]
    fn a_form_is_taken_from_the_portals_own_pages_only() {
        check(&[("sec-fetch-site", "same-origin"), ("origin", "https://portail.exemple:8443")], true);
        check(&[("sec-fetch-site", "cross-site"), ("origin", "https://pirate.example")], false);
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("sec-fetch-site", "cross-site"), ("origin", "https://portail.exemple:8443")], false);
    }

    #[test]
    fn a_browser_without_fetch_metadata_is_judged_by_its_origin() {
        check(&[("origin", "https://portail.exemple:8443")], true);
        check(&[("origin", "https://portail.exemple")], false);
        check(&[("origin", "http://portail.exemple:8443")], false);
        check(&[("origin", "null")], false);
        check(&[("origin", "https://pirate.example")], false);
        check(&[], true);
    }

    #[test]
    fn an_answer_may_not_be_framed_sniffed_or_kept() {
        let mut headers = HeaderMap::new();
        protect(&mut headers);
        assert!(
            headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("frame-ancestors 'none'")
        );
        assert!(!headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("unsafe"));
        assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
    }
}
