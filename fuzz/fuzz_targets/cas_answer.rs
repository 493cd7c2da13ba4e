//! What an ENT answers, by CAS or by OpenID Connect: read strictly or refused, whatever it is.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| preau::enforce::ent::exercise(bytes));
