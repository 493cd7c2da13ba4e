//! Which format a list has, told by the name of its file.

/// What the lines of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::lists) enum Format {
    /// Names and addresses: plain, of a hosts file, or of an AdGuard list, told line by line.
    Names,
    /// URLs without scheme, each for everything that begins with it.
    Urls,
    /// Regular expressions over URLs.
    Expressions,
}

impl Format {
    /// The format that a file's name tells; none where it tells none.
    pub(in crate::lists) fn of_file(name: &str) -> Option<Self> {
        let is_numbered = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        match name.rsplit_once('.') {
            None => Self::of_word(name),
            Some((_, "txt" | "list" | "adblock")) => Some(Self::Names),
            // Large lists come in pieces: `domains.0`, `domains.1`.
            Some((word, piece)) if is_numbered(piece) => Self::of_word(word),
            Some((_, word)) => Self::of_word(word),
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        match word {
            "domains" | "hosts" => Some(Self::Names),
            "urls" => Some(Self::Urls),
            "expressions" => Some(Self::Expressions),
            _ => None,
        }
    }

    /// Bytes of a line, at most.
    pub(in crate::lists) fn line_bytes_max(self) -> usize {
        match self {
            // A name has 253; the rest is room for comments and for the several names of a hosts line.
            Self::Names => 1 << 10,
            // A path is compared in its first 2,048 bytes.
            Self::Urls => 1 << 12,
            // One line of the Toulouse lists joins dozens of words; the table has its own bound on what is compiled.
            Self::Expressions => 1 << 14,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_tells_its_format() {
        for (name, expected) in [
            ("domains", Some(Format::Names)),
            ("domains.12", Some(Format::Names)),
            ("hosts", Some(Format::Names)),
            ("rouen.domains", Some(Format::Names)),
            ("adguard.txt", Some(Format::Names)),
            ("urls", Some(Format::Urls)),
            ("urls.0", Some(Format::Urls)),
            ("more.urls", Some(Format::Urls)),
            ("expressions", Some(Format::Expressions)),
            ("domains.db", None),
            ("domains.", None),
            ("usage", None),
            ("very_restrictive_expression", None),
        ] {
            assert_eq!(Format::of_file(name), expected, "{name}");
        }
    }
}
