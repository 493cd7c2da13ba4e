//! Header fields that are lists: their members, one by one.

use hyper::{HeaderMap, header::HeaderName};

/// The lines of `name` joined as one list (RFC 9110 section 5.3), as text; bytes above ASCII read as Latin-1. None where
/// there is no such field.
pub(super) fn joined(fields: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut lines = fields.get_all(name).iter();
    let mut text = text_of(lines.next()?.as_bytes());
    for line in lines {
        text.push_str(", ");
        text.push_str(&text_of(line.as_bytes()));
    }
    Some(text)
}

/// The one line of `name`, as text; none where there are several or none.
pub(super) fn only(fields: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut lines = fields.get_all(name).iter();
    let line = text_of(lines.next()?.as_bytes());
    lines.next().is_none().then_some(line)
}

/// The bytes of a field's value as text, Latin-1.
pub(super) fn text_of(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if text.is_ascii() => text.to_owned(),
        _ => value.iter().copied().map(char::from).collect(),
    }
}

/// The members of a list: parted at commas outside of quoted strings, without the blanks around them, empty ones left out
/// (RFC 9110 section 5.6.1).
pub(super) fn members(list: &str) -> impl Iterator<Item = &str> {
    split(list, ',')
}

/// The parts of `text` between `separator`s outside of quoted strings, trimmed, empty ones left out.
pub(super) fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        loop {
            let text = rest?;
            let (part, after) = match end_of_part(text, separator) {
                Some(at) => (&text[..at], Some(&text[at + separator.len_utf8()..])),
                None => (text, None),
            };
            rest = after;
            let part = part.trim_matches([' ', '\t']);
            if !part.is_empty() {
                return Some(part);
            }
        }
    })
}

/// Where the first `separator` outside of quoted strings is.
fn end_of_part(text: &str, separator: char) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ if character == separator && !is_quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// What a quoted string says, or the text itself where it is none; none where the quotes do not close.
pub(super) fn unquoted(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let inner = inner.strip_suffix('"')?;
    let mut said = String::with_capacity(inner.len());
    let mut is_escaped = false;
    for character in inner.chars() {
        match character {
            '\\' if !is_escaped => is_escaped = true,
            '"' if !is_escaped => return None,
            _ => {
                is_escaped = false;
                said.push(character);
            }
        }
    }
    (!is_escaped).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_inside_quotes_part_nothing() {
        let parts: Vec<_> = members(r#" a, b="x, \"y", ,c"#).collect();
        assert_eq!(parts, ["a", r#"b="x, \"y""#, "c"]);
    }

    #[test]
    fn quoted_strings_are_read_with_their_escapes() {
        assert_eq!(unquoted(r#""a\"b""#).as_deref(), Some("a\"b"));
        assert_eq!(unquoted("plain").as_deref(), Some("plain"));
        assert_eq!(unquoted("\"open"), None);
        assert_eq!(unquoted(r#""a"b""#), None);
    }
}
