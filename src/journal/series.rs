//! The files of one series: appended to, begun anew each day and each 64 MiB, never edited.
//!
//! A file is called `decisions-2026-11-23-0001.journal`: series, day in UTC, number within the day. When a file is
//! opened again, what follows its last whole record is moved to `decisions-2026-11-23-0001.at-4711.torn` beside it (4711
//! is the offset it stood at), so that appending goes on behind a whole record and nothing is lost from sight.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use tracing::{info, warn};

use super::segment::{HEADER_BYTES, Segment, SeriesName, header};
use crate::model::Moment;

/// A segment is closed before it grows beyond this, in bytes: small enough to be read whole into memory.
pub(super) const SEGMENT_BYTES_MAX: u64 = 64 << 20;

/// One series on disk.
#[derive(Debug)]
pub(super) struct Series {
    dir: PathBuf,
    name: SeriesName,
    segment_bytes_max: u64,
    /// The segment being written; none before the first record, or when its end is not certain.
    current: Option<Current>,
}

#[derive(Debug)]
struct Current {
    file: Arc<File>,
    day: i64,
    /// The end of the last whole record, which is the end of the file.
    length: u64,
}

impl Series {
    /// The series `name` in `dir`. The newest segment's torn end is moved aside; a failure of that is logged and met
    /// again at the first record.
    pub(super) fn open(dir: PathBuf, name: SeriesName, segment_bytes_max: u64) -> Self {
        let series = Self { dir, name, segment_bytes_max, current: None };
        if let Err(cause) = series.mend_newest() {
            warn!(series = name.word(), cause = %cause, "cannot check the newest segment of the journal");
        }
        series
    }

    /// Writes `frames`, whole ones, behind the last record; on an error the file ends where it ended before.
    pub(super) fn append(&mut self, frames: &[u8], now: Moment) -> io::Result<()> {
        if frames.is_empty() {
            return Ok(());
        }
        let added = u64::try_from(frames.len()).map_err(io::Error::other)?;
        let current = self.segment_for(now, added)?;
        match (&*current.file).write_all(frames) {
            Ok(()) => {
                current.length += added;
                Ok(())
            }
            Err(cause) => {
                self.cut_back(0);
                Err(cause)
            }
        }
    }

    /// Whether `frames` go into the open segment at `now`: then appending them is one `write`, and nothing else.
    pub(super) fn has_room_for(&self, frames: &[u8], now: Moment) -> bool {
        let day = super::pseudonym::day_of(now);
        frames.is_empty()
            || self.current.as_ref().is_some_and(|current| {
                let added = u64::try_from(frames.len()).unwrap_or(u64::MAX);
                current.day == day && current.length.saturating_add(added) <= self.segment_bytes_max
            })
    }

    /// Takes back the last `bytes` bytes appended, because the other series could not be written.
    pub(super) fn take_back(&mut self, bytes: usize) {
        self.cut_back(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// Forgets the open file: it is checked from its beginning before anything more is written.
    pub(super) fn distrust(&mut self) {
        self.current = None;
    }

    /// The file being written, for bringing it to the disk.
    pub(super) fn file(&self) -> Option<Arc<File>> {
        self.current.as_ref().map(|current| current.file.clone())
    }

    fn cut_back(&mut self, bytes: u64) {
        let Some(current) = &mut self.current else { return };
        let length = current.length.saturating_sub(bytes);
        match current.file.set_len(length) {
            Ok(()) => current.length = length,
            // What stands at its end is unknown: the next record checks the file first.
            Err(_) => self.current = None,
        }
    }

    /// The segment that takes `added` more bytes at `now`.
    fn segment_for(&mut self, now: Moment, added: u64) -> io::Result<&mut Current> {
        let day = super::pseudonym::day_of(now);
        let full = |current: &Current| current.length.saturating_add(added) > self.segment_bytes_max;
        if self.current.as_ref().is_none_or(|current| current.day != day || full(current)) {
            // What was answered from the old segment is on the disk before the new one begins.
            if let Some(old) = self.current.take() {
                old.file.sync_data()?;
            }
            let last = self.last_of(day)?;
            let continued = match last {
                Some(number) => self.continue_segment(day, number)?.filter(|current| !full(current)),
                None => None,
            };
            self.current = Some(match continued {
                Some(current) => current,
                None => self.begin_segment(day, last.map_or(1, |number| number.saturating_add(1)), now)?,
            });
        }
        self.current.as_mut().ok_or_else(|| io::Error::other("no segment"))
    }

    fn begin_segment(&self, day: i64, number: u32, now: Moment) -> io::Result<Current> {
        let path = self.path(day, number);
        let file = OpenOptions::new().append(true).read(true).create_new(true).mode(0o600).open(&path)?;
        let begun = (&file)
            .write_all(&header(self.name, number, now))
            .and_then(|()| file.sync_data())
            .and_then(|()| File::open(&self.dir)?.sync_all());
        if let Err(cause) = begun {
            // A segment without its header would only be in the way. Removing needs no room.
            let _ = fs::remove_file(&path);
            return Err(cause);
        }
        info!(series = self.name.word(), number, "segment of the journal begun");
        let length = u64::try_from(HEADER_BYTES).map_err(io::Error::other)?;
        Ok(Current { file: Arc::new(file), day, length })
    }

    /// Opens an existing segment behind its last whole record; none where its header is not ours to continue.
    fn continue_segment(&self, day: i64, number: u32) -> io::Result<Option<Current>> {
        let path = self.path(day, number);
        let Some(length) = mend(&path, self.name)? else { return Ok(None) };
        let file = OpenOptions::new().append(true).read(true).open(&path)?;
        Ok(Some(Current { file: Arc::new(file), day, length }))
    }

    fn mend_newest(&self) -> io::Result<()> {
        let mut newest = None;
        self.each(|day, number| newest = newest.take().max(Some((day.to_owned(), number))))?;
        match newest {
            Some((day, number)) => mend(&self.dir.join(self.file_name(&day, number)), self.name).map(drop),
            None => Ok(()),
        }
    }

    /// The highest number of a segment of `day`.
    fn last_of(&self, day: i64) -> io::Result<Option<u32>> {
        let wanted = day_text(day);
        let mut last = None;
        self.each(|day, number| {
            if day == wanted {
                last = last.max(Some(number));
            }
        })?;
        Ok(last)
    }

    /// Calls `see` with the day and number of every segment of the series.
    fn each(&self, mut see: impl FnMut(&str, u32)) -> io::Result<()> {
        for entry in fs::read_dir(&self.dir)? {
            let name = entry?.file_name();
            let Some((day, number)) = name
                .to_str()
                .and_then(|name| name.strip_prefix(self.name.word())?.strip_prefix('-'))
                .and_then(|rest| rest.strip_suffix(".journal")?.rsplit_once('-'))
            else {
                continue;
            };
            if let Ok(number) = number.parse() {
                see(day, number);
            }
        }
        Ok(())
    }

    fn path(&self, day: i64, number: u32) -> PathBuf {
        self.dir.join(self.file_name(&day_text(day), number))
    }

    fn file_name(&self, day: &str, number: u32) -> String {
        format!("{}-{day}-{number:04}.journal", self.name)
    }
}

/// The civil date of a day, such as `2026-11-23`.
fn day_text(day: i64) -> String {
    jiff::Timestamp::from_second(day.saturating_mul(86_400))
        .map_or_else(|_| format!("day{day}"), |midnight| midnight.strftime("%Y-%m-%d").to_string())
}

/// Moves what follows the last whole record of the segment at `path` to a file beside it, and says where the segment then
/// ends. None, and nothing touched, where the header is cut, changed, of a later version or of another series.
fn mend(path: &Path, name: SeriesName) -> io::Result<Option<u64>> {
    let bytes = fs::read(path)?;
    let Ok(segment) = Segment::read(&bytes) else { return Ok(None) };
    if segment.series != name {
        return Ok(None);
    }
    let whole = segment.whole_bytes();
    let length = u64::try_from(whole).map_err(io::Error::other)?;
    let torn = &bytes[whole..];
    if !torn.is_empty() {
        let torn_path = path.with_extension(format!("at-{whole}.torn"));
        let mut aside = OpenOptions::new().append(true).create(true).mode(0o600).open(torn_path)?;
        aside.write_all(torn)?;
        aside.sync_all()?;
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()?;
        warn!(series = name.word(), bytes = torn.len(), "torn end of a segment of the journal moved aside");
    }
    Ok(Some(length))
}
