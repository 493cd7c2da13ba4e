//! Where a rules file is wrong, and what to do about it.

use std::{fmt, ops::Range};

use thiserror::Error;

/// A fault in a rules file. Its text is for technicians.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub struct RuleFileError {
    /// The line of the fault, counted from 1; 1 also where the fault is the file as a whole.
    pub line: usize,
    /// The column in characters, counted from 1, where it is known.
    pub column: Option<usize>,
    /// The field, such as `during`; empty where the line is no `field = value`.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for RuleFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(column) = self.column {
            write!(f, ", column {column}")?;
        }
        if !self.field.is_empty() {
            write!(f, ", `{}`", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The text of a rules file, to tell lines by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a>(pub(super) &'a str);

impl Source<'_> {
    /// The line of byte `offset`, counted from 1.
    pub(super) fn line(self, offset: usize) -> usize {
        1 + self.before(offset).matches('\n').count()
    }

    /// A fault at `span`, in `field`.
    pub(super) fn fault(self, span: Range<usize>, field: &str, message: impl Into<String>) -> RuleFileError {
        let before = self.before(span.start);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        RuleFileError {
            line: self.line(span.start),
            column: Some(1 + before.chars().count() - before.get(..line_start).unwrap_or("").chars().count()),
            field: field.to_owned(),
            message: message.into(),
        }
    }

    /// A fault the TOML reader found.
    pub(super) fn toml_fault(self, error: &toml::de::Error) -> RuleFileError {
        let message = error.message().replace('\n', ", ");
        let Some(span) = error.span() else {
            return RuleFileError { line: 1, column: None, field: String::new(), message };
        };
        let missing = message.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'));
        let field = missing.unwrap_or_else(|| self.field_at(span.start)).to_owned();
        self.fault(span, &field, message)
    }

    /// The key of the line that holds byte `offset`, where the line begins with one.
    fn field_at(&self, offset: usize) -> &str {
        let line_start = self.before(offset).rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.0.get(line_start..).and_then(|rest| rest.lines().next()).unwrap_or("");
        let key = line.split_once('=').map_or("", |(key, _)| key.trim());
        if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') { key } else { "" }
    }

    /// The text before byte `offset`, cut back to a whole character.
    fn before(&self, offset: usize) -> &str {
        let mut end = offset.min(self.0.len());
        while !self.0.is_char_boundary(end) {
            end -= 1;
        }
        self.0.get(..end).unwrap_or("")
    }
}
