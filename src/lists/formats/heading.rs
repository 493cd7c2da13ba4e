//! What a list says about itself in its first lines.

/// A line about the list as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lists) enum Heading<'a> {
    /// Where it is published.
    Source(&'a str),
    /// Under which licence.
    Licence(&'a str),
}

/// Bytes of a heading's value: it travels into the head of the table.
const VALUE_BYTES_MAX: usize = 200;

/// What a comment such as `! Homepage: https://lists.example` says; nothing in other lines.
pub(in crate::lists) fn heading(line: &str) -> Option<Heading<'_>> {
    let comment = line.trim().strip_prefix(['#', '!'])?;
    let (key, value) = comment.split_once(':')?;
    let value = value.trim();
    if value.is_empty() || value.len() > VALUE_BYTES_MAX || value.chars().any(char::is_control) {
        return None;
    }
    match key.trim().to_ascii_lowercase().as_str() {
        "homepage" | "source" | "project home page" => Some(Heading::Source(value)),
        "licence" | "license" => Some(Heading::Licence(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homepage_and_licence_are_told_in_comments() {
        for (line, expected) in [
            ("! Homepage: https://lists.example/a", Some(Heading::Source("https://lists.example/a"))),
            ("# License: MIT\r\n", Some(Heading::Licence("MIT"))),
            ("! Licence : CC0", Some(Heading::Licence("CC0"))),
            ("Homepage: https://lists.example", None),
            ("# License:", None),
            ("# remarque", None),
            ("jeux.example", None),
        ] {
            assert_eq!(heading(line), expected, "{line}");
        }
    }
}
