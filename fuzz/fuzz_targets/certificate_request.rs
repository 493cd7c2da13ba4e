//! The certificate request of a box, as central reads it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use preau_central::authority::Request;

fuzz_target!(|bytes: &[u8]| {
    let _ = Request::read(&String::from_utf8_lossy(bytes));
});
