//! Which requests a kept response answers (RFC 9111 section 4.1).

use hyper::{
    HeaderMap,
    header::{ACCEPT_ENCODING, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_LANGUAGE, COOKIE, HeaderName, VARY},
};

use super::{
    list::{joined, members, split},
    settings::Keep,
};

/// Header fields that one response may name. A response that names more is as one that names `*`.
pub(super) const NOMINATED_MAX: usize = 32;

/// The fields that a response was chosen by, as the request had them that it answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Nominated(Vec<(HeaderName, Option<String>)>);

impl Nominated {
    /// What the Vary field of `response` names, as `request` has it; none where no other request can be answered.
    ///
    /// Of what is kept for everyone, cookies choose nothing: the operator declares that they do not. Of what is kept for a
    /// person they need not: the key does.
    pub(super) fn of(response: &HeaderMap, request: &HeaderMap, keep: Keep) -> Option<Self> {
        let Some(list) = joined(response, &VARY) else { return Some(Self::default()) };
        let mut named = Vec::new();
        for member in members(&list) {
            // `*` is no name, and what is no name cannot be compared.
            let name = HeaderName::from_bytes(member.as_bytes()).ok().filter(|_| member != "*")?;
            let is_settled = !keep.follows_origin() && (name == COOKIE || name == AUTHORIZATION);
            if is_settled || named.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let value = normal(request, &name);
            named.push((name, value));
        }
        (named.len() <= NOMINATED_MAX).then_some(Self(named))
    }

    /// The fields, each with its value in the form that is compared; none where the request had none.
    pub(super) fn fields(&self) -> &[(HeaderName, Option<String>)] {
        &self.0
    }

    pub(super) fn from_fields(fields: Vec<(HeaderName, Option<String>)>) -> Self {
        Self(fields)
    }

    /// Whether `request` would choose the same response, whose fields are `response`.
    pub(super) fn matches(&self, request: &HeaderMap, response: &HeaderMap) -> bool {
        self.0.iter().all(|(name, value)| {
            normal(request, name) == *value
                || (*name == ACCEPT_LANGUAGE && is_in_the_language_wanted(request, response))
        })
    }
}

/// The field `name` of a request in the form that is compared: lines joined, blanks around commas gone; languages and
/// codings in small letters and in the order of their weights.
fn normal(request: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = joined(request, name)?;
    if name == ACCEPT_LANGUAGE || name == ACCEPT_ENCODING {
        let weighted = weighted(&text);
        return Some(
            weighted.iter().map(|(what, weight)| format!("{what};q={weight}")).collect::<Vec<_>>().join(","),
        );
    }
    Some(members(&text).collect::<Vec<_>>().join(","))
}

/// The members of a list with weights (RFC 9110 section 12.4.2), in small letters, the weight in thousandths, the most
/// wanted first. A weight that cannot be read is none at all.
fn weighted(text: &str) -> Vec<(String, u16)> {
    let mut found: Vec<(String, u16)> = members(text)
        .filter_map(|member| {
            let mut parts = split(member, ';');
            let what = parts.next()?.to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
            Some((what, weight.map_or(1000, thousandths)))
        })
        .collect();
    found.sort_by(|(one, one_weight), (other, other_weight)| {
        other_weight.cmp(one_weight).then(one.cmp(other))
    });
    found
}

fn thousandths(weight: &str) -> u16 {
    let (whole, rest) = weight.split_once('.').unwrap_or((weight, ""));
    match whole {
        "1" => 1000,
        "0" if rest.len() <= 3 => format!("{rest:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

/// Whether `response` is in the one language that `request` wants before all others: an origin that has it would choose
/// it.
fn is_in_the_language_wanted(request: &HeaderMap, response: &HeaderMap) -> bool {
    let Some(language) = joined(response, &CONTENT_LANGUAGE) else { return false };
    let wanted = weighted(&joined(request, &ACCEPT_LANGUAGE).unwrap_or_default());
    match wanted.as_slice() {
        [(first, weight), rest @ ..] => {
            *weight > 0
                && rest.first().is_none_or(|(_, next)| next < weight)
                && first.eq_ignore_ascii_case(language.trim())
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in lines {
            fields.append(*name, value.parse().unwrap());
        }
        fields
    }

    fn check(vary: &str, first: &[(&'static str, &str)], second: &[(&'static str, &str)], expected: bool) {
        let response = fields(&[("vary", vary)]);
        let nominated = Nominated::of(&response, &fields(first), Keep::AsTold).unwrap();
        assert_eq!(nominated.matches(&fields(second), &response), expected, "{vary} {first:?} {second:?}");
    }

    #[test]
    fn a_request_matches_where_all_that_was_named_is_alike() {
        check("foo, bar", &[("foo", "1"), ("bar", "a")], &[("foo", "1"), ("bar", "a"), ("other", "x")], true);
        check("foo, bar", &[("foo", "1"), ("bar", "a")], &[("foo", "1")], false);
        check("foo", &[], &[("foo", "")], false);
        check("foo", &[], &[], true);
    }

    #[test]
    fn blanks_lines_and_the_order_of_languages_make_no_difference() {
        check("foo", &[("foo", "1,2")], &[("foo", " 1, 2 ")], true);
        check("foo", &[("foo", "1, 2")], &[("foo", "1"), ("foo", "2")], true);
        check("foo", &[("foo", "\"1, 2\"")], &[("foo", "\"1,2\"")], false);
        check("accept-language", &[("accept-language", "en, de")], &[("accept-language", " De ,eN")], true);
        check(
            "accept-language",
            &[("accept-language", "en, de")],
            &[("accept-language", "en;q=0.5, de")],
            false,
        );
        check("accept-encoding", &[("accept-encoding", "gzip, br")], &[("accept-encoding", "br,gzip")], true);
    }

    #[test]
    fn a_page_in_the_language_wanted_most_is_what_is_wanted() {
        let response = fields(&[("vary", "accept-language"), ("content-language", "de")]);
        let asked = fields(&[("accept-language", "en, de")]);
        let nominated = Nominated::of(&response, &asked, Keep::AsTold).unwrap();
        let matches = |text| nominated.matches(&fields(&[("accept-language", text)]), &response);
        assert!(matches("fr;q=0.5, de;q=1.0"));
        assert!(!matches("fr, de;q=0.9"));
        assert!(!matches("de;q=0"));
        assert!(!matches("fr, de"));
    }

    #[test]
    fn a_star_anywhere_matches_nothing() {
        for vary in ["*", "*, *", ", *", "foo, *", "*, foo", "(", "a b"] {
            assert_eq!(
                Nominated::of(&fields(&[("vary", vary)]), &HeaderMap::new(), Keep::AsTold),
                None,
                "{vary}"
            );
        }
    }

    #[test]
    fn of_what_is_kept_for_everyone_cookies_choose_nothing() {
        let response = fields(&[("vary", "cookie, foo")]);
        let nominated = Nominated::of(&response, &fields(&[("cookie", "a=b")]), Keep::Everyone).unwrap();
        assert!(nominated.matches(&fields(&[("cookie", "a=c")]), &response));
    }
}
