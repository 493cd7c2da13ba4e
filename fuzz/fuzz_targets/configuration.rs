//! Configurations: whatever the text, its form is sound or refused with every problem.
#![no_main]

use std::path::Path;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = preau::config::check_form(Path::new("preau.toml"), text);
    }
});
