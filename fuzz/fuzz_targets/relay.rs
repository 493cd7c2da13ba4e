//! What comes through the tunnel's way through TCP, from whoever opens a connection there.
#![no_main]

use preau::protocol::relay::{Frame, Frames, is_wireguard};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut frames = Frames::default();
    frames.feed(bytes);
    let mut held = 0;
    while let Ok(Some(frame)) = frames.take() {
        held += 2;
        if let Frame::Datagram(datagram) = frame {
            assert!(is_wireguard(&datagram));
            held += datagram.len();
        }
    }
    assert!(held <= bytes.len());
});
