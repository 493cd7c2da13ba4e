//! The list of pieces of a package: what is read is written as it came.

#![no_main]

use preau::protocol::chunks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(list) = chunks::read(bytes) {
        assert_eq!(chunks::write(&list), bytes);
    }
});
