//! Where the repository can be had: over HTTPS, in a folder, on a stick. What comes is not trusted for that.

use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use thiserror::Error;
use url::Url;

use super::{
    folder::{self, FolderFlow},
    web::{self, WebFlow},
};

/// Mounts that are looked at below the media directory, and folders in them: a machine has few sockets.
const MOUNTS_MAX: usize = 64;

/// One place that holds the repository.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A web server.
    Web { client: reqwest::Client, base: Url },
    /// A folder of this machine or of a stick.
    Folder { dir: PathBuf },
}

/// Why a source did not give a file.
#[derive(Debug, Error)]
pub(super) enum Fault {
    #[error("the repository does not have a file that it should have")]
    Missing,
    #[error("the repository sends more than a file of its kind can hold")]
    TooLarge,
    #[error("the repository sends too slowly: less than {} bytes a second", web::BYTES_A_SECOND_MIN)]
    Slow,
    #[error("the repository cannot be reached: {0}")]
    Failed(String),
}

impl Source {
    /// The source at a repository's URL; none for one that needs a client there is not, or that no source serves.
    pub(super) fn at(url: &Url, client: Option<&reqwest::Client>) -> Option<Self> {
        match url.scheme() {
            "https" | "http" => Some(Self::Web { client: client?.clone(), base: url.clone() }),
            "file" => Some(Self::Folder { dir: url.to_file_path().ok()? }),
            _ => None,
        }
    }

    /// The folders called `preau` on what is mounted below `media_dir`, at most one directory deeper, in the order of
    /// their names. Links are not followed.
    pub(super) fn sticks(media_dir: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for mount in folder::dirs_in(media_dir, MOUNTS_MAX) {
            for dir in std::iter::once(mount.clone()).chain(folder::dirs_in(&mount, MOUNTS_MAX)) {
                let stick = dir.join("preau");
                if folder::is_dir(&stick) {
                    found.push(stick);
                }
            }
        }
        found
    }

    /// Whether fetching from it takes of the line.
    pub(super) const fn is_line(&self) -> bool {
        matches!(self, Self::Web { .. })
    }

    /// The whole of a small file at `path` of the repository, at most `bytes_max` long.
    pub(super) async fn read(&self, path: &str, bytes_max: u64) -> Result<Bytes, Fault> {
        let mut flow = self.flow(path, 0, None).await?;
        let mut whole = BytesMut::new();
        let read = async {
            while let Some(bytes) = flow.next().await? {
                whole.extend_from_slice(&bytes);
                if u64::try_from(whole.len()).unwrap_or(u64::MAX) > bytes_max {
                    return Err(Fault::TooLarge);
                }
            }
            Ok(())
        };
        tokio::time::timeout(web::SMALL_WITHIN, read).await.map_err(|_| Fault::Slow)??;
        Ok(whole.freeze())
    }

    /// The bytes of the file at `path` of the repository, from the byte `from` on where the source can, and over the line
    /// no more than `piece_bytes` of them where one is given.
    pub(super) async fn flow(&self, path: &str, from: u64, piece_bytes: Option<u64>) -> Result<Flow, Fault> {
        if !is_plain(path) {
            return Err(Fault::Missing);
        }
        match self {
            Self::Web { client, base } => {
                web::flow(client, base, path, (from, piece_bytes)).await.map(Flow::Web)
            }
            Self::Folder { dir } => folder::flow(dir, path, from).await.map(Flow::Folder),
        }
    }
}

/// The bytes of one file as they come.
#[derive(Debug)]
pub(super) enum Flow {
    Web(WebFlow),
    Folder(FolderFlow),
}

impl Flow {
    /// The byte at which it began: 0 where the source cannot begin elsewhere.
    pub(super) const fn began(&self) -> u64 {
        match self {
            Self::Web(flow) => flow.began(),
            Self::Folder(flow) => flow.began(),
        }
    }

    /// The next bytes; none at the end. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        match self {
            Self::Web(flow) => flow.next().await,
            Self::Folder(flow) => flow.next().await,
        }
    }
}

/// Whether a path of the repository is made of plain names alone: nothing that a server, a URL or a disk reads otherwise.
pub(super) fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    })
}
