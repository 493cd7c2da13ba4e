//! Counts of a day, as a box sends them: whatever the bytes, they are read within their bounds or refused.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(counts) = preau::protocol::counts::DayCounts::read(bytes) {
        let again = serde_json::to_vec(&counts).expect("counts can be written");
        assert_eq!(preau::protocol::counts::DayCounts::read(&again), Ok(counts));
    }
});
