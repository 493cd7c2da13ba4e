//! References in texts: the five of XML, numbers, and the named letters that producers of HTML leave behind.

use std::borrow::Cow;

/// The longest name of a reference, in bytes.
const NAME_BYTES_MAX: usize = 10;

/// Letters and signs by their HTML name, as far as French writes them. Capitals are made from these.
const NAMED: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("rsquo", '’'),
    ("lsquo", '‘'),
    ("laquo", '«'),
    ("raquo", '»'),
    ("deg", '°'),
    ("agrave", 'à'),
    ("aacute", 'á'),
    ("acirc", 'â'),
    ("auml", 'ä'),
    ("atilde", 'ã'),
    ("aelig", 'æ'),
    ("ccedil", 'ç'),
    ("egrave", 'è'),
    ("eacute", 'é'),
    ("ecirc", 'ê'),
    ("euml", 'ë'),
    ("iacute", 'í'),
    ("icirc", 'î'),
    ("iuml", 'ï'),
    ("ntilde", 'ñ'),
    ("oacute", 'ó'),
    ("ocirc", 'ô'),
    ("ouml", 'ö'),
    ("oelig", 'œ'),
    ("ugrave", 'ù'),
    ("ucirc", 'û'),
    ("uuml", 'ü'),
];

/// The character that the reference `&name;` stands for.
pub(super) fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let hex = number.strip_prefix(['x', 'X']);
        let code = hex.map_or_else(|| number.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok())?;
        return char::from_u32(code);
    }
    if let Some((_, known)) = NAMED.iter().find(|(known, _)| *known == name) {
        return Some(*known);
    }
    // `&Eacute;` is the capital of `&eacute;`, and `&OElig;` that of `&oelig;`.
    let small = name.to_ascii_lowercase();
    let is_capital = name.starts_with(|first: char| first.is_ascii_uppercase());
    let (_, letter) =
        NAMED.iter().find(|(known, letter)| is_capital && *known == small && !letter.is_ascii())?;
    letter.to_uppercase().next()
}

/// `text` with its references resolved, once. What is no reference stays as it is.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut resolved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        resolved.push_str(before);
        let end = after.bytes().take(NAME_BYTES_MAX + 1).position(|byte| byte == b';');
        let reference = end.and_then(|end| Some((character(after.get(..end)?)?, after.get(end + 1..)?)));
        if let Some((letter, behind)) = reference {
            resolved.push(letter);
            rest = behind;
        } else {
            resolved.push('&');
            rest = after;
        }
    }
    resolved.push_str(rest);
    Cow::Owned(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_resolved_once_and_what_is_none_stays() {
        for (text, expected) in [
            ("D&eacute;sir&eacute;e &Eacute;MILE", "Désirée ÉMILE"),
            ("C&oelig;ur &OElig;uvre &Ugrave;", "Cœur Œuvre Ù"),
            ("&#233;&#xE9;&#Xe9;", "ééé"),
            ("L&apos;&quot;A&amp;B&quot;", "L'\"A&B\""),
            ("&amp;amp;eacute;", "&amp;eacute;"),
            ("A & B; C&D &inconnu; &#xD800; &#99999999999;", "A & B; C&D &inconnu; &#xD800; &#99999999999;"),
            ("&", "&"),
            ("& l'ami;", "& l'ami;"),
            ("&é;", "&é;"),
        ] {
            assert_eq!(unescape(text), expected);
        }
    }

    #[test]
    fn a_sign_has_no_capital() {
        assert_eq!(character("AMP"), None);
        assert_eq!(character("Quot"), None);
    }
}
