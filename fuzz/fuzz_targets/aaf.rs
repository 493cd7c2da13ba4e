//! Directories in XML (AAF, AAF-1D, GPEI): whatever the bytes, each record is read or refused, and persons are whole.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| preau::identity::feed::exercise_xml(bytes));
