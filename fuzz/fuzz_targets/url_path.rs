#![no_main]

use preau::model::UrlPath;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let path = UrlPath::from(text);
        assert_eq!(UrlPath::from(path.as_str()), path);
        assert!(path.prefixes().count() <= UrlPath::SEGMENTS_MAX);
        let _ = UrlPath::climbs(text);
    }
});
