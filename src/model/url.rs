//! The part of a URL behind its host, which the box sees in plain HTTP only.

use std::{fmt, sync::Arc};

/// Path and query of a URL in the one form that rules and lists are compared with, such as `/jeux/echecs?partie=3`.
///
/// It begins with `/`, has no fragment, and is at most [`UrlPath::BYTES_MAX`] bytes long.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UrlPath(Arc<str>);

impl UrlPath {
    /// The longest that is compared, in bytes; what is behind is cut off.
    pub const BYTES_MAX: usize = 2048;

    /// The path and query as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for UrlPath {
    /// Brings path and query, as a request writes them, into the form that is compared.
    fn from(written: &str) -> Self {
        let end = written.floor_char_boundary(Self::BYTES_MAX);
        Self(Arc::from(written.get(..end).unwrap_or_default()))
    }
}

impl fmt::Display for UrlPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
