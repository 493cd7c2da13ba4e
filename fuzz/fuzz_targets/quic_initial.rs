#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| preau::enforce::quic::exercise(bytes));
