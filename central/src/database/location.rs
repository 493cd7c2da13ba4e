//! Where the database is, as the configuration says it.

use std::path::{Path, PathBuf};

use anyhow::bail;

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A server, as `postgresql://…`.
    Postgres(String),
}

impl Location {
    /// Reads `sqlite:PATH` or `postgresql://…`; relative paths start at `base`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn read(text: &str, base: &Path) -> anyhow::Result<Self> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(base.join(path))),
            Some(("postgresql" | "postgres", _)) => Ok(Self::Postgres(text.to_owned())),
            _ => bail!("`{text}` is neither `sqlite:FILE` nor `postgresql://USER@HOST/NAME`"),
        }
    }
}
