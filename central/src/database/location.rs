//! Where the database is, as the configuration says it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::bail;

/// Where the database is. Written out, it has no password.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    /// A server, as `postgresql://…`; it may have a password in it.
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
            _ => bail!("it is neither `sqlite:FILE` nor `postgresql://USER@HOST/NAME`"),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "the SQLite file `{}`", path.display()),
            Self::Postgres(_) => f.write_str("the PostgreSQL database"),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_written_out() {
        let base = Path::new("/etc");
        let location = Location::read("postgresql://central:geheim@db.example/central", base).unwrap();
        assert!(!format!("{location} {location:?}").contains("geheim"));
        let refused = Location::read("postgre://central:geheim@db.example/central", base).unwrap_err();
        assert!(!format!("{refused:?}").contains("geheim"));
    }
}
