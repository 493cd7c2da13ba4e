//! The table of a site of files: what is read lies inside the package.

#![no_main]

use preau::library::web::Table;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let length = u64::try_from(bytes.len()).unwrap();
    if let Ok(table) = Table::read(&mut &*bytes, length) {
        let (_, first) = table.find("").expect("a package has a first page");
        assert!(first.start <= first.end && first.end <= length);
    }
});
