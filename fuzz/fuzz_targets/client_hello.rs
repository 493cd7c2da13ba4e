//! The first bytes of a TLS connection, as any machine in the school may send them.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = preau::enforce::proxy::client_hello::read(bytes);
});
