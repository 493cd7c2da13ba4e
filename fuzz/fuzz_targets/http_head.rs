//! The first bytes of an HTTP connection, as any machine in the school may send them: a head, and a chunked body.
#![no_main]

use preau::enforce::proxy::http::{Chunked, Framing, read_request};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(Some((head, length))) = read_request(bytes)
        && head.framing == Framing::Chunked
    {
        let _ = Chunked::default().read(&bytes[length..]);
    }
});
