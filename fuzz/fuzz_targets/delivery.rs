//! A delivery of accounts, as it is once it was opened.

#![no_main]

use libfuzzer_sys::fuzz_target;
use preau::protocol::delivery;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(read) = delivery::read(bytes) {
        let lines: Vec<String> = read.lines.iter().filter_map(|line| line.text().ok()).collect();
        if let Ok(again) = delivery::write(&read.header, lines.iter().map(String::as_str)) {
            assert_eq!(delivery::read(&again), Ok(read));
        }
    }
});
