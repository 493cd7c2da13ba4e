//! The regular expressions of a table, which hold URLs that no prefix can name.
//!
//! Lists write them for squidGuard: POSIX, case-insensitive, found anywhere in `host/path?query`, without the scheme and
//! with the host as it was asked for. They are compiled to automata that need a time linear in the URL, whatever the
//! expression; one with back-references cannot be and is refused.

use regex::bytes::{RegexBuilder, RegexSet, RegexSetBuilder};
use thiserror::Error;

use super::set::CategoryId;
use crate::model::{Site, UrlPath};

/// What expressions may cost: a published list must not be able to fill the box's memory.
pub(super) struct Limits;

impl Limits {
    /// Expressions of a table. UT1 has six.
    pub(super) const COUNT_MAX: usize = 256;
    /// Bytes of one. UT1's longest has 536.
    pub(super) const LENGTH_MAX: usize = 4096;
    /// Bytes of one when compiled.
    const COMPILED_MAX: usize = 256 << 10;
    /// Bytes of all together when compiled.
    const COMPILED_TOGETHER_MAX: usize = 2 << 20;
    /// Bytes of the automaton that grows while URLs are matched; it begins anew when it is full.
    const AUTOMATON_MAX: usize = 1 << 20;
    /// Groups in groups.
    const DEPTH_MAX: u32 = 50;
}

/// Why a line is no expression a table takes. The line can be left out.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ExpressionError {
    /// More than a table takes.
    #[error("a table has at most {} expressions", Limits::COUNT_MAX)]
    TooMany,
    /// A long one.
    #[error("the expression is longer than {} bytes", Limits::LENGTH_MAX)]
    TooLong,
    /// Short to write but large to match: repetitions of repetitions.
    #[error("the expression is too large when compiled")]
    TooLarge,
    /// It matches the empty text, so it would hold every URL there is.
    #[error("the expression holds every URL")]
    Everything,
    /// No regular expression, or one that needs more than linear time.
    #[error("the expression cannot be read: {0}")]
    Form(String),
}

/// Checks one expression against every limit.
///
/// # Errors
/// Says which limit, or what is wrong with the text.
pub(super) fn check(text: &str) -> Result<(), ExpressionError> {
    if text.len() > Limits::LENGTH_MAX {
        return Err(ExpressionError::TooLong);
    }
    let compiled = RegexBuilder::new(text)
        .unicode(false)
        .case_insensitive(true)
        .nest_limit(Limits::DEPTH_MAX)
        .size_limit(Limits::COMPILED_MAX)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => ExpressionError::TooLarge,
            // The whole message draws the place over several lines; its last one says it in words.
            other => {
                let message = other.to_string();
                let words = message.lines().last().unwrap_or_default();
                ExpressionError::Form(words.trim_start_matches("error: ").to_owned())
            }
        })?;
    if compiled.is_match(b"") { Err(ExpressionError::Everything) } else { Ok(()) }
}

/// Compiles expressions that [`check`] let pass; none if together they are too large.
pub(super) fn compile(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Option<RegexSet> {
    RegexSetBuilder::new(texts)
        .unicode(false)
        .case_insensitive(true)
        .nest_limit(Limits::DEPTH_MAX)
        .size_limit(Limits::COMPILED_TOGETHER_MAX)
        .dfa_size_limit(Limits::AUTOMATON_MAX)
        .build()
        .ok()
}

/// What expressions are matched with.
pub(super) fn subject(host: &Site, path: &UrlPath) -> String {
    match host {
        Site::Address(address) => format!("{}{path}", address.to_canonical()),
        Site::Name(name) => format!("{name}{path}"),
    }
}

/// An expression of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) category: CategoryId,
    pub(super) text: Box<str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_that_costs_too_much_or_holds_everything_is_refused() {
        assert_eq!(check(&"a".repeat(Limits::LENGTH_MAX + 1)), Err(ExpressionError::TooLong));
        assert_eq!(check("(a{1000}){1000}"), Err(ExpressionError::TooLarge));
        assert_eq!(check(&"(".repeat(60)).unwrap_err().to_string().lines().count(), 1);
        for text in ["", ".*", "(jeux|)", "^"] {
            assert_eq!(check(text), Err(ExpressionError::Everything), "{text}");
        }
        assert_eq!(check("(jeux").unwrap_err().to_string(), "the expression cannot be read: unclosed group");
        assert!(matches!(check(r"(a)\1"), Err(ExpressionError::Form(_))));
    }

    #[test]
    fn the_expressions_lists_write_are_taken() {
        for text in [
            "(/banner/|/sponsor/|/event.ng/|adverts/)",
            r"^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+/search\?q=[0-9]+$",
            r".*/jeux*\.exe",
            r"(^|[-\?+=/_])(jeux?|poker+)([-\?+=/_]|$)",
            r"((google\..*/search\?q=cache.*)|(images.aol.*/image\?.*query=.*))(jeux|poker)",
            "[[:alpha:]]+casino",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }
}
