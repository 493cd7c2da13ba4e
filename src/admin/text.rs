//! Text that people type into pages, read once into types that hold it: bounded, trimmed, and nothing but text.
//!
//! Characters that steer a terminal or turn the direction of writing are refused: a name that contains them looks like
//! another one.

use std::fmt;

use thiserror::Error;

/// One line of text of at most [`OneLine::CHARS_MAX`] characters, not empty: a name, a room, a label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OneLine(String);

/// Some lines of plain text of at most [`Paragraph::CHARS_MAX`] characters together, not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paragraph(String);

/// Why a text cannot be taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TextRefusal {
    /// There is nothing but spaces.
    #[error("the text is empty")]
    Empty,
    /// It is longer than there is room for.
    #[error("the text is too long")]
    TooLong,
    /// A character in it is none that people see.
    #[error("the text holds invisible characters")]
    Invisible,
}

impl OneLine {
    /// The longest line, in characters: it fits on a card and on a telephone.
    pub const CHARS_MAX: usize = 60;

    /// Reads `text`; runs of spaces become one.
    ///
    /// # Errors
    /// When it is empty, too long, or not plain text.
    pub fn read(text: &str) -> Result<Self, TextRefusal> {
        let words: Vec<_> = text.split_whitespace().collect();
        let line = words.join(" ");
        bounded(&line, Self::CHARS_MAX)?;
        if line.chars().any(is_invisible) { Err(TextRefusal::Invisible) } else { Ok(Self(line)) }
    }

    /// The line as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Paragraph {
    /// The longest text, in characters.
    pub const CHARS_MAX: usize = 500;

    /// Its most lines, so that one announcement leaves room for the rest of the page.
    const LINES_MAX: usize = 12;

    /// Reads `text`; spaces at the ends of lines go, the lines stay.
    ///
    /// # Errors
    /// When it is empty, too long, or not plain text.
    pub fn read(text: &str) -> Result<Self, TextRefusal> {
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        let text = lines.join("\n").trim().to_owned();
        bounded(&text, Self::CHARS_MAX)?;
        if text.lines().count() > Self::LINES_MAX {
            return Err(TextRefusal::TooLong);
        }
        let invisible = text.chars().any(|character| character != '\n' && is_invisible(character));
        if invisible { Err(TextRefusal::Invisible) } else { Ok(Self(text)) }
    }

    /// The lines as text, joined by line feeds.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OneLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn bounded(text: &str, chars_max: usize) -> Result<(), TextRefusal> {
    match text.chars().count() {
        0 => Err(TextRefusal::Empty),
        count if count > chars_max => Err(TextRefusal::TooLong),
        _ => Ok(()),
    }
}

/// Control characters, and Unicode's marks of direction and of nothing (UAX #9, section 2).
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_trimmed_bounded_and_plain() {
        assert_eq!(OneLine::read("  TBI \t salle  12\u{a0}").unwrap().as_str(), "TBI salle 12");
        assert_eq!(OneLine::read("é".repeat(60).as_str()).unwrap().as_str().chars().count(), 60);
        for (text, refusal) in [
            ("", TextRefusal::Empty),
            (" \n ", TextRefusal::Empty),
            (&"é".repeat(61), TextRefusal::TooLong),
            ("TBI\0", TextRefusal::Invisible),
            ("TBI\u{202e}21", TextRefusal::Invisible),
            ("\u{200b}", TextRefusal::Invisible),
        ] {
            assert_eq!(OneLine::read(text), Err(refusal), "{text:?}");
        }
    }

    #[test]
    fn a_paragraph_keeps_its_lines() {
        let text = Paragraph::read("\r\nRéunion jeudi  \r\n\r\nSalle 12\r\n ").unwrap();
        assert_eq!(text.as_str(), "Réunion jeudi\n\nSalle 12");
        for (text, refusal) in [
            ("\r\n \r\n", TextRefusal::Empty),
            (&"a".repeat(501), TextRefusal::TooLong),
            (&"a\n".repeat(13), TextRefusal::TooLong),
            ("a\u{1b}[31m", TextRefusal::Invisible),
        ] {
            assert_eq!(Paragraph::read(text), Err(refusal), "{text:?}");
        }
    }
}
