//! What is wrong in a file somebody wrote, said so that they can mend it.

use std::{fmt, ops::Range, path::Path};

/// One thing wrong, with its place and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the person named it.
    pub file: String,
    /// The line, counted from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong and what to do, as fragments: ``zone.ipv4: `10.0.0.1` has no prefix length; write `10.0.0.1/22` ``.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

/// Everything wrong: the configuration file in the order of its lines, then the files it names. Never empty as an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// The problems, one by one.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// `value` if nothing is wrong, otherwise all that is.
    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

/// One line a problem.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Collects the problems of one file, whose lines it knows, and of the files that one names.
#[derive(Debug)]
pub(super) struct Collector<'a> {
    path: &'a Path,
    text: &'a str,
    own: Vec<Problem>,
    others: Vec<Problem>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text, own: Vec::new(), others: Vec::new() }
    }

    /// Notes a problem at the bytes `span` of the file.
    pub(super) fn at(&mut self, span: &Range<usize>, what: impl Into<String>) {
        let line = Some(line_at(self.text, span.start));
        self.own.push(Problem { file: self.path.display().to_string(), line, what: what.into() });
    }

    /// Notes a problem at a line of another file.
    pub(super) fn in_file(&mut self, path: &Path, line: Option<usize>, what: impl Into<String>) {
        self.others.push(Problem { file: path.display().to_string(), line, what: what.into() });
    }

    /// Everything noted, in order.
    pub(super) fn finish(mut self) -> Problems {
        self.own.sort_by_key(|problem| problem.line);
        self.own.append(&mut self.others);
        Problems(self.own)
    }
}

/// The line that holds byte `offset`, counted from 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
