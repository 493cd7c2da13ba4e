//! The entries of an archive (tar, as POSIX and GNU write it), one after the other.
//!
//! Only what a site needs is taken: files and folders. A link, a device, a file with holes: each is refused with its name,
//! for whoever made the archive meant something by it that would be lost. Every header is held to its checksum, and what
//! stands for a long name is read no further than names are long.

use std::io::{self, Read};

use thiserror::Error;

/// The unit of an archive, in bytes.
const BLOCK: usize = 512;

/// The longest record of extended headers, in bytes: names of 512 bytes and some times fit.
const EXTENDED_BYTES_MAX: u64 = 64 << 10;

/// An archive that cannot be taken.
#[derive(Debug, Error)]
pub(super) enum TarError {
    #[error("the archive is cut or damaged after `{0}`")]
    Damaged(String),
    #[error("the archive holds `{0}`, which is no file and no folder")]
    Kind(String),
    #[error("the archive holds a name that is no text, after `{0}`")]
    Name(String),
    #[error("the archive cannot be read")]
    Disk(#[from] io::Error),
}

/// An archive as it is read.
pub(super) struct Tar<R> {
    source: R,
    /// What is left of the entry that was given last, with what fills its last block.
    rest: u64,
    /// The entry that was given last.
    last: String,
}

/// A file of an archive. Its content is read from [`Tar::content`].
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) length: u64,
}

/// What extended headers said of the entry that comes next.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    length: Option<u64>,
}

impl<R: Read> Tar<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, rest: 0, last: String::new() }
    }

    /// The next file; none at the end. What was not read of the file before is passed over.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, TarError> {
        let mut extended = Extended::default();
        loop {
            self.pass_over()?;
            let Some(header) = self.header()? else { return Ok(None) };
            let length = number(&header[124..136]).ok_or_else(|| self.damaged())?;
            match header[156] {
                b'x' => extended.read(&self.record(length)?).ok_or_else(|| self.damaged())?,
                b'g' => drop(self.record(length)?),
                b'L' => {
                    let name = self.record(length)?;
                    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
                    extended.path = name.get(..end).map(<[u8]>::to_vec);
                }
                kind => {
                    let Extended { path, length: long } = std::mem::take(&mut extended);
                    let path = path.unwrap_or_else(|| name_of(&header));
                    let path = String::from_utf8(path).map_err(|_| TarError::Name(self.last.clone()))?;
                    let length = if matches!(kind, b'0' | 0) { long.unwrap_or(length) } else { length };
                    self.rest = padded(length).ok_or_else(|| self.damaged())?;
                    self.last.clone_from(&path);
                    match kind {
                        b'0' | 0 => return Ok(Some(Entry { path, length })),
                        b'5' => {}
                        _ => return Err(TarError::Kind(path)),
                    }
                }
            }
        }
    }

    /// The content of the file that was given last, `length` bytes of it.
    pub(super) fn content(&mut self, length: u64) -> impl Read {
        self.rest = self.rest.saturating_sub(length);
        (&mut self.source).take(length)
    }

    /// The next header; none at the end, which is a block of zeros.
    fn header(&mut self) -> Result<Option<[u8; BLOCK]>, TarError> {
        let mut header = [0; BLOCK];
        self.source.read_exact(&mut header).map_err(|error| self.cut(error))?;
        if header == [0; BLOCK] {
            return Ok(None);
        }
        // POSIX.1-2017, pax, "ustar Interchange Format": the sum of all bytes, those of the sum counted as spaces.
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        let expected = sum(&header[..148]) + 8 * u64::from(b' ') + sum(&header[156..]);
        if number(&header[148..156]) != Some(expected) {
            return Err(self.damaged());
        }
        Ok(Some(header))
    }

    /// A record of `length` bytes that says something of the entry behind it.
    fn record(&mut self, length: u64) -> Result<Vec<u8>, TarError> {
        if length > EXTENDED_BYTES_MAX {
            return Err(self.damaged());
        }
        let mut record = Vec::new();
        (&mut self.source).take(length).read_to_end(&mut record)?;
        if u64::try_from(record.len()).ok() != Some(length) {
            return Err(self.damaged());
        }
        self.rest = padded(length).unwrap_or(length) - length;
        Ok(record)
    }

    fn pass_over(&mut self) -> Result<(), TarError> {
        let passed = io::copy(&mut (&mut self.source).take(self.rest), &mut io::sink())?;
        if passed < self.rest {
            return Err(self.damaged());
        }
        self.rest = 0;
        Ok(())
    }

    fn damaged(&self) -> TarError {
        TarError::Damaged(self.last.clone())
    }

    fn cut(&self, error: io::Error) -> TarError {
        if error.kind() == io::ErrorKind::UnexpectedEof { self.damaged() } else { TarError::Disk(error) }
    }
}

impl Extended {
    /// Reads records such as `30 path=cours/index.html\n`; nothing, when they are none.
    fn read(&mut self, mut records: &[u8]) -> Option<()> {
        while !records.is_empty() {
            let space = records.iter().position(|byte| *byte == b' ')?;
            let length: usize = str::from_utf8(records.get(..space)?).ok()?.parse().ok()?;
            let record = records.get(space + 1..length)?.strip_suffix(b"\n")?;
            let equals = record.iter().position(|byte| *byte == b'=')?;
            let (key, value) = (record.get(..equals)?, record.get(equals + 1..)?);
            match key {
                b"path" => self.path = Some(value.to_vec()),
                b"size" => self.length = Some(str::from_utf8(value).ok()?.parse().ok()?),
                _ => {}
            }
            records = records.get(length..)?;
        }
        Some(())
    }
}

/// The name in a header, its prefix before it where POSIX has one.
fn name_of(header: &[u8; BLOCK]) -> Vec<u8> {
    let text = |field: &[u8]| {
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        field.get(..end).unwrap_or_default().to_vec()
    };
    let name = text(&header[..100]);
    let prefix = text(&header[345..500]);
    // GNU writes times where POSIX has the prefix, and says so by the space after its mark.
    if prefix.is_empty() || &header[257..263] != b"ustar\0" {
        return name;
    }
    [prefix.as_slice(), b"/", name.as_slice()].concat()
}

/// An octal number in a field. Numbers of GNU's other form are longer than anything a site has, and are refused.
fn number(field: &[u8]) -> Option<u64> {
    let text = str::from_utf8(field).ok()?;
    let digits = text.trim_matches(|character| character == ' ' || character == '\0');
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// The length with what fills the last block.
fn padded(length: u64) -> Option<u64> {
    length.checked_next_multiple_of(512)
}
