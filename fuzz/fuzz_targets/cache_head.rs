//! Heads of kept responses, as a damaged disk may give them back.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| preau::ent::exercise_head(bytes));
