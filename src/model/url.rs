//! The part of a URL behind its host, which the box sees in plain HTTP only.
//!
//! One page has many spellings: `/jeux`, `/%6Aeux`, `//jeux`, `/./jeux`, `/JEUX`, `/a/../jeux`, `\jeux`, `/jeux;x=1`. They
//! are brought into one, so that a rule about one of them is about all. Where servers differ, the form is the one that
//! more of them could mean; what it costs is that two pages of a server that tells such spellings apart count as one.
//!
//! | written | compared |
//! |---|---|
//! | `%6A`, `%256A`, and so on | the character, however often it was encoded |
//! | capitals | small letters, accented ones too |
//! | `\` in the path | `/` |
//! | `;x=1` behind a segment | nothing: parameters of a segment (RFC 3986 section 3.3) |
//! | `//`, `/./`, `/a/..`, a `/` at the end | one `/`, nothing, nothing, nothing |
//! | a space | `%20` in the path, `+` in the query |
//! | control characters, `#`, a `?` that stood encoded in the path, bytes that are no UTF-8 | `%xx` in small letters |
//! | `#…`, an empty query | nothing |

use std::{borrow::Borrow, fmt, sync::Arc};

/// Path and query of a URL in the one form that rules and lists are compared with, such as `/jeux/echecs?partie=3`.
///
/// It begins with `/`, has no fragment, and is at most [`UrlPath::BYTES_MAX`] bytes long. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UrlPath(Arc<str>);

impl UrlPath {
    /// The longest that is compared, in bytes of the compared form; what is behind is cut off.
    pub const BYTES_MAX: usize = 2048;

    /// The most segments that rules and lists can write and that are looked up: a path of a thousand slashes costs no
    /// more than one of these.
    pub const SEGMENTS_MAX: usize = 32;

    /// The path and query as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root: no path and no query.
    #[must_use]
    pub fn is_root(&self) -> bool {
        &*self.0 == "/"
    }

    /// Its segments, each with the character it begins with: `/a`, `/b`, `?x=1`, `&y=2`. Joined they are the whole.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        let query_at = self.0.find('?').unwrap_or(self.0.len());
        let mut rest = &*self.0;
        std::iter::from_fn(move || {
            let at = self.0.len() - rest.len();
            let begins = |(offset, byte): (usize, u8)| match byte {
                b'/' => at + offset < query_at,
                b'?' => at + offset == query_at,
                b'&' => at + offset > query_at,
                _ => false,
            };
            let end = rest.bytes().enumerate().skip(1).find(|found| begins(*found));
            let (segment, after) = rest.split_at_checked(end.map_or(rest.len(), |(offset, _)| offset))?;
            rest = after;
            (!segment.is_empty()).then_some(segment)
        })
    }

    /// The path up to each of its first [`UrlPath::SEGMENTS_MAX`] segments, from the shortest: `/a`, `/a/b`, `/a/b?x=1`.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        let ends = self.segments().take(Self::SEGMENTS_MAX).scan(0, |end, segment| {
            *end += segment.len();
            Some(*end)
        });
        ends.filter_map(|end| self.0.get(..end))
    }

    /// Whether this is `parent` or lies below it: `/jeux/echecs` and `/jeux?x` lie within `/jeux`, `/jeuxvideo` does not.
    #[must_use]
    pub fn is_within(&self, parent: &Self) -> bool {
        parent.is_root() || self.prefixes().any(|prefix| prefix == parent.as_str())
    }

    /// Whether path and query, as a request writes them, go up by a `..` in any spelling. Programs resolve those before
    /// they ask (RFC 3986 section 5.2), and no two servers read the unusual ones alike.
    #[must_use]
    pub fn climbs(written: &str) -> bool {
        let (path, _) = split(written);
        segments_of(&decoded(path)).any(|segment| segment == b"..")
    }
}

impl From<&str> for UrlPath {
    /// Brings path and query, as a request, a rule or a list writes them, into the form that is compared.
    fn from(written: &str) -> Self {
        let mut form = compared(written);
        if form.len() > Self::BYTES_MAX {
            form.truncate(form.floor_char_boundary(Self::BYTES_MAX));
            // A segment that was cut can have become another one, such as `..`.
            form = compared(&form);
        }
        Self(Arc::from(form))
    }
}

impl Borrow<str> for UrlPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UrlPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn compared(written: &str) -> String {
    let (path, query) = split(written);
    let path = decoded(path);
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in segments_of(&path) {
        match segment {
            b"" | b"." => {}
            b".." => {
                segments.pop();
            }
            segment => segments.push(segment),
        }
    }
    let mut form = String::with_capacity(written.len() + 1);
    for segment in segments {
        form.push('/');
        push_shown(&mut form, segment, |character| match character {
            ' ' => Shown::Encoded,
            '?' => Shown::Encoded,
            _ => Shown::Itself,
        });
    }
    if form.is_empty() {
        form.push('/');
    }
    let query = decoded(query);
    if !query.is_empty() {
        form.push('?');
        push_shown(&mut form, &query, |character| if character == ' ' { Shown::Plus } else { Shown::Itself });
    }
    form
}

/// Path and query, without what is behind a `#`.
fn split(written: &str) -> (&str, &str) {
    let whole = written.split_once('#').map_or(written, |(whole, _)| whole);
    whole.split_once('?').unwrap_or((whole, ""))
}

/// The segments of a decoded path, without their parameters.
fn segments_of(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = path.split(|byte| matches!(byte, b'/' | b'\\'));
    whole.map(|segment| segment.split(|byte| *byte == b';').next().unwrap_or(segment))
}

/// The bytes with every `%XX` decoded, until none is left: what is decoded can complete another one.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        bytes.push(byte);
        while let [.., b'%', high, low] = bytes[..]
            && let Some(byte) = hex(high).zip(hex(low)).map(|(high, low)| high << 4 | low)
        {
            bytes.truncate(bytes.len() - 3);
            bytes.push(byte);
        }
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// How a character stands in the form that is compared.
enum Shown {
    Itself,
    Encoded,
    Plus,
}

/// Appends `bytes` as small letters; what would not be read back as it is stands encoded.
fn push_shown(form: &mut String, bytes: &[u8], shown: impl Fn(char) -> Shown) {
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match shown(character) {
                Shown::Plus => form.push('+'),
                Shown::Itself if !character.is_control() && character != '#' => {
                    form.extend(character.to_lowercase());
                }
                Shown::Itself | Shown::Encoded => {
                    push_encoded(form, character.encode_utf8(&mut [0; 4]).as_bytes());
                }
            }
        }
        push_encoded(form, chunk.invalid());
    }
}

fn push_encoded(form: &mut String, bytes: &[u8]) {
    for byte in bytes {
        form.push('%');
        form.extend(
            [byte >> 4, byte & 15].iter().filter_map(|digit| char::from_digit(u32::from(*digit), 16)),
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(written: &str, expected: &str) {
        assert_eq!(UrlPath::from(written).as_str(), expected, "{written}");
    }

    #[test]
    fn every_spelling_of_a_page_is_compared_as_one() {
        for written in [
            "/jeux",
            "/jeux/",
            "jeux",
            "/%6Aeux",
            "/%6aeux",
            "/%256Aeux",
            "/%25256Aeux",
            "/%%36Aeux",
            "//jeux",
            "/./jeux",
            "/%2e/jeux",
            "/a/../jeux",
            "/../../jeux",
            "/a/%2E%2e/jeux",
            "/a%2f..%2fjeux",
            "/a\\..\\jeux",
            "/a/..;x/jeux",
            "\\jeux",
            "/%5cjeux",
            "/JEUX",
            "/jeux;id=4",
            "/jeux%3Bid=4",
            "/;/jeux",
            "/jeux?",
            "/jeux#fin",
            "/jeux/#?a",
        ] {
            check(written, "/jeux");
        }
    }

    #[test]
    fn the_query_keeps_its_slashes_and_dots() {
        check("/Voir?U=http://a.fr/../B;c", "/voir?u=http://a.fr/../b;c");
        check("/voir/?q=Jeux%20d%27arcade+x&%26?", "/voir?q=jeux+d'arcade+x&&?");
        check("?a", "/?a");
    }

    #[test]
    fn what_is_no_plain_text_has_one_spelling_too() {
        check("/a b%20c", "/a%20b%20c");
        check("/%C3%89t%C3%A9", "/été");
        check("/%E9t%E9", "/%e9t%e9");
        check("/a%3Fb%23c?d%23e", "/a%3fb%23c?d%23e");
        check("/%00\n%1F%7f", "/%00%0a%1f%7f");
        check("/100%", "/100%");
        check("/%zz%4", "/%zz%4");
        check("", "/");
        check("*", "/*");
    }

    #[test]
    fn an_overlong_path_is_cut_and_still_in_its_form() {
        let long = format!("/jeux/{}", "a".repeat(5000));
        assert_eq!(UrlPath::from(&*long).as_str(), &long[..UrlPath::BYTES_MAX]);
        let folded = format!("/{}jeux", "a/../".repeat(3000));
        check(&folded, "/jeux");
        let cut_dots = format!("/{}/..a", "b".repeat(UrlPath::BYTES_MAX - 4));
        check(&cut_dots, "/");
    }

    #[test]
    fn a_path_lies_within_itself_and_its_parents_only() {
        let within = |path: &str, parent: &str| UrlPath::from(path).is_within(&UrlPath::from(parent));
        for path in ["/jeux", "/jeux/", "/jeux/echecs", "/jeux?x=1", "/jeux/a?b"] {
            assert!(within(path, "/jeux"), "{path}");
        }
        for path in ["/", "/jeuxvideo", "/a/jeux", "/jeu", "/?jeux", "/a?/jeux"] {
            assert!(!within(path, "/jeux"), "{path}");
        }
        assert!(within("/voir?v=1&t=2", "/voir?v=1") && within("/a", "/"));
        assert!(!within("/voir?v=12", "/voir?v=1") && !within("/voir?t=2&v=1", "/voir?v=1"));
    }

    #[test]
    fn segments_begin_with_what_parts_them() {
        let segments = |path: &str| UrlPath::from(path).segments().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(segments("/a/b?x=/1?&y=2"), ["/a", "/b", "?x=/1?", "&y=2"]);
        assert_eq!(segments("/?x"), ["/", "?x"]);
        assert_eq!(segments("/"), ["/"]);
        assert_eq!(UrlPath::from("/a/b?x").prefixes().collect::<Vec<_>>(), ["/a", "/a/b", "/a/b?x"]);
        assert_eq!(UrlPath::from(&*"/a".repeat(1000)).prefixes().count(), UrlPath::SEGMENTS_MAX);
    }

    #[test]
    fn a_path_that_climbs_is_known_in_any_spelling() {
        for written in ["/..", "/a/../b", "/a/%2e./b", "/a%2F..%5cb", "/a/..;x=1/b", "/%252e%252e", "/a\\.."]
        {
            assert!(UrlPath::climbs(written), "{written}");
        }
        for written in ["/", "/a..b", "/...", "/a?x=/../", "/.", "/..a", "/a;.."] {
            assert!(!UrlPath::climbs(written), "{written}");
        }
    }

    proptest! {
        #[test]
        fn the_form_is_its_own_form(text in "([/?#%;\\\\.&+ ]|%[0-9a-fA-F]{2}|[a-zA-Z]|\\PC|%){0,40}") {
            let once = UrlPath::from(&*text);
            prop_assert_eq!(&UrlPath::from(once.as_str()), &once);
            prop_assert!(once.as_str().starts_with('/') && once.as_str().len() <= UrlPath::BYTES_MAX);
            prop_assert_eq!(once.segments().collect::<String>(), once.as_str());
            prop_assert!(!UrlPath::climbs(once.as_str()));
        }

        #[test]
        fn any_text_has_a_form_even_a_long_one(start in ".{0,20}", part in ".{0,60}", times in 0..200_usize) {
            let once = UrlPath::from(&*(start + &part.repeat(times)));
            prop_assert_eq!(&UrlPath::from(once.as_str()), &once);
        }

        #[test]
        fn encoding_any_character_of_a_path_changes_nothing(path in "(/[a-zA-Z0-9._~-]{1,8}){1,4}", which: u128, rounds in 1..3_u8) {
            let mut written = String::new();
            for (index, character) in path.chars().enumerate() {
                if which >> (index % 128) & 1 == 1 && character != '/' {
                    let mut code = format!("%{:02X}", u32::from(character));
                    for _ in 1..rounds {
                        code = code.replace('%', "%25");
                    }
                    written.push_str(&code);
                } else {
                    written.push(character);
                }
            }
            prop_assert_eq!(UrlPath::from(&*written), UrlPath::from(&*path));
        }
    }
}
