//! Lists of people in CSV (ONDE, described ones): whatever the bytes, each line is read or refused, and persons are whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| preau::identity::feed::exercise_csv(bytes));
