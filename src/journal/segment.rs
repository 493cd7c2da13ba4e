//! A segment: one file of one series, a header and then frames (see `record.rs`) to its end.
//!
//! ```text
//! header   0  8  the letters `PREAUJRN`
//!          8  1  version: 1
//!          9  1  series: 1 decisions, 2 presences
//!         10  2  zero
//!         12  4  the segment's number within its day, from 1
//!         16  8  when it was begun, milliseconds since 1970-01-01T00:00:00 UTC, signed
//!         24  4  zero
//!         28  4  low 32 bits of XXH3-64 over the 28 bytes before
//! ```
//!
//! Integers are little-endian. A reader stops at the first damage: what lies behind it has no trustworthy beginning.

use std::fmt;

use thiserror::Error;

use super::record::{FRAME_HEAD_BYTES, PAYLOAD_BYTES_MIN, Record, checksum, low_half};
use crate::model::Moment;

/// The length of the header in bytes.
pub(super) const HEADER_BYTES: usize = 32;

const MAGIC: &[u8; 8] = b"PREAUJRN";
const VERSION: u8 = 1;

/// Which of the two records a segment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesName {
    /// Where, never who.
    Decisions,
    /// Who, never where.
    Presences,
}

impl SeriesName {
    /// The word of file names: `decisions`, `presences`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Decisions => "decisions",
            Self::Presences => "presences",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Decisions => 1,
            Self::Presences => 2,
        }
    }
}

impl fmt::Display for SeriesName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where a segment stops making sense, and how.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{what} at byte {offset}")]
pub struct Damage {
    /// The offset of the header or frame that is not whole, in bytes.
    pub offset: usize,
    /// What is wrong with it.
    pub what: &'static str,
}

/// A segment in memory, its header read.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// The series it belongs to.
    pub series: SeriesName,
    /// Its number within its day.
    pub number: u32,
    /// When it was begun.
    pub begun_at: Moment,
    bytes: &'a [u8],
}

impl<'a> Segment<'a> {
    /// Reads the header of the segment that `bytes` holds, a whole file.
    ///
    /// # Errors
    /// When the header is cut, changed, of a later version, or of no journal at all.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Damage> {
        let damage = |what| Damage { offset: 0, what };
        let header: &[u8; HEADER_BYTES] = bytes.first_chunk().ok_or(damage("cut header"))?;
        if !header.starts_with(MAGIC) {
            return Err(damage("no segment of a journal"));
        }
        if header[28..] != low_half(xxhash_rust::xxh3::xxh3_64(&header[..28])) {
            return Err(damage("changed header"));
        }
        let [.., version, series, zero_a, zero_b] = *header.first_chunk::<12>().expect("32 bytes hold 12");
        if version != VERSION {
            return Err(damage("header of another version"));
        }
        let series = [SeriesName::Decisions, SeriesName::Presences]
            .into_iter()
            .find(|known| known.number() == series)
            .ok_or(damage("header of an unknown series"))?;
        if [zero_a, zero_b] != [0; 2] || header[24..28] != [0; 4] {
            return Err(damage("header with bytes that version 1 does not write"));
        }
        let number = header[12..].first_chunk().expect("4 of 20 bytes");
        let begun_at = header[16..].first_chunk().expect("8 of 16 bytes");
        Ok(Self {
            series,
            number: u32::from_le_bytes(*number),
            begun_at: Moment::from_unix_milliseconds(i64::from_le_bytes(*begun_at)),
            bytes,
        })
    }

    /// The records in the order they were written, up to the end or the first damage.
    #[must_use]
    pub fn records(&self) -> Records<'a> {
        Records { bytes: self.bytes, offset: HEADER_BYTES }
    }

    /// How many bytes from the beginning are the header and whole frames, of known kinds or not.
    pub(super) fn whole_bytes(&self) -> usize {
        let mut records = self.records();
        while let Some(Ok(_)) = records.frame() {}
        records.offset
    }
}

/// The bytes of a header.
pub(super) fn header(series: SeriesName, number: u32, begun_at: Moment) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(MAGIC);
    header[8] = VERSION;
    header[9] = series.number();
    header[12..16].copy_from_slice(&number.to_le_bytes());
    header[16..24].copy_from_slice(&begun_at.unix_milliseconds().to_le_bytes());
    let checksum = low_half(xxhash_rust::xxh3::xxh3_64(&header[..28]));
    header[28..].copy_from_slice(&checksum);
    header
}

/// The records of a segment. After a damage there is nothing more.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Records<'a> {
    /// The payload of the next frame; the offset moves past it only when it is whole.
    fn frame(&mut self) -> Option<Result<&'a [u8], Damage>> {
        let rest = self.bytes.get(self.offset..).filter(|rest| !rest.is_empty())?;
        Some(match whole_payload(rest) {
            Ok(payload) => {
                self.offset += FRAME_HEAD_BYTES + payload.len();
                Ok(payload)
            }
            Err(what) => Err(Damage { offset: self.offset, what }),
        })
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let offset = self.offset;
        let record = self.frame()?.and_then(|payload| {
            Record::decode(payload).ok_or(Damage { offset, what: "record with impossible fields" })
        });
        if record.is_err() {
            self.bytes = &[];
        }
        Some(record)
    }
}

/// The payload of the frame that `bytes` begin with.
fn whole_payload(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let (head, rest): (&[u8; FRAME_HEAD_BYTES], _) = bytes.split_first_chunk().ok_or("cut frame")?;
    let [low, high, sum @ ..] = *head;
    let length = usize::from(u16::from_le_bytes([low, high]));
    let payload = rest.get(..length).ok_or("cut frame")?;
    if length < PAYLOAD_BYTES_MIN || checksum([low, high], payload) != sum {
        return Err("changed frame");
    }
    Ok(payload)
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

    use super::{
        super::record::{
            put_clock_stepped, put_decision, put_presence,
            tests::{decisions, presences},
        },
        *,
    };

    /// A segment of some records of every kind, and where each of them ends.
    fn segment() -> (Vec<u8>, Vec<Record>, Vec<usize>) {
        let at = Moment::from_unix_seconds(1_800_000_000);
        let mut bytes = header(SeriesName::Decisions, 7, at).to_vec();
        let mut records = Vec::new();
        let mut ends = vec![bytes.len()];
        let mut runner = TestRunner::deterministic();
        for _ in 0..6 {
            let decision = decisions().new_tree(&mut runner).unwrap().current();
            put_decision(&mut bytes, &decision);
            records.push(Record::Decision(decision));
            ends.push(bytes.len());
            let presence = presences().new_tree(&mut runner).unwrap().current();
            put_presence(&mut bytes, &presence).unwrap();
            records.push(Record::Presence(presence));
            ends.push(bytes.len());
            put_clock_stepped(&mut bytes, at, -5000);
            records.push(Record::ClockStepped { at, milliseconds: -5000 });
            ends.push(bytes.len());
        }
        (bytes, records, ends)
    }

    #[test]
    fn a_segment_reads_back_whole() {
        let (bytes, records, _) = segment();
        let segment = Segment::read(&bytes).unwrap();
        assert_eq!((segment.series, segment.number), (SeriesName::Decisions, 7));
        assert_eq!(segment.begun_at, Moment::from_unix_seconds(1_800_000_000));
        assert_eq!(segment.records().collect::<Result<Vec<_>, _>>().unwrap(), records);
        assert_eq!(segment.whole_bytes(), bytes.len());
    }

    #[test]
    fn every_truncation_ends_at_the_last_whole_record() {
        let (bytes, records, ends) = segment();
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            let Ok(segment) = Segment::read(cut) else {
                assert!(length < HEADER_BYTES);
                continue;
            };
            let whole = ends.iter().filter(|end| **end <= length).count() - 1;
            let mut read = segment.records();
            for record in &records[..whole] {
                assert_eq!(read.next().unwrap().as_ref(), Ok(record));
            }
            let damage =
                (length > ends[whole]).then_some(Err(Damage { offset: ends[whole], what: "cut frame" }));
            assert_eq!(read.next(), damage, "cut at {length}");
            assert_eq!(read.next(), None);
            assert_eq!(segment.whole_bytes(), ends[whole]);
        }
    }

    #[test]
    fn every_changed_byte_is_noticed_at_its_record() {
        let (bytes, records, ends) = segment();
        for at in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                let Ok(segment) = Segment::read(&changed) else {
                    assert!(at < HEADER_BYTES);
                    continue;
                };
                let before = ends.iter().filter(|end| **end <= at).count() - 1;
                let read: Vec<_> = segment.records().collect();
                let (last, good) = read.split_last().unwrap();
                assert_eq!(last.as_ref().unwrap_err().offset, ends[before], "byte {at}");
                assert_eq!(good.len(), before);
                assert!(good.iter().zip(&records).all(|(read, written)| read.as_ref() == Ok(written)));
            }
        }
    }

    #[test]
    fn zeros_behind_the_last_record_are_no_record() {
        let (mut bytes, records, ends) = segment();
        bytes.extend_from_slice(&[0; 4096]);
        let segment = Segment::read(&bytes).unwrap();
        assert_eq!(segment.whole_bytes(), *ends.last().unwrap());
        assert_eq!(segment.records().count(), records.len() + 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let whole = [&header(SeriesName::Presences, 1, Moment::from_unix_seconds(0))[..], &bytes].concat();
            for file in [&bytes[..], &whole] {
                if let Ok(segment) = Segment::read(file) {
                    prop_assert!(segment.records().count() <= file.len());
                }
            }
        }
    }
}
