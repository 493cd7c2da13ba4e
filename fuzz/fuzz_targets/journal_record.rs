//! A segment of the journal from anywhere, and the same bytes as one record whose checksum held.
#![no_main]

use libfuzzer_sys::fuzz_target;
use preau::journal::{Record, Segment};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(segment) = Segment::read(bytes) {
        assert!(segment.records().count() <= bytes.len());
    }
    let _ = Record::decode(bytes);
});
