//! The repository in a folder: of this machine, or of a stick that somebody put in.
//!
//! A stick is made by a stranger: links are refused at every step of a path, and so is whatever is no plain file.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use rustix::fs::{Mode, OFlags, ResolveFlags};

use super::source::Fault;

/// How much is read at once, in bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// A file as it is read.
#[derive(Debug)]
pub(super) struct FolderFlow {
    file: Arc<File>,
    began: u64,
    at: u64,
}

/// Opens the file at `path` below `dir` at the byte `from`.
pub(super) async fn flow(dir: &Path, path: &str, from: u64) -> Result<FolderFlow, Fault> {
    let (dir, path) = (dir.to_owned(), path.to_owned());
    match on_disk(move || open(&dir, &path)).await {
        Ok(file) => Ok(FolderFlow { file: Arc::new(file), began: from, at: from }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Fault::Missing),
        Err(error) => Err(Fault::Failed(error.to_string())),
    }
}

impl FolderFlow {
    pub(super) const fn began(&self) -> u64 {
        self.began
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        let (file, at) = (Arc::clone(&self.file), self.at);
        let read = on_disk(move || {
            let mut bytes = vec![0; PIECE_BYTES];
            let length = file.read_at(&mut bytes, at)?;
            bytes.truncate(length);
            Ok(bytes)
        });
        let bytes = read.await.map_err(|error| Fault::Failed(error.to_string()))?;
        self.at += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok((!bytes.is_empty()).then(|| Bytes::from(bytes)))
    }
}

/// The directories in `dir`, no links, in the order of their names; of the first `entries_max` entries.
pub(super) fn dirs_in(dir: &Path, entries_max: usize) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut dirs: Vec<PathBuf> = entries
        .take(entries_max)
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    dirs.sort();
    dirs
}

/// Whether a directory, and no link to one, lies at `path`.
pub(super) fn is_dir(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn open(dir: &Path, path: &str) -> io::Result<File> {
    let dir = rustix::fs::open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    // Opening a pipe would wait for its other end.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let file = File::from(rustix::fs::openat2(dir, path, flags, Mode::empty(), resolve)?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no plain file"));
    }
    Ok(file)
}

/// Does what may wait for a disk away from the tasks that must not.
async fn on_disk<T: Send + 'static>(act: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(act).await.map_err(io::Error::other)?
}
