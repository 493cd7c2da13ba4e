//! Where the repository is, as the configuration says it.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use anyhow::{bail, ensure};

/// Where the repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder.
    Folder(PathBuf),
    /// A bucket of S3, and what its names begin with. Keys and endpoint come from the environment (`AWS_…`).
    Bucket {
        /// The bucket.
        bucket: String,
        /// What names begin with; may be empty.
        prefix: String,
    },
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(dir) => write!(f, "the folder `{}`", dir.display()),
            Self::Bucket { bucket, prefix } => write!(f, "the bucket `s3://{bucket}/{prefix}`"),
        }
    }
}

impl Location {
    /// Reads a folder's path, relative to `base`, or `s3://BUCKET/PREFIX`.
    ///
    /// # Errors
    /// When it is neither.
    pub fn read(text: &str, base: &Path) -> anyhow::Result<Self> {
        let Some(place) = text.strip_prefix("s3://") else {
            ensure!(!text.contains("://"), "`{text}` is neither a folder nor `s3://BUCKET/PREFIX`");
            return Ok(Self::Folder(base.join(text)));
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            bail!("`{text}` names no bucket; write `s3://BUCKET/PREFIX`");
        }
        Ok(Self::Bucket { bucket: bucket.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
    }
}
