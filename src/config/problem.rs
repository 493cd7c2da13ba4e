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

/// Everything wrong, in the order of the file. Never empty as an error.
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

/// Collects the problems of one file and knows its lines.
#[derive(Debug)]
pub(super) struct Collector<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Problems,
}

impl<'a> Collector<'a> {
    pub(super) fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text, problems: Problems::default() }
    }

    /// Notes a problem at the bytes `span` of the file.
    pub(super) fn at(&mut self, span: &Range<usize>, what: impl Into<String>) {
        let line = line_at(self.text, span.start);
        self.push(Problem { file: self.path.display().to_string(), line: Some(line), what: what.into() });
    }

    /// Notes a problem of another file, whose reader names the line itself.
    pub(super) fn in_file(&mut self, path: &Path, what: impl Into<String>) {
        self.push(Problem { file: path.display().to_string(), line: None, what: what.into() });
    }

    pub(super) fn finish(self) -> Problems {
        self.problems
    }

    fn push(&mut self, problem: Problem) {
        self.problems.0.push(problem);
    }
}

/// The problem a file has that is not even read into its fields.
pub(super) fn unreadable(path: &Path, text: &str, error: &toml::de::Error) -> Problems {
    let what = error.message().replace('\n', ", ");
    let line = error.span().map(|span| line_at(text, span.start));
    Problems(vec![Problem { file: path.display().to_string(), line, what }])
}

/// The problem of a file that cannot be opened.
pub(super) fn missing(path: &Path, error: &std::io::Error) -> Problems {
    let what = format!("cannot read the file: {error}");
    Problems(vec![Problem { file: path.display().to_string(), line: None, what }])
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
