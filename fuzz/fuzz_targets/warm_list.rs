//! Lists of what the ENT's cache fetches ahead: sitemaps, their indexes, manifests, packed or not.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| preau::ent::warm::exercise(bytes));
