//! Folders of lists as they go wrong, and what the technician who builds a table of them reads.
//!
//! Each directory of `tests/lists/faults/` is named by one fault. It holds the folder `lists`, sometimes the lists of the
//! table `before`, and in `expected` the whole report and whether a table was built. After an intended change of messages:
//! `PREAU_GOLDEN=write cargo test --test lists`, then read the difference. What no repository can hold (pipes, links out
//! of the tree, gigabytes) is made by the tests in `src/lists/tests/`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use preau::lists::{self, Options};

/// 2026-11-20T00:00:00Z, the date of all these lists.
const LISTS_SECONDS: u64 = 1_795_132_800;

#[test]
fn every_fault_of_a_folder_is_reported_with_its_place_and_remedy() {
    let faults = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lists/faults");
    let mut count = 0;
    for entry in fs::read_dir(faults).unwrap() {
        let dir = entry.unwrap().path();
        compare(&dir.join("expected"), &outcome(&dir));
        count += 1;
    }
    assert!(count >= 16, "only {count} faults");
}

/// What building the folder of a fault comes to.
fn outcome(fault: &Path) -> String {
    let place = tempfile::tempdir().unwrap();
    let (folder, out) = (place.path().join("lists"), place.path().join("categories.table"));
    if fault.join("before").is_dir() {
        copy_dir(&fault.join("before"), &folder);
        assert!(lists::build(&folder, &out, &Options::default()).unwrap().refusals.is_empty());
        fs::remove_dir_all(&folder).unwrap();
    }
    let before = fs::read(&out).ok();
    copy_dir(&fault.join("lists"), &folder);
    let text = match lists::build(&folder, &out, &Options::default()) {
        Ok(report) => report.to_string(),
        Err(error) => format!("error: {error:#}\n"),
    };
    let is_built = fs::read(&out).ok() != before;
    let text = text.replace(&place.path().display().to_string(), "…");
    format!("{text}{}\n", if is_built { "(built)" } else { "(not built)" })
}

/// Copies a directory, and gives every file the date of the lists.
fn copy_dir(from: &Path, to: &PathBuf) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let copy = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &copy);
        } else {
            fs::write(&copy, fs::read(entry.path()).unwrap()).unwrap();
            let file = File::options().append(true).open(&copy).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(LISTS_SECONDS)).unwrap();
        }
    }
}

fn compare(path: &Path, text: &str) {
    if std::env::var_os("PREAU_GOLDEN").is_some_and(|word| word == "write") {
        fs::write(path, text).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(text, expected, "{} holds another text", path.display());
}
