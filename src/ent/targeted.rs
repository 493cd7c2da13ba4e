//! Which field of a response speaks to this cache: a targeted one (RFC 9213), or else Cache-Control.
//!
//! `CDN-Cache-Control` is a dictionary of structured fields (RFC 9651 section 3.2), read whole or not at all.
//! `Surrogate-Control`, the older word for the same, is a list whose members may name whom they are for.

use hyper::{HeaderMap, header::HeaderName};

use super::{
    directives::Directives,
    list::{joined, members, split},
};

/// RFC 9213's field for caches that serve in the origin's place.
const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// W3C's Edge Architecture note: consumed here, never passed on.
pub(super) const SURROGATE_CONTROL: HeaderName = HeaderName::from_static("surrogate-control");

/// What the box says to origins of its cache, as the same note asks.
pub(super) const SURROGATE_CAPABILITY: HeaderName = HeaderName::from_static("surrogate-capability");

/// What this cache is called where caches have names: Via, Cache-Status, Surrogate-Capability.
pub(super) const NAME: &str = "preau";

/// What a response tells this cache.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) directives: Directives,
    /// Whether a targeted field said so: Cache-Control and Expires are then not for this cache (RFC 9213 section 2.2).
    pub(super) is_targeted: bool,
}

impl Told {
    /// What the fields of a response say.
    pub(super) fn of(fields: &HeaderMap) -> Self {
        let targeted = joined(fields, &CDN_CACHE_CONTROL)
            .and_then(|text| dictionary(&text))
            .or_else(|| joined(fields, &SURROGATE_CONTROL).and_then(|text| surrogate(&text)));
        match targeted {
            Some(directives) => Self { directives, is_targeted: true },
            None => Self { directives: Directives::of(fields), is_targeted: false },
        }
    }
}

/// The members of Surrogate-Control that are for everyone or for this cache; none where there are none.
fn surrogate(text: &str) -> Option<Directives> {
    let mut directives = None;
    for member in members(text) {
        let mut parts = split(member, ';');
        let Some(directive) = parts.next() else { continue };
        if parts.next().is_some_and(|target| target != NAME) {
            continue;
        }
        let (name, value) = directive.split_once('=').map_or((directive, None), |(n, v)| (n, Some(v)));
        directives.get_or_insert_with(Directives::default).add(&name.to_ascii_lowercase(), value);
    }
    directives
}

/// Reads a dictionary of structured fields as directives; none where it is empty or breaks the grammar, which is then as
/// if the field were not there (RFC 9213 section 2.1).
fn dictionary(text: &str) -> Option<Directives> {
    let mut rest = text.trim_matches(' ');
    // Of two members with one key the last one counts (RFC 9651 section 4.2.2).
    let mut found: Vec<(&str, Option<String>)> = Vec::new();
    while !rest.is_empty() {
        let name = key(&mut rest)?;
        let value = if let Some(after) = rest.strip_prefix('=') {
            rest = after;
            Some(item(&mut rest)?)
        } else {
            None
        };
        while let Some(after) = rest.strip_prefix(';') {
            rest = after.trim_start_matches(' ');
            key(&mut rest)?;
            if let Some(after) = rest.strip_prefix('=') {
                rest = after;
                item(&mut rest)?;
            }
        }
        found.retain(|(known, _)| *known != name);
        // `?0` is false: the directive is not there. `?1` is what a bare key means.
        match value.as_deref() {
            Some("?0") => {}
            Some("?1") => found.push((name, None)),
            _ => found.push((name, value)),
        }
        rest = rest.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            break;
        }
        rest = rest.strip_prefix(',')?.trim_start_matches([' ', '\t']);
        if rest.is_empty() {
            return None;
        }
    }
    let mut directives = Directives::default();
    for (name, value) in &found {
        directives.add(name, value.as_deref());
    }
    (!found.is_empty()).then_some(directives)
}

/// Takes a key off the front of `rest`.
fn key<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte == b'*';
    let is_later = |byte: u8| is_first(byte) || byte.is_ascii_digit() || b"_-.*".contains(&byte);
    if !rest.bytes().next().is_some_and(is_first) {
        return None;
    }
    let end = rest.bytes().position(|byte| !is_later(byte)).unwrap_or(rest.len());
    let (key, after) = rest.split_at(end);
    *rest = after;
    Some(key)
}

/// Takes a bare item off the front of `rest`: an integer, a decimal, a token, a string, a boolean. Strings keep their
/// quotes: what is not an integer is no time.
fn item(rest: &mut &str) -> Option<String> {
    let end = match rest.bytes().next()? {
        b'"' => string_end(rest)?,
        b'?' => matches!(rest.get(1..2)?, "0" | "1").then_some(2)?,
        b'-' | b'0'..=b'9' => {
            let is_number = |byte: u8| byte.is_ascii_digit() || byte == b'.' || byte == b'-';
            let end = rest.bytes().position(|byte| !is_number(byte)).unwrap_or(rest.len());
            // Fifteen digits are the longest integer (RFC 9651 section 3.3.1).
            (end <= 16 && rest[..end].bytes().any(|byte| byte.is_ascii_digit())).then_some(end)?
        }
        first if first.is_ascii_alphabetic() || first == b'*' => rest
            .bytes()
            .position(|byte| !byte.is_ascii_alphanumeric() && !b"!#$%&'*+-.^_`|~:/".contains(&byte))
            .unwrap_or(rest.len()),
        _ => return None,
    };
    let (item, after) = (rest.get(..end)?, rest.get(end..)?);
    // A string that looks like a number is still a string: these quotes make sure that nobody reads it as a time.
    let item = if item.starts_with('"') { format!("'{item}'") } else { item.to_owned() };
    *rest = after;
    Some(item)
}

fn string_end(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            b'"' | b'\\' if is_escaped => is_escaped = false,
            _ if is_escaped => return None,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 1),
            0x20..=0x7e => {}
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn told(fields: &[(&'static str, &str)]) -> Told {
        let fields = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Told::of(&fields)
    }

    #[test]
    fn a_targeted_field_speaks_in_the_place_of_cache_control() {
        let told =
            told(&[("cache-control", "no-store"), ("cdn-cache-control", "max-age=60, stale-if-error=5;x=1")]);
        assert!(told.is_targeted && !told.directives.no_store);
        assert_eq!(told.directives.max_age, Some(Duration::from_mins(1)));
        assert_eq!(told.directives.stale_if_error, Some(Duration::from_secs(5)));
    }

    #[test]
    fn a_targeted_field_that_breaks_the_grammar_is_as_if_it_were_not_there() {
        for text in ["", "Max-Age=60", "max-age=60,", "max-age=,", "max-age=60 no-store", "a=\"", "max-age=é"]
        {
            let mut fields: HeaderMap = HeaderMap::new();
            fields.insert("cache-control", "no-store".parse().unwrap());
            fields
                .insert(CDN_CACHE_CONTROL, hyper::header::HeaderValue::from_bytes(text.as_bytes()).unwrap());
            let told = Told::of(&fields);
            assert!(!told.is_targeted && told.directives.no_store, "{text:?}");
        }
    }

    #[test]
    fn in_a_dictionary_the_last_word_counts_and_a_string_is_no_time() {
        let age = |text| told(&[("cdn-cache-control", text)]).directives.max_age.map(|age| age.as_secs());
        assert_eq!(age("max-age=1, max-age=60"), Some(60));
        assert_eq!(age("max-age=\"60\""), Some(0));
        assert!(!told(&[("cdn-cache-control", "no-store=?0, max-age=1")]).directives.no_store);
    }

    #[test]
    fn what_is_for_another_surrogate_is_not_for_this_one() {
        let age = |text| told(&[("surrogate-control", text)]).directives.max_age.map(|age| age.as_secs());
        assert_eq!(age("max-age=60;preau"), Some(60));
        assert_eq!(age("max-age=60;autre"), None);
        assert_eq!(age("foobar, MaX-aGe=60"), Some(60));
    }
}
