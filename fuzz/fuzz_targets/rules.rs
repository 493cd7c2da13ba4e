//! Rules files: whatever the text, it is read or refused with a line.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = preau::policy::RuleFile::parse(text);
    }
});
