//! What browsers and applications send to the box's CAS server: read strictly or refused, and led nowhere else by another
//! reader.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| preau::portal::exercise_cas(bytes));
