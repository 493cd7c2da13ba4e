//! Secrets that are drawn and shown once: of sessions, of links, of the step between password and code. The database keeps
//! their digests, so that whoever reads it can come in by none of them.

use std::fmt;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// 256 bits.
const BYTES: usize = 32;

/// A drawn secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; BYTES]);

impl Token {
    /// Draws one.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn draw() -> anyhow::Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).ok().context("the system has no randomness")?;
        Ok(Self(bytes))
    }

    /// Reads one as [`Token::text`] writes it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut bytes = [0; BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (length == BYTES).then_some(Self(bytes))
    }

    /// The secret as text, for a cookie or a link.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What the database keeps of it.
    pub(super) fn digest(&self) -> Vec<u8> {
        blake3::hash(&self.0).as_bytes().to_vec()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_written_and_never_shown_by_accident() {
        let token = Token::draw().unwrap();
        assert_eq!(Token::read(&token.text()), Some(token.clone()));
        assert_eq!(format!("{token:?}"), "Token");
        for text in ["", "abc", &"A".repeat(42), &"A".repeat(44), &"!".repeat(43), &"A".repeat(9000)] {
            assert_eq!(Token::read(text), None, "{text}");
        }
    }
}
