//! The names file beside a table: what each hash was made of, and since when it is listed.

use std::{
    fmt,
    io::{self, Write},
    sync::Arc,
};

use super::{
    builder::BuildError,
    day::ListDay,
    layout::{Reader, TableError},
    table::{Listed, Table},
};

const MAGIC: &[u8; 8] = b"PREAUNAM";
const VERSION: u32 = 2;
const HEADER_BYTES: usize = 12;
const TRAILER_BYTES: usize = 16;
/// The length byte of a text that has its length in the two bytes behind.
const LONG: u8 = u8::MAX;

/// The names of one table.
pub struct Names {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    offsets_start: usize,
    days_start: usize,
    count: usize,
}

impl Names {
    /// Opens the names in `bytes`, which stay untouched but for their ends.
    ///
    /// # Errors
    /// When the bytes are no names file, are cut short, or belong to another table than `table`.
    pub fn open(bytes: impl AsRef<[u8]> + Send + Sync + 'static, table: &Table) -> Result<Self, TableError> {
        let all = bytes.as_ref();
        if all.get(..8) != Some(MAGIC) {
            return Err(TableError::NotATable);
        }
        let version = Reader(all.get(8..HEADER_BYTES).ok_or(TableError::Length)?).u32()?;
        if version != VERSION {
            return Err(TableError::Version(version));
        }
        let trailer_start = all.len().checked_sub(TRAILER_BYTES).ok_or(TableError::Length)?;
        let mut trailer = Reader(all.get(trailer_start..).ok_or(TableError::Length)?);
        let count = table.names_count();
        if trailer.u64()? != table.body_checksum() || usize::try_from(trailer.u64()?) != Ok(count) {
            return Err(TableError::OtherTable);
        }
        let before = |end: usize, width| count.checked_mul(width).and_then(|bytes| end.checked_sub(bytes));
        let days_start = before(trailer_start, 2).ok_or(TableError::Length)?;
        let offsets_start = before(days_start, 4);
        let offsets_start = offsets_start.filter(|start| *start >= HEADER_BYTES).ok_or(TableError::Length)?;
        Ok(Self { offsets_start, days_start, count, bytes: Arc::new(bytes) })
    }

    /// The name, address or URL whose hash was `listed`; none if the file is damaged there.
    #[must_use]
    pub fn name_of(&self, listed: &Listed<'_>) -> Option<&str> {
        self.at(listed.place)
    }

    /// Since when `listed` is in the categories it is in.
    #[must_use]
    pub fn since(&self, listed: &Listed<'_>) -> Option<ListDay> {
        self.day(listed.place)
    }

    /// Every name, address and URL, in the order of the table's hashes; damaged ones are left out.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.count).filter_map(|place| self.at(place))
    }

    /// The day of every entry, in the order of the table's hashes.
    pub(super) fn days(&self) -> impl Iterator<Item = ListDay> {
        (0..self.count).filter_map(|place| self.day(place))
    }

    /// Every entry with its day; without its text where that is damaged.
    pub(super) fn all(&self) -> impl Iterator<Item = (Option<&str>, ListDay)> {
        (0..self.count).map(|place| self.at(place)).zip(self.days())
    }

    fn at(&self, place: usize) -> Option<&str> {
        let all = (*self.bytes).as_ref();
        let offset = all.get(self.offsets_start.checked_add(place.checked_mul(4)?)?..)?.first_chunk()?;
        let offset = usize::try_from(u32::from_le_bytes(*offset)).ok()?;
        let (length, rest) = all.get(HEADER_BYTES..self.offsets_start)?.get(offset..)?.split_first()?;
        let (length, rest) = match *length {
            LONG => rest.split_first_chunk().map(|(length, rest)| (u16::from_le_bytes(*length), rest))?,
            short => (u16::from(short), rest),
        };
        std::str::from_utf8(rest.get(..usize::from(length))?).ok()
    }

    fn day(&self, place: usize) -> Option<ListDay> {
        let all = (*self.bytes).as_ref();
        let day = all.get(self.days_start.checked_add(place.checked_mul(2)?)?..)?.first_chunk()?;
        Some(ListDay(u16::from_le_bytes(*day)))
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("count", &self.count).finish_non_exhaustive()
    }
}

/// Writes a names file while its table is gathered.
#[derive(Debug)]
pub(super) struct NamesWriter<W> {
    out: W,
    written: u32,
}

impl<W: Write> NamesWriter<W> {
    pub(super) fn new(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        out.write_all(&VERSION.to_le_bytes())?;
        Ok(Self { out, written: 0 })
    }

    /// Writes one entry, a host with the path behind it; gives its offset.
    pub(super) fn push(&mut self, host: &str, path: &str) -> Result<u32, BuildError> {
        let length = u16::try_from(host.len() + path.len()).map_err(|_| BuildError::LongUrl)?;
        let offset = self.written;
        let short = u8::try_from(length).ok().filter(|length| *length != LONG);
        let prefix = if short.is_some() { 1 } else { 3 };
        self.written = offset.checked_add(u32::from(length) + prefix).ok_or(BuildError::Names)?;
        match short {
            Some(length) => self.out.write_all(&[length])?,
            None => {
                self.out.write_all(&[LONG])?;
                self.out.write_all(&length.to_le_bytes())?;
            }
        }
        self.out.write_all(host.as_bytes())?;
        self.out.write_all(path.as_bytes())?;
        Ok(offset)
    }

    pub(super) fn finish(
        mut self,
        offsets: impl Iterator<Item = u32>,
        days: &[ListDay],
        table_checksum: u64,
    ) -> io::Result<()> {
        let mut count = 0u64;
        for offset in offsets {
            self.out.write_all(&offset.to_le_bytes())?;
            count += 1;
        }
        for day in days {
            self.out.write_all(&day.0.to_le_bytes())?;
        }
        self.out.write_all(&table_checksum.to_le_bytes())?;
        self.out.write_all(&count.to_le_bytes())?;
        self.out.flush()
    }
}
