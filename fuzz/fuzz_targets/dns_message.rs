//! Whatever arrives at the resolver, from an asker or from upstream, is read without harm.
#![no_main]

libfuzzer_sys::fuzz_target!(|message: &[u8]| preau::enforce::dns::exercise(message));
