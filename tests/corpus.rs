//! Replays every fuzz corpus in the ordinary build: nothing in it may panic, hang, or be forgotten by a target.

use std::{fs, path::Path};

/// Runs `target` on each file of `fuzz/corpus/<name>/`, at least one.
fn replay(name: &str, target: impl Fn(&[u8])) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut count = 0;
    for entry in fs::read_dir(&dir).unwrap_or_else(|error| panic!("cannot read {}: {error}", dir.display())) {
        target(&fs::read(entry.unwrap().path()).unwrap());
        count += 1;
    }
    assert!(count > 0, "{} is empty", dir.display());
}

#[test]
fn journal_records_from_anywhere_are_read_or_refused() {
    use preau::journal::{Record, Segment};
    replay("journal_record", |bytes| {
        if let Ok(segment) = Segment::read(bytes) {
            assert!(segment.records().count() <= bytes.len());
        }
        let _ = Record::decode(bytes);
    });
}
