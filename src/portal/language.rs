//! In which language to speak: French unless the reader asks for English.

use super::words::{ENGLISH, FRENCH, Words};

/// The cookie that keeps a chosen language. The prefix binds it to this host and to HTTPS (RFC 6265bis 4.1.3.2).
pub(super) const COOKIE_NAME: &str = "__Host-langue";

/// A language of the portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    French,
    English,
}

impl Language {
    /// Every language, the school's own first.
    pub(super) const ALL: [Self; 2] = [Self::French, Self::English];

    /// Its tag (BCP 47).
    pub(super) const fn tag(self) -> &'static str {
        match self {
            Self::French => "fr",
            Self::English => "en",
        }
    }

    /// The language a page offers to change to.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::French => Self::English,
            Self::English => Self::French,
        }
    }

    /// Its texts.
    pub(super) const fn words(self) -> &'static Words {
        match self {
            Self::French => &FRENCH,
            Self::English => &ENGLISH,
        }
    }

    /// The language with exactly this tag.
    pub(super) fn from_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag() == tag)
    }

    /// What the reader chose on a page, else kept in the cookie, else asked for by the browser.
    pub(super) fn choose(asked: Option<&str>, cookies: Option<&str>, accepted: Option<&str>) -> Self {
        asked
            .and_then(Self::from_tag)
            .or_else(|| cookies.and_then(kept))
            .or_else(|| accepted.and_then(preferred))
            .unwrap_or(Self::French)
    }
}

/// The language a `Cookie` field keeps.
fn kept(cookies: &str) -> Option<Language> {
    cookies
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)
        .and_then(|(_, tag)| Language::from_tag(tag))
}

/// The best of our languages in an `Accept-Language` field (RFC 9110 12.5.4); the first written wins a draw.
fn preferred(accepted: &str) -> Option<Language> {
    let mut best: Option<(u16, Language)> = None;
    for item in accepted.split(',') {
        let mut parts = item.split(';');
        let range = parts.next().unwrap_or("").trim();
        let main_tag = range.split('-').next().unwrap_or("").to_ascii_lowercase();
        let Some(language) = Language::from_tag(&main_tag) else { continue };
        let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(1000, thousandths);
        if weight > 0 && best.is_none_or(|(heaviest, _)| weight > heaviest) {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

/// A weight such as `0.85` in thousandths; what cannot be read weighs nothing.
fn thousandths(weight: &str) -> u16 {
    let (whole, fraction) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    if fraction.len() > 3 || !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "1" => 1000,
        "0" => format!("{fraction:0<3}").parse().unwrap_or(0),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_is_followed_and_french_is_spoken_otherwise() {
        for (accepted, language) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", Language::French),
            ("en-GB,en;q=0.9", Language::English),
            ("de, en;q=0.5, fr;q=0.4", Language::English),
            ("en;q=0.3, fr;q=0.35", Language::French),
            ("en;q=0, fr;q=0.001", Language::French),
            ("en;q=0", Language::French),
            ("de", Language::French),
            ("*", Language::French),
            ("", Language::French),
            ("en;q=9999999999999999999", Language::French),
            (";;;,,,=", Language::French),
        ] {
            assert_eq!(Language::choose(None, None, Some(accepted)), language, "{accepted}");
        }
    }

    #[test]
    fn a_choice_on_the_page_beats_the_cookie_which_beats_the_browser() {
        let cookies = Some("autre=1; __Host-langue=en");
        assert_eq!(Language::choose(Some("fr"), cookies, Some("en")), Language::French);
        assert_eq!(Language::choose(None, cookies, Some("fr")), Language::English);
        assert_eq!(Language::choose(Some("xx"), None, None), Language::French);
        assert_eq!(Language::choose(None, Some("__Host-langue=<b>"), Some("en")), Language::English);
    }
}
