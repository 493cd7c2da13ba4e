//! A category table of any bytes: opened or refused, and whatever it then says, no question may harm the box.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| preau::policy::category::exercise(bytes));
