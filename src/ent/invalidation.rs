//! What a request that changes something makes stale (RFC 9111 section 4.4).

use hyper::{
    HeaderMap, Method, StatusCode, Uri,
    header::{CONTENT_LOCATION, HeaderName, LOCATION},
};

use super::list::only;

/// Whether the answer with `status` to `method` means that something was changed.
pub(super) fn changes(method: &Method, status: StatusCode) -> bool {
    !method.is_safe() && (status.is_success() || status.is_redirection())
}

/// The paths and queries on `host` that the answer names beside the one that was asked for.
pub(super) fn named(answer: &HeaderMap, host: &str, asked: &str) -> Vec<String> {
    let path = |name: &HeaderName| resolve(&only(answer, name)?, host, asked);
    [LOCATION, CONTENT_LOCATION].iter().filter_map(path).collect()
}

/// The path and query of a reference (RFC 3986 section 4.2), as seen from the path `asked`; none where it is of another
/// host: an origin says nothing about others.
fn resolve(reference: &str, host: &str, asked: &str) -> Option<String> {
    let reference = reference.split('#').next().unwrap_or_default();
    if reference.starts_with('/') && !reference.starts_with("//") {
        return Some(reference.to_owned());
    }
    let absolute =
        if reference.starts_with("//") { format!("http:{reference}") } else { reference.to_owned() };
    if let Ok(uri) = absolute.parse::<Uri>()
        && uri.scheme().is_some()
        && let Some(authority) = uri.authority()
    {
        let is_here = authority.host().eq_ignore_ascii_case(host);
        return is_here.then(|| uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string));
    }
    if reference.is_empty() {
        return Some(asked.to_owned());
    }
    let path = asked.split('?').next().unwrap_or_default();
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    (!reference.contains(':')).then(|| format!("{folder}/{reference}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_unsafe_request_that_succeeded_changes_something() {
        assert!(changes(&Method::POST, StatusCode::OK));
        assert!(changes(&Method::DELETE, StatusCode::SEE_OTHER));
        assert!(changes(&Method::from_bytes(b"M-SEARCH").unwrap(), StatusCode::NO_CONTENT));
        assert!(!changes(&Method::POST, StatusCode::INTERNAL_SERVER_ERROR));
        assert!(!changes(&Method::OPTIONS, StatusCode::OK));
    }

    #[test]
    fn references_are_resolved_and_those_of_other_hosts_left() {
        let check = |reference, expected: Option<&str>| {
            assert_eq!(
                resolve(reference, "ent.exemple.fr", "/a/b?c"),
                expected.map(str::to_owned),
                "{reference}"
            );
        };
        check("/x?y#z", Some("/x?y"));
        check("x", Some("/a/x"));
        check("https://ENT.exemple.fr/x", Some("/x"));
        check("//ent.exemple.fr", Some("/"));
        check("https://autre.exemple.fr/x", None);
        check("//autre.exemple.fr/x", None);
        check("", Some("/a/b?c"));
    }
}
