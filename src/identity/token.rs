//! What a browser proves a session by: 32 random bytes in a cookie, of which the box keeps only the digest.
//!
//! The token never stands for the machine before the filter. It takes a session along when the machine's hardware address
//! changed, and it tells the box's CAS server which browser asks.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// How many bytes a token has: nobody guesses one of 2^256.
const TOKEN_BYTES: usize = 32;

/// The secret of one session, for the browser that signed in. It prints nothing of itself.
#[derive(Clone)]
pub struct SessionToken([u8; TOKEN_BYTES]);

impl SessionToken {
    /// A token nobody had before.
    ///
    /// # Errors
    /// When the system has no randomness: no session then begins.
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; TOKEN_BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The token that a cookie holds as `text`; none where it can be no token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// The token as a cookie holds it: 43 of `A-Z`, `a-z`, `0-9`, `-` and `_`.
    #[must_use]
    pub fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// What is kept of it.
    pub(super) fn digest(&self) -> TokenDigest {
        TokenDigest(*blake3::hash(&self.0).as_bytes())
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken")
    }
}

/// The digest of a token. Whoever reads it has no token; a comparison that takes longer tells of the digest alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenDigest(pub(super) [u8; 32]);

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_prints_nothing() {
        let token = SessionToken::random().unwrap();
        let text = token.text();
        assert_eq!(text.len(), 43);
        assert_eq!(SessionToken::parse(&text).unwrap().digest(), token.digest());
        assert_eq!(format!("{token:?} {:?}", token.digest()), "SessionToken TokenDigest");
        assert_ne!(SessionToken::random().unwrap().text(), text);
    }

    #[test]
    fn what_can_be_no_token_is_none() {
        let text = SessionToken::random().unwrap().text();
        for wrong in
            ["", "abc", &text[1..], &format!("{text}A"), &format!("{text}="), &text.replace(&text[..1], "é")]
        {
            assert!(SessionToken::parse(wrong).is_none(), "{wrong}");
        }
    }
}
