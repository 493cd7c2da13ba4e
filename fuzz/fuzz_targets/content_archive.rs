//! An archive of a site, as a technician gives it.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = preau_central::content::exercise_archive(bytes);
});
