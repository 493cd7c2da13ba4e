//! Replays the fuzz corpora of central's readers in the ordinary build.

use std::{fs, path::Path};

use preau_central::{authority::Request, content::exercise_archive};

#[test]
fn certificate_requests_are_read_or_refused() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/certificate_request");
    let mut taken = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        taken += usize::from(Request::read(&String::from_utf8_lossy(&bytes)).is_ok());
    }
    assert!(taken > 0, "no request of the corpus is taken");
}

#[test]
fn archives_of_sites_are_packed_or_refused() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/content_archive");
    let mut packed = 0;
    for entry in fs::read_dir(dir).unwrap() {
        packed += usize::from(exercise_archive(&fs::read(entry.unwrap().path()).unwrap()));
    }
    assert_eq!(packed, 3, "what tar makes of a sound site, in its three forms, is taken");
}
