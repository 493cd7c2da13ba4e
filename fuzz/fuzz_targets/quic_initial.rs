//! The first flight of a QUIC connection, and what comes behind it, is read without harm.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| preau::enforce::quic::exercise(bytes));
