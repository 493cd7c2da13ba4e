//! An archive of a site (`.tar.zst`), made into a package of web pages.
//!
//! Whatever could become a danger on a box is refused here, where somebody can do something about it: names that lead out of
//! the package, names twice, links and devices, more files or bytes than a package may have, and bombs, which are archives
//! that unpack to hundreds of times their size. What is left are plain files under plain names.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write},
    path::Path,
};

use anyhow::{Context as _, ensure};
use preau::library::web::{self, FILES_MAX};

use super::tar::Tar;

/// The largest site, in bytes: what many boxes still have room for beside everything else.
const SITE_BYTES_MAX: u64 = 8 << 30;

/// How many times its size an archive may unpack to. Text comes to 5 or 10 times; sites of tables to 30.
const RATIO_MAX: u64 = 100;

/// What an archive may unpack to whatever its size, in bytes: small ones of empty pages have absurd ratios.
const RATIO_FREE_BYTES: u64 = 16 << 20;

/// Makes the package at `package_path` of the archive at `archive_path`.
///
/// # Errors
/// When the archive cannot be read, or holds what a package must not.
pub(super) fn pack(archive_path: &Path, package_path: &Path) -> anyhow::Result<()> {
    let context = || format!("cannot take `{}`", archive_path.display());
    let archive = File::open(archive_path).with_context(context)?;
    let bytes_max = bytes_max(archive.metadata().with_context(context)?.len());
    let contents = tempfile_beside(package_path)?;
    let package =
        File::create(package_path).with_context(|| format!("cannot write `{}`", package_path.display()))?;
    pack_into(BufReader::new(archive), bytes_max, contents, package).with_context(context)
}

/// What an archive of `length` bytes may unpack to.
fn bytes_max(length: u64) -> u64 {
    length.saturating_mul(RATIO_MAX).clamp(RATIO_FREE_BYTES, SITE_BYTES_MAX)
}

/// Takes the files of `archive` one after the other into `contents`, and then in the order of their names into `package`.
fn pack_into(
    archive: impl io::BufRead,
    bytes_max: u64,
    contents: File,
    package: impl Write,
) -> anyhow::Result<()> {
    let unpacked = zstd::stream::read::Decoder::with_buffer(archive)?;
    // One byte more than allowed tells that there is more.
    let mut tar = Tar::new(unpacked.take(bytes_max.saturating_add(1)));
    let mut contents = BufWriter::new(contents);
    let (mut files, mut begins, mut all) = (Vec::new(), Vec::new(), 0_u64);
    while let Some(entry) = tar.next().map_err(|error| told(error.into(), all, bytes_max))? {
        let path = entry.path.strip_prefix("./").unwrap_or(&entry.path).to_owned();
        ensure!(web::is_path(&path), "the archive holds `{path}`, a path that cannot be asked for");
        ensure!(files.len() < FILES_MAX, "the archive holds more than {FILES_MAX} files");
        let all_then = all.saturating_add(entry.length);
        ensure!(all_then <= bytes_max, "{}", too_much(bytes_max));
        let copied = io::copy(&mut tar.content(entry.length), &mut contents)?;
        ensure!(copied == entry.length, "the archive is cut in `{path}`");
        begins.push(all);
        all = all_then;
        files.push((path, entry.length));
    }
    let mut contents = contents.into_inner().map_err(io::IntoInnerError::into_error)?;
    let mut package = BufWriter::new(package);
    let order = web::write_table(&files, &mut package)?;
    for at in order {
        let (Some((_, length)), Some(begin)) = (files.get(at), begins.get(at)) else { continue };
        contents.seek(SeekFrom::Start(*begin))?;
        io::copy(&mut (&mut contents).take(*length), &mut package)?;
    }
    package.flush()?;
    ensure!(
        files.iter().any(|(path, _)| path == "index.html"),
        "the archive has no `index.html` at its top, so there is nothing to begin with"
    );
    Ok(())
}

/// An archive that unpacks to more than it may ends in the middle, and is called what it is.
fn told(error: anyhow::Error, all: u64, bytes_max: u64) -> anyhow::Error {
    if all.saturating_add(1 << 20) >= bytes_max { error.context(too_much(bytes_max)) } else { error }
}

fn too_much(bytes_max: u64) -> String {
    format!(
        "the archive unpacks to more than {bytes_max} bytes, {RATIO_MAX} times its size or what a site may have"
    )
}

fn tempfile_beside(path: &Path) -> anyhow::Result<File> {
    let path = path.with_extension("contents");
    let options = File::options().create(true).truncate(true).read(true).write(true).open(&path);
    let file = options.with_context(|| format!("cannot write `{}`", path.display()))?;
    // Nobody finds it any more, and it is gone when it is closed.
    std::fs::remove_file(&path)?;
    Ok(file)
}

/// Takes any bytes for an archive, for the fuzzer: what comes out must be a package that a box reads, or a refusal. Says
/// whether it was packed.
#[must_use]
pub fn exercise_archive(bytes: &[u8]) -> bool {
    let Ok(contents) = tempfile_in_memory() else { return false };
    let mut package = Vec::new();
    let is_packed = pack_into(bytes, 4 << 20, contents, &mut package).is_ok();
    if is_packed {
        let length = u64::try_from(package.len()).unwrap_or(u64::MAX);
        assert!(web::Table::read(&mut &package[..], length).is_ok(), "what was packed is read");
    }
    is_packed
}

fn tempfile_in_memory() -> io::Result<File> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    Ok(File::from(rustix::fs::memfd_create("archive", flags)?))
}
