//! The files of an edition, written in order and known by their digests.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context as _;
use jiff::{civil::Date, tz::TimeZone};

use super::manifest::{ListedFile, Manifest};

/// Bytes gathered before they are written.
const WRITE_BYTES: usize = 1 << 18;

/// A file that is being written.
#[derive(Debug)]
pub(super) struct Writing {
    path: PathBuf,
    out: BufWriter<File>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Writing {
    pub(super) fn create(dir: &Path, below: &str) -> anyhow::Result<Self> {
        let path = dir.join(below);
        let failed = || format!("cannot write `{}`", path.display());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(failed)?;
        }
        let out = BufWriter::with_capacity(WRITE_BYTES, File::create(&path).with_context(failed)?);
        Ok(Self { path, out, hasher: blake3::Hasher::new(), bytes: 0 })
    }

    /// Ends the file: on the disk, with the day of its list as its date.
    pub(super) fn finish(self, date: Date) -> anyhow::Result<ListedFile> {
        let Self { path, out, hasher, bytes } = self;
        let failed = || format!("cannot write `{}`", path.display());
        let file = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(failed)?;
        set_day(&file, date).with_context(failed)?;
        file.sync_all().with_context(failed)?;
        Ok(ListedFile { date, bytes, digest: hasher.finalize() })
    }
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Gives the folder what [`build`](super::super::build) wants beside the lists: what each is for, and other names.
pub(super) fn furnish(dir: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let failed = || format!("cannot write in `{}`", dir.display());
    for (category, usage) in &manifest.categories {
        let of = dir.join(category);
        fs::create_dir_all(&of).with_context(failed)?;
        let words = [(usage.black, "black\n"), (usage.white, "white\n")];
        let text: String =
            words.into_iter().filter_map(|(is_meant, word)| is_meant.then_some(word)).collect();
        fs::write(of.join("usage"), text).with_context(failed)?;
    }
    for (alias, category) in &manifest.aliases {
        let link = dir.join(alias);
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(category, &link).with_context(failed)?;
    }
    manifest.write(dir)
}

/// Checks that a file came to what the manifest says of it.
pub(super) fn check(below: &str, written: ListedFile, manifest: &Manifest) -> anyhow::Result<()> {
    let wanted = manifest.files.get(below).with_context(|| format!("`{below}` is not in the manifest"))?;
    anyhow::ensure!(written == *wanted, "`{below}` is not what was signed");
    Ok(())
}

fn set_day(file: &File, date: Date) -> anyhow::Result<()> {
    let midnight = date.to_zoned(TimeZone::UTC)?;
    Ok(file.set_modified(SystemTime::from(midnight.timestamp()))?)
}
