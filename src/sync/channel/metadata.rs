//! How tough gets the metadata: from a source, or from the box's own copy where the file cannot have changed.
//!
//! `N.<role>.json` of the same N never changes, so what was once fetched need not be again: a change of rules then costs
//! six small requests (the next root that is not there, timestamp, snapshot, the policy role, the index, the document). A
//! copy counts no more than what comes over the line: tough checks both alike.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use bytes::Bytes;
use futures_util::stream;
use tough::{Transport, TransportError, TransportErrorKind, TransportStream};
use url::Url;

use super::source::{Fault, Source};
use crate::system::files;

/// The longest file of metadata, in bytes, whatever the metadata before it says: a stolen key of the snapshot must not
/// fill the memory.
pub(super) const FILE_BYTES_MAX: u64 = 2 << 20;

/// Files asked for in one cycle: the roots that may be new, and some twenty roles. A stolen key of the targets must not
/// keep the box busy for ever.
const FILES_MAX: u32 = 128;

/// The URL below which tough is told the metadata are. Nothing resolves it.
pub(super) const BASE: &str = "https://view.invalid/";

/// The way metadata take from one source to tough.
#[derive(Clone, Debug)]
pub(super) struct MetadataTransport {
    source: Source,
    dir: String,
    copies: Copies,
    use_copies: bool,
    asked: Arc<AtomicU32>,
    seen: Arc<Mutex<BTreeMap<String, Bytes>>>,
}

impl MetadataTransport {
    /// The way from `dir` of the source.
    pub(super) fn new(source: Source, dir: String, copies: Copies, use_copies: bool) -> Self {
        Self { source, dir, copies, use_copies, asked: Arc::default(), seen: Arc::default() }
    }

    /// Keeps copies of what was asked for, and of nothing else. Once tough has found all of it good.
    pub(super) fn keep(&self) -> io::Result<()> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.copies.keep(&seen)
    }

    async fn file(&self, name: &str) -> Result<Bytes, Fault> {
        let lasting = is_lasting(name);
        let copy = if self.use_copies && lasting { self.copies.read(name) } else { None };
        let bytes = match copy {
            Some(bytes) => bytes,
            None => self.source.read(&format!("{}/{name}", self.dir), FILE_BYTES_MAX).await?,
        };
        if lasting {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.insert(name.to_owned(), bytes.clone());
        }
        Ok(bytes)
    }
}

#[tough::async_trait]
impl Transport for MetadataTransport {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let name = url.path().trim_start_matches('/');
        if self.asked.fetch_add(1, Ordering::Relaxed) >= FILES_MAX {
            return Err(TransportError::new_with_cause(TransportErrorKind::Other, &url, Fault::TooLarge));
        }
        match self.file(name).await {
            Ok(bytes) => Ok(Box::pin(stream::iter([Ok(bytes)]))),
            Err(Fault::Missing) => Err(TransportError::new(TransportErrorKind::FileNotFound, &url)),
            // Given as what comes rather than as a failure to begin: tough takes the latter for "no newer root".
            Err(fault) => {
                let error = TransportError::new_with_cause(TransportErrorKind::Other, &url, fault);
                Ok(Box::pin(stream::iter([Err(error)])))
            }
        }
    }
}

/// The box's own copies of metadata.
#[derive(Clone, Debug)]
pub(super) struct Copies {
    dir: PathBuf,
}

impl Copies {
    pub(super) fn in_dir(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn read(&self, name: &str) -> Option<Bytes> {
        read_small(&self.dir.join(name), FILE_BYTES_MAX).ok().flatten().map(Bytes::from)
    }

    fn keep(&self, seen: &BTreeMap<String, Bytes>) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        for (name, bytes) in seen {
            if self.read(name).as_ref() != Some(bytes) {
                files::replace(&self.dir.join(name), bytes)?;
            }
        }
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let wanted = entry.file_name().to_str().is_some_and(|name| seen.contains_key(name));
            if !wanted {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Whether a file of this name stays what it is: a version, then a role. Roots do as well, but they are asked for only to
/// learn whether there is another.
fn is_lasting(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    let [version, role, "json"] = parts.as_slice() else { return false };
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    version.bytes().all(|byte| byte.is_ascii_digit()) && plain(version) && plain(role) && *role != "root"
}

/// The file at `path`; none where there is none, an error where it is longer than `bytes_max`.
pub(super) fn read_small(path: &Path, bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= bytes_max) {
        Ok(Some(bytes))
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "it is too long"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_never_changes_under_its_name_is_copied() {
        for (name, lasting) in [
            ("3.snapshot.json", true),
            ("12.policy.json", true),
            ("timestamp.json", false),
            ("2.root.json", false),
            (".policy.json", false),
            ("1..json", false),
            ("1.../../x.json", false),
            ("1.policy.json.draft", false),
        ] {
            assert_eq!(is_lasting(name), lasting, "{name}");
        }
    }
}
