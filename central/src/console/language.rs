//! In which language to speak: French unless the reader asks for English.

/// The cookie that keeps a chosen language.
pub(super) const COOKIE_NAME: &str = "__Host-langue";

/// How long it is kept, in seconds: a year.
const COOKIE_SECONDS: u32 = 31_536_000;

/// A language of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    French,
    English,
}

impl Language {
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

    /// The language with exactly this tag.
    pub(super) fn from_tag(tag: &str) -> Option<Self> {
        [Self::French, Self::English].into_iter().find(|language| language.tag() == tag)
    }

    /// What was kept in the cookie, else what the browser asks for first of the two.
    pub(super) fn choose(kept: Option<&str>, accepted: Option<&str>) -> Self {
        let first = |accepted: &str| {
            let main_tag = |item: &str| {
                let range = item.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
                Self::from_tag(range.split('-').next().unwrap_or(""))
            };
            accepted.split(',').find_map(main_tag)
        };
        kept.and_then(Self::from_tag).or_else(|| accepted.and_then(first)).unwrap_or(Self::French)
    }

    /// The cookie that keeps this language.
    pub(super) fn cookie(self) -> String {
        let tag = self.tag();
        format!("{COOKIE_NAME}={tag}; Path=/; Max-Age={COOKIE_SECONDS}; Secure; HttpOnly; SameSite=Lax")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_followed_then_the_browser_then_french() {
        assert_eq!(Language::choose(None, Some("en-GB,fr;q=0.8")), Language::English);
        assert_eq!(Language::choose(Some("fr"), Some("en")), Language::French);
        assert_eq!(Language::choose(Some("<b>"), Some("de, fr")), Language::French);
        assert_eq!(Language::choose(None, None), Language::French);
    }
}
