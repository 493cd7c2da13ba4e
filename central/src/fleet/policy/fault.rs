//! Where a document is wrong: in which of its parts, in which field, on which line, and what to do.

use std::fmt;

use preau::policy::RuleFileError;
use thiserror::Error;

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What stands above everything: version, level, name.
    Head,
    /// A timetable, by its name.
    Timetable(String),
    /// A rule, by its id.
    Rule(String),
    /// A search rule, by its id.
    Search(String),
}

/// A fault of a document.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{error}")]
pub struct Fault {
    /// The part it is in.
    pub part: Part,
    /// Line, column, field, and what to do.
    pub error: RuleFileError,
}

impl Fault {
    /// The fault that the reader of rules files found in `text`.
    pub(super) fn in_text(text: &str, error: RuleFileError) -> Self {
        Self { part: part_at(text, error.line), error }
    }

    /// A fault of the form that the reader of rules files let pass; it reads the same form, so there is none.
    pub(super) fn of_form(text: &str, error: &toml::de::Error) -> Self {
        let at = error.span().map_or(0, |span| span.start);
        let line = 1 + text.get(..at).unwrap_or("").matches('\n').count();
        let message = error.message().replace('\n', ", ");
        Self::in_text(text, RuleFileError { line, column: None, field: String::new(), message })
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head => f.write_str("head"),
            Self::Timetable(name) => write!(f, "timetable `{name}`"),
            Self::Rule(id) => write!(f, "rule `{id}`"),
            Self::Search(id) => write!(f, "search rule `{id}`"),
        }
    }
}

/// The part that line `line` of a rules file stands in; the nearest header above it says so.
fn part_at(text: &str, line: usize) -> Part {
    let lines: Vec<_> = text.lines().collect();
    let above = lines.get(..line.min(lines.len())).unwrap_or(&[]);
    let Some(header) = above.iter().rposition(|line| line.trim_start().starts_with('[')) else {
        return Part::Head;
    };
    let title = lines.get(header).map_or("", |line| line.trim());
    let id = || {
        let below = lines.get(header + 1..).unwrap_or(&[]).iter().map(|line| line.trim());
        let mut inside = below.take_while(|line| !line.starts_with("[["));
        let id = inside.find_map(|line| line.strip_prefix("id")?.trim_start().strip_prefix('='));
        unquoted(id.unwrap_or(""))
    };
    match title {
        title if title.starts_with("[[rule]]") => Part::Rule(id()),
        title if title.starts_with("[[search]]") => Part::Search(id()),
        title => match title.strip_prefix("[timetables.") {
            Some(name) => Part::Timetable(unquoted(name.trim_end_matches(']'))),
            None => Part::Head,
        },
    }
}

/// A word as TOML quotes it, without its quotes.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    toml::from_str::<toml::Table>(&format!("x = {text}"))
        .ok()
        .and_then(|table| table.get("x")?.as_str().map(str::to_owned))
        .unwrap_or_else(|| text.trim_matches('"').to_owned())
}
