//! The token of an enrolment, as somebody pastes it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use preau::protocol::Token;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(token) = Token::read(&String::from_utf8_lossy(bytes)) {
        assert_eq!(Token::read(&token.text()), Ok(token));
    }
});
