//! What is between two editions, and from one to the other by it.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    path::Path,
};

use anyhow::Context as _;

use super::{
    files::{self, Writing},
    manifest::Manifest,
    whole::{ended, read_manifest, reader, write_manifest},
};
use crate::lists::Limits;

/// How hard a difference is pressed together: it is made once, and fetched by every box.
const LEVEL: i32 = 19;

/// Writes to `out` how the edition in `before` becomes the one in `after`.
///
/// # Errors
/// When one of them is no edition, or something cannot be read or written.
pub fn write_difference(before: &Path, after: &Path, out: impl Write) -> anyhow::Result<()> {
    let edition =
        |dir: &Path| Manifest::of(dir)?.with_context(|| format!("`{}` is no edition", dir.display()));
    let (old, new) = (edition(before)?, edition(after)?);
    let mut out = zstd::Encoder::new(out, LEVEL)?;
    writeln!(out, "from {}", old.digest())?;
    write_manifest(&new, &mut out)?;
    for (below, _) in new.files.iter().filter(|(below, file)| old.digest_of(below) != Some(file.digest)) {
        let has_old = old.files.contains_key(below);
        let (gaps, coming) = compare(lines(before, below, has_old)?, lines(after, below, true)?)?;
        write_number(u64::try_from(gaps.len())?, &mut out)?;
        gaps.into_iter().try_for_each(|gap| write_number(gap, &mut out))?;
        write_number(u64::try_from(coming.len())?, &mut out)?;
        out.write_all(&coming)?;
    }
    out.finish()?.flush()?;
    Ok(())
}

/// Makes the edition of digest `wanted` in `after` from the one in `before` and the difference that `input` says. Files
/// that did not change are shared by a second name.
///
/// # Errors
/// When the difference begins at another edition or leads to another, is damaged, or cannot be written; `after` then holds
/// what is to be thrown away.
pub fn apply_difference(
    before: &Path,
    input: impl Read,
    wanted: &str,
    after: &Path,
) -> anyhow::Result<Manifest> {
    let old = Manifest::of(before)?.with_context(|| format!("`{}` is no edition", before.display()))?;
    let mut input = reader(input)?;
    let mut from = Vec::new();
    input.by_ref().take(80).read_until(b'\n', &mut from)?;
    anyhow::ensure!(
        std::str::from_utf8(&from)?.trim_end() == format!("from {}", old.digest()),
        "the difference begins at another edition"
    );
    let new = read_manifest(&mut input, wanted)?;
    for (below, file) in &new.files {
        if old.digest_of(below) == Some(file.digest) && old.files.get(below) == Some(file) {
            share(before, after, below)?;
            continue;
        }
        let mut out = Writing::create(after, below)?;
        if old.digest_of(below) == Some(file.digest) {
            // Only its day is another.
            std::io::copy(&mut lines(before, below, true)?, &mut out)?;
        } else {
            let has_old = old.files.contains_key(below);
            merge(lines(before, below, has_old)?, &mut input, file.bytes, &mut out)
                .with_context(|| format!("cannot make `{below}` of the one before"))?;
        }
        files::check(below, out.finish(file.date)?, &new)?;
    }
    ended(&mut input)?;
    files::furnish(after, &new)?;
    Ok(new)
}

impl Manifest {
    fn digest_of(&self, below: &str) -> Option<blake3::Hash> {
        self.files.get(below).map(|file| file.digest)
    }
}

/// Which lines go (as gaps of lines that stay) and which come, of two sorted files.
fn compare(mut old: impl BufRead, mut new: impl BufRead) -> anyhow::Result<(Vec<u64>, Vec<u8>)> {
    let (mut gaps, mut coming, mut stay) = (Vec::new(), Vec::new(), 0);
    let (mut of_old, mut of_new) = (next_line(&mut old)?, next_line(&mut new)?);
    loop {
        match (&of_old, &of_new) {
            (None, None) => return Ok((gaps, coming)),
            (Some(one), Some(other)) if one == other => {
                stay += 1;
                (of_old, of_new) = (next_line(&mut old)?, next_line(&mut new)?);
            }
            (Some(one), other) if other.as_ref().is_none_or(|other| one < other) => {
                gaps.push(std::mem::take(&mut stay));
                of_old = next_line(&mut old)?;
            }
            (_, line) => {
                coming.extend(line.iter().flatten());
                of_new = next_line(&mut new)?;
            }
        }
    }
}

/// Writes to `out` the lines of `old` that stay and those that come, in order.
fn merge(
    mut old: impl BufRead,
    input: &mut impl BufRead,
    bytes_max: u64,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let going = read_number(input)?;
    anyhow::ensure!(going <= Limits::LINES_MAX, "too many lines go");
    let mut gaps = Vec::new();
    for _ in 0..going {
        gaps.push(read_number(input)?);
    }
    let bytes = read_number(input)?;
    anyhow::ensure!(bytes <= bytes_max, "more comes than there shall be");
    let mut coming = input.take(bytes);
    let mut next_coming = next_line(&mut coming)?;
    let (mut gaps, mut stay) = (gaps.into_iter(), 0);
    let mut gap = gaps.next();
    while let Some(line) = next_line(&mut old)? {
        if gap == Some(stay) {
            (gap, stay) = (gaps.next(), 0);
            continue;
        }
        stay += 1;
        while let Some(earlier) = next_coming.take_if(|coming| *coming < line) {
            out.write_all(&earlier)?;
            next_coming = next_line(&mut coming)?;
        }
        out.write_all(&line)?;
    }
    anyhow::ensure!(gap.is_none(), "a line that is not there shall go");
    while let Some(line) = next_coming {
        out.write_all(&line)?;
        next_coming = next_line(&mut coming)?;
    }
    anyhow::ensure!(coming.limit() == 0, "the difference ends too early");
    Ok(())
}

/// The next line with its end; none at the end.
fn next_line(from: &mut impl BufRead) -> anyhow::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let read = from.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    anyhow::ensure!(read == 0 || line.ends_with(b"\n"), "a line is cut or too long");
    Ok((read > 0).then_some(line))
}

/// The longest line of any list, in bytes.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// The lines of a file of the edition in `dir`; none where it has no such file.
fn lines(dir: &Path, below: &str, is_there: bool) -> anyhow::Result<Box<dyn BufRead>> {
    if !is_there {
        return Ok(Box::new(std::io::empty()));
    }
    let path = dir.join(below);
    let file = File::open(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    Ok(Box::new(BufReader::with_capacity(1 << 17, file)))
}

fn share(before: &Path, after: &Path, below: &str) -> anyhow::Result<()> {
    let (from, to) = (before.join(below), after.join(below));
    let failed = || format!("cannot write `{}`", to.display());
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).with_context(failed)?;
    }
    fs::hard_link(&from, &to).with_context(failed)
}

/// LEB128, least significant seven bits first.
fn write_number(mut number: u64, out: &mut impl Write) -> anyhow::Result<()> {
    loop {
        let low = u8::try_from(number & 0x7f)?;
        number >>= 7;
        out.write_all(&[if number == 0 { low } else { low | 0x80 }])?;
        if number == 0 {
            return Ok(());
        }
    }
}

fn read_number(input: &mut impl Read) -> anyhow::Result<u64> {
    let mut number = 0;
    for shift in (0..63).step_by(7) {
        let mut byte = [0];
        input.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            return Ok(number);
        }
    }
    anyhow::bail!("a number is too large")
}
