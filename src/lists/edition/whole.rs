//! An edition as one stream.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
};

use anyhow::Context as _;

use super::{
    files::{self, Writing},
    manifest::{BYTES_MAX, Manifest},
};

/// How hard the whole is pressed together: it is made once a day and fetched by every new box.
const LEVEL: i32 = 12;

/// The largest window a stream may ask its reader to keep, as a power of two: 128 MiB.
pub(super) const WINDOW_LOG_MAX: u32 = 27;

/// Writes the edition in `dir` to `out`.
///
/// # Errors
/// When the folder is no edition, or something cannot be read or written.
pub fn write_whole(dir: &Path, out: impl Write) -> anyhow::Result<()> {
    let manifest = Manifest::of(dir)?.with_context(|| format!("`{}` is no edition", dir.display()))?;
    let mut out = zstd::Encoder::new(out, LEVEL)?;
    write_manifest(&manifest, &mut out)?;
    for below in manifest.files.keys() {
        let path = dir.join(below);
        let failed = || format!("cannot read `{}`", path.display());
        io::copy(&mut File::open(&path).with_context(failed)?, &mut out).with_context(failed)?;
    }
    out.finish()?.flush()?;
    Ok(())
}

/// Makes the edition of digest `wanted` in `dir` from what `input` says.
///
/// # Errors
/// When it is another edition, is damaged, or cannot be written; `dir` then holds what is to be thrown away.
pub fn read_whole(input: impl Read, wanted: &str, dir: &Path) -> anyhow::Result<Manifest> {
    let mut input = reader(input)?;
    let manifest = read_manifest(&mut input, wanted)?;
    for (below, file) in &manifest.files {
        let mut out = Writing::create(dir, below)?;
        let copied = io::copy(&mut input.by_ref().take(file.bytes), &mut out)?;
        anyhow::ensure!(copied == file.bytes, "the edition ends in the middle of `{below}`");
        files::check(below, out.finish(file.date)?, &manifest)?;
    }
    ended(&mut input)?;
    files::furnish(dir, &manifest)?;
    Ok(manifest)
}

/// What comes out of a pressed stream.
pub(super) fn reader(input: impl Read) -> anyhow::Result<BufReader<impl Read>> {
    let mut decoder = zstd::Decoder::new(input)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    Ok(BufReader::with_capacity(1 << 17, decoder))
}

pub(super) fn write_manifest(manifest: &Manifest, out: &mut impl Write) -> io::Result<()> {
    let text = manifest.to_string();
    write!(out, "{}\n{text}", text.len())
}

/// Reads a manifest and checks that it is the one of digest `wanted`.
pub(super) fn read_manifest(input: &mut impl BufRead, wanted: &str) -> anyhow::Result<Manifest> {
    let mut length = Vec::new();
    input.take(16).read_until(b'\n', &mut length)?;
    let length: usize =
        std::str::from_utf8(&length)?.trim_end().parse().context("its length is no number")?;
    anyhow::ensure!(length <= BYTES_MAX, "the manifest is too long");
    let mut text = vec![0; length];
    input.read_exact(&mut text)?;
    anyhow::ensure!(
        blake3::hash(&text).to_hex().as_str() == wanted,
        "this is another edition than was signed"
    );
    Ok(Manifest::read(std::str::from_utf8(&text)?)?)
}

/// Checks that nothing follows.
pub(super) fn ended(input: &mut impl BufRead) -> anyhow::Result<()> {
    anyhow::ensure!(input.fill_buf()?.is_empty(), "something follows the end of the edition");
    Ok(())
}
