//! Whether a response may be kept (RFC 9111 section 3), and with which fields.

use hyper::{
    HeaderMap, StatusCode,
    header::{
        AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderName, SET_COOKIE, TRANSFER_ENCODING,
    },
};

use super::{
    directives::{About, Directives},
    freshness::{Arrival, explicit, is_cacheable_by_default},
    head::Head,
    hop::strip_connection,
    list::joined,
    settings::{Keep, Rule},
    targeted::Told,
    vary::Nominated,
};

/// Netscape's successor that nobody sends any more; were it sent, it would be a cookie.
pub(super) const SET_COOKIE2: HeaderName = HeaderName::from_static("set-cookie2");

/// Endings of names that are never pages.
const NO_PAGES: &[&str] = &[
    ".avif", ".css", ".gif", ".ico", ".jpeg", ".jpg", ".js", ".json", ".mjs", ".mp3", ".mp4", ".ogg", ".pdf",
    ".png", ".svg", ".ttf", ".txt", ".webm", ".webp", ".woff", ".woff2", ".xml", ".zip",
];

/// A response as it came, and what it answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Came<'a> {
    pub(super) status: StatusCode,
    pub(super) fields: &'a HeaderMap,
    pub(super) arrival: Arrival<'a>,
    /// What the request's Cache-Control says.
    pub(super) request: &'a Directives,
    /// The path that was asked for, without its query.
    pub(super) path: &'a str,
}

/// What of a response to a GET is kept under `rule`; none where it may not be.
pub(super) fn head_of(came: Came<'_>, rule: &Rule) -> Option<Head> {
    let told = Told::of(came.fields);
    if !may_be_kept(came, rule, &told) {
        return None;
    }
    let nominated = Nominated::of(came.fields, came.arrival.request, rule.keep)?;
    Some(Head::of(came.status, kept_fields(came.fields, &told), nominated, came.arrival, rule))
}

fn may_be_kept(came: Came<'_>, rule: &Rule, told: &Told) -> bool {
    let directives = &told.directives;
    let is_understood = is_cacheable_by_default(came.status);
    // A cache that understands the status may pass over no-store where must-understand is there as well.
    if directives.no_store && !(directives.must_understand && is_understood) || came.request.no_store {
        return false;
    }
    if directives.must_understand && !is_understood {
        return false;
    }
    // 304 is about what is kept already, 206 has its own way in, and 1xx is not final.
    if came.status.is_informational() || came.status == StatusCode::NOT_MODIFIED || !has_an_end(came) {
        return false;
    }
    match rule.keep {
        Keep::Never => false,
        Keep::AsTold => may_be_shared(came, told),
        Keep::Files => came.status == StatusCode::OK && may_be_shared(came, told),
        Keep::Everyone => is_a_page_or_a_part_of_one(came),
        Keep::Person => is_a_page_or_a_part_of_one(came) && !directives.must_understand,
    }
}

/// What RFC 9111 asks before a shared cache keeps a response.
fn may_be_shared(came: Came<'_>, told: &Told) -> bool {
    let directives = &told.directives;
    if directives.private.is_everything() {
        return false;
    }
    let is_for_all = directives.public || directives.s_maxage.is_some();
    // Section 3.5.
    if came.arrival.request.contains_key(AUTHORIZATION) && !is_for_all && !directives.must_revalidate {
        return false;
    }
    let fresh = explicit(came.fields, told, came.arrival);
    // Stricter than RFC 9111: what came for a cookie may be somebody's, and many origins say so badly. It is shared only
    // where the origin says how long it is fresh, and sets no other cookie: that would be a session at work.
    let sets_cookie = came.fields.contains_key(SET_COOKIE) || came.fields.contains_key(SET_COOKIE2);
    let is_fresh_for_all =
        fresh.is_some_and(|fresh| !fresh.is_zero()) && !directives.no_cache.is_everything();
    if came.arrival.request.contains_key(COOKIE) && !is_for_all && (sets_cookie || !is_fresh_for_all) {
        return false;
    }
    is_for_all || fresh.is_some() || is_cacheable_by_default(came.status)
}

/// Whether what an operator declares to be kept is what it seems: a success, and no page under the name of a picture, which
/// is how a private page is made to look like a public file.
fn is_a_page_or_a_part_of_one(came: Came<'_>) -> bool {
    let is_named_otherwise = NO_PAGES.iter().any(|ending| came.path.to_ascii_lowercase().ends_with(ending));
    let is_page = came
        .fields
        .get(CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().to_ascii_lowercase().windows(4).any(|part| part == b"html"));
    matches!(came.status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) && !(is_named_otherwise && is_page)
}

/// Whether one can tell that the whole body came: a body that ends with the connection may have been cut anywhere, and one
/// with two lengths may have ended anywhere.
fn has_an_end(came: Came<'_>) -> bool {
    let is_chunked =
        joined(came.fields, &TRANSFER_ENCODING).map(|coding| coding.eq_ignore_ascii_case("chunked"));
    is_chunked.unwrap_or(came.fields.contains_key(CONTENT_LENGTH))
        || matches!(came.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
}

/// The fields that are kept: not those of the connection, not those that `no-cache` or `private` names (RFC 9111 sections
/// 5.2.2.4 and 5.2.2.7), never a cookie: what one person was given, nobody else is.
pub(super) fn kept_fields(fields: &HeaderMap, told: &Told) -> HeaderMap {
    let mut kept = fields.clone();
    strip_connection(&mut kept);
    for about in [&told.directives.no_cache, &told.directives.private] {
        if let About::Fields(names) = about {
            for name in names {
                kept.remove(name);
            }
        }
    }
    kept.remove(SET_COOKIE);
    kept.remove(SET_COOKIE2);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Moment;

    fn kept(
        rule: &Rule,
        status: u16,
        request: &[(&'static str, &str)],
        response: &[(&'static str, &str)],
    ) -> bool {
        let map = |lines: &[(&'static str, &str)]| -> HeaderMap {
            lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let (request, mut response) = (map(request), map(response));
        response.insert(CONTENT_LENGTH, 1.into());
        let at = Moment::from_unix_seconds(0);
        let came = Came {
            status: StatusCode::from_u16(status).unwrap(),
            fields: &response,
            arrival: Arrival { request: &request, asked: at, received: at },
            request: &Directives::of_request(&request),
            path: "/prive/x.css",
        };
        head_of(came, rule).is_some()
    }

    fn under(keep: Keep) -> Rule {
        Rule { keep, ..Rule::as_told() }
    }

    #[test]
    fn as_told_keeps_what_a_shared_cache_may() {
        let told = |request: &[_], text| kept(&under(Keep::AsTold), 200, request, &[("cache-control", text)]);
        assert!(told(&[], "max-age=60"));
        for text in ["no-store", "private", "private, max-age=60", "max-age=60, no-store"] {
            assert!(!told(&[], text), "{text}");
        }
        let authorised = [("authorization", "Basic x")];
        assert!(!told(&authorised, "max-age=60"));
        for text in ["public", "s-maxage=60", "max-age=60, must-revalidate"] {
            assert!(told(&authorised, text), "{text}");
        }
        assert!(!told(&[("cache-control", "no-store")], "max-age=60"));
    }

    #[test]
    fn an_unknown_status_is_kept_only_with_a_word_and_never_where_it_must_be_understood() {
        let told = |status, text| kept(&under(Keep::AsTold), status, &[], &[("cache-control", text)]);
        assert!(!told(599, "x"));
        assert!(told(599, "max-age=60"));
        assert!(told(599, "public"));
        assert!(!told(599, "max-age=60, must-understand"));
        assert!(told(200, "max-age=60, must-understand, no-store"));
    }

    #[test]
    fn a_session_at_work_is_not_shared_but_where_the_origin_says_so() {
        let rule = under(Keep::AsTold);
        let cookie = [("cookie", "s=1")];
        assert!(!kept(&rule, 200, &cookie, &[("cache-control", "max-age=60"), ("set-cookie", "s=2")]));
        assert!(kept(&rule, 200, &cookie, &[("cache-control", "public, max-age=60"), ("set-cookie", "s=2")]));
        assert!(kept(&rule, 200, &cookie, &[("cache-control", "max-age=60")]));
        for text in ["max-age=0", "no-cache", "no-cache, max-age=60", "x"] {
            assert!(!kept(&rule, 200, &cookie, &[("cache-control", text), ("etag", "\"a\"")]), "{text}");
            assert!(kept(&rule, 200, &[], &[("cache-control", text), ("etag", "\"a\"")]), "{text}");
        }
    }

    #[test]
    fn no_rule_keeps_what_is_no_store_or_a_page_under_the_name_of_a_file() {
        for keep in [Keep::Everyone, Keep::Person] {
            let rule = under(keep);
            assert!(kept(
                &rule,
                200,
                &[("cookie", "s=1")],
                &[("cache-control", "private"), ("content-type", "text/css")]
            ));
            assert!(!kept(&rule, 200, &[], &[("cache-control", "no-store"), ("content-type", "text/css")]));
            assert!(!kept(&rule, 200, &[], &[("content-type", "text/HTML; charset=utf-8")]));
            assert!(!kept(&rule, 200, &[], &[]));
            assert!(!kept(&rule, 500, &[], &[("content-type", "text/css")]));
        }
        assert!(!kept(&under(Keep::Never), 200, &[], &[("cache-control", "public, max-age=60")]));
    }

    #[test]
    fn cookies_are_never_among_the_fields_that_are_kept() {
        let fields: HeaderMap = [("set-cookie", "a=b"), ("set-cookie2", "a=b"), ("a", "1"), ("b", "2")]
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .chain([("cache-control".parse().unwrap(), "no-cache=\"a\"".parse().unwrap())])
            .collect();
        let kept = kept_fields(&fields, &Told::of(&fields));
        assert_eq!(kept.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["b", "cache-control"]);
    }
}
