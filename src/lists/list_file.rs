//! Reads the files of a folder of lists, line by line, in bounded memory.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::Path,
};

use rustix::fs::{Mode, OFlags};

use super::{Limits, Reason, Usage, formats::Format};

/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 17;

/// Opens a plain file: no link, no pipe that would keep the reader waiting, no device.
///
/// # Errors
/// When it is something else, or cannot be opened.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a plain file"));
    }
    Ok(file)
}

/// Gives `each` every line of a list with its number from 1, or why the line cannot be read.
///
/// # Errors
/// When the list cannot be read, or `each` fails.
pub(super) fn read_lines(
    list: impl Read,
    format: Format,
    mut each: impl FnMut(u64, Result<&str, Reason>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    // A list that grows while it is read ends at the bound.
    let mut reader = BufReader::with_capacity(CHUNK_BYTES, list.take(Limits::FILE_BYTES_MAX));
    let line_bytes_max = u64::try_from(format.line_bytes_max())?;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.by_ref().take(line_bytes_max).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if !line.ends_with(b"\n") && line.len() == format.line_bytes_max() {
            reader.skip_until(b'\n')?;
            each(number, Err(Reason::TooLong))?;
            continue;
        }
        each(number, std::str::from_utf8(&line).map_err(|_| Reason::NotText))?;
    }
    Ok(())
}

/// What the publisher means a category for; nothing where there is no file `usage`.
pub(super) fn usage(path: &Path) -> Usage {
    let mut usage = Usage::default();
    for line in beginning(path, Limits::USAGE_BYTES_MAX).lines() {
        for word in line.split('#').next().unwrap_or("").split_whitespace() {
            usage.black |= word == "black";
            usage.white |= word == "white";
        }
    }
    usage
}

/// The publishers that the catalogue of the Toulouse lists names, each once, sorted.
pub(super) fn catalogue_sources(folder: &Path) -> Vec<String> {
    let catalogue = beginning(&folder.join("global_usage"), Limits::CATALOGUE_BYTES_MAX);
    let sources = catalogue.lines().filter_map(|line| line.strip_prefix("SOURCE:"));
    let mut sources: Vec<_> =
        sources.map(|source| source.trim().to_owned()).filter(|source| !source.is_empty()).collect();
    sources.sort();
    sources.dedup();
    sources
}

/// The first bytes of a plain file as text; nothing where there is none.
fn beginning(path: &Path, bytes_max: u64) -> String {
    let mut bytes = Vec::new();
    match open(path).and_then(|file| file.take(bytes_max).read_to_end(&mut bytes)) {
        Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => String::new(),
    }
}
