//! Questions for the time, as any machine in the school may send them.
#![no_main]

use preau::{
    enforce::ntp::reply,
    model::Moment,
    system::synchronisation::{Leap, Synchronisation},
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let now = Moment::from_unix_seconds(1_795_439_100);
    let held = Synchronisation::Synchronised { error_max: std::time::Duration::from_secs(1), leap: Leap::None };
    for synchronisation in [Synchronisation::Unsynchronised, held] {
        if let Some(answer) = reply(bytes, now, now, synchronisation) {
            assert!(answer.len() <= bytes.len());
        }
    }
});
