//! What somebody typed into a field, and what is wrong with it.

use crate::{
    admin::{OneLine, TextRefusal},
    portal::{language::Language, words::AreaWords},
};

/// A field of a form as it is shown: with what was typed, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    pub(super) value: String,
    pub(super) error: Option<String>,
}

impl Field {
    /// A field that holds `value`.
    pub(super) fn of(value: impl Into<String>) -> Self {
        Self { value: value.into(), error: None }
    }

    /// Notes what is wrong.
    pub(super) fn wrong(&mut self, error: impl Into<String>) {
        self.error = Some(error.into());
    }

    /// The line of text in the field; notes why there is none.
    pub(super) fn line(&mut self, language: Language) -> Option<OneLine> {
        match OneLine::read(&self.value) {
            Ok(line) => Some(line),
            Err(refusal) => {
                self.wrong(told(language, refusal));
                None
            }
        }
    }

    /// The line of text in a field that may be empty; notes why it cannot be taken.
    pub(super) fn line_if_any(&mut self, language: Language) -> Option<OneLine> {
        if self.value.trim().is_empty() { None } else { self.line(language) }
    }
}

/// Why a text cannot be taken.
pub(super) const fn told(language: Language, refusal: TextRefusal) -> &'static str {
    let words = AreaWords::of(language);
    match refusal {
        TextRefusal::Empty => words.empty,
        TextRefusal::TooLong => words.too_long,
        TextRefusal::Invisible => words.invisible,
    }
}
