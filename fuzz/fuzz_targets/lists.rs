//! Lists of every format are read without harm, and what they list is found in the table.
#![no_main]

libfuzzer_sys::fuzz_target!(|list: &[u8]| preau::lists::exercise(list));
