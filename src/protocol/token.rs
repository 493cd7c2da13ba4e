//! The token that makes a machine the box of one school: given once by the console, as text, QR code or file.
//!
//! ```text
//! preau1.<base64url of the JSON below>.<the first 8 hexadecimal digits of its BLAKE3>
//! ```
//!
//! The last part tells a text that was copied badly before anything is sent. What makes the token a secret is `secret`;
//! what makes it safe to follow is `authority` and `root`: with them the box knows central and the channel when it first
//! meets them, and nobody in between can be either.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What every token begins with; the digit is the version.
const HEAD: &str = "preau1";

/// The longest token, in bytes.
const BYTES_MAX: usize = 2048;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Where central is, such as `https://central.ac-exemple.example:8443`.
    pub central: String,
    /// The school it is for.
    pub school: String,
    /// 128 bits in hexadecimal, good once.
    pub secret: String,
    /// SHA-256 of the certificate (DER) of the authority that signs central's own, in hexadecimal.
    pub authority: String,
    /// SHA-256 of the channel's first `root.json`, in hexadecimal.
    pub root: String,
}

/// Why a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// It is too long or does not begin as one.
    #[error("this is no enrolment token: it begins with `preau1.`")]
    NotAToken,
    /// A part is missing or a character is wrong.
    #[error("the token is incomplete or was copied badly; copy all of it, from `preau1.` to the end")]
    Damaged,
    /// It holds something else than this version knows.
    #[error("the token was made by another version of central")]
    Version,
}

impl Token {
    /// Reads a token; white space around and inside it, as mails and screens leave it, does not count.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn read(text: &str) -> Result<Self, TokenError> {
        if text.len() > BYTES_MAX * 2 {
            return Err(TokenError::NotAToken);
        }
        let text: String = text.split_whitespace().collect();
        let mut parts = text.split('.');
        match parts.next() {
            Some(HEAD) => {}
            Some(head) if head.starts_with("preau") => return Err(TokenError::Version),
            _ => return Err(TokenError::NotAToken),
        }
        let (Some(content), Some(check), None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(TokenError::Damaged);
        };
        let content = URL_SAFE_NO_PAD.decode(content).map_err(|_| TokenError::Damaged)?;
        if check != check_of(&content) {
            return Err(TokenError::Damaged);
        }
        serde_json::from_slice(&content).map_err(|_| TokenError::Version)
    }

    /// The token as text.
    #[must_use]
    pub fn text(&self) -> String {
        let content = serde_json::to_vec(self).expect("strings are always JSON");
        format!("{HEAD}.{}.{}", URL_SAFE_NO_PAD.encode(&content), check_of(&content))
    }
}

fn check_of(content: &[u8]) -> String {
    blake3::hash(content).to_hex().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        Token {
            central: "https://central.ac-exemple.example:8443".into(),
            school: "0809999Z".into(),
            secret: "00112233445566778899aabbccddeeff".into(),
            authority: "aa".repeat(32),
            root: "bb".repeat(32),
        }
    }

    #[test]
    fn a_token_is_read_as_it_was_written_also_when_a_mail_broke_its_lines() {
        let text = token().text();
        assert_eq!(Token::read(&text), Ok(token()));
        let (one, other) = text.split_at(40);
        assert_eq!(Token::read(&format!("  {one}\r\n{other}\n")), Ok(token()));
    }

    #[test]
    fn a_token_that_was_copied_badly_says_so() {
        let text = token().text();
        for end in 7..text.len() {
            assert_eq!(Token::read(&text[..end]), Err(TokenError::Damaged), "{end}");
        }
        assert_eq!(Token::read(""), Err(TokenError::NotAToken));
        assert_eq!(Token::read("bonjour"), Err(TokenError::NotAToken));
        assert_eq!(Token::read("preau2.aa.bb"), Err(TokenError::Version));
        assert_eq!(Token::read(&text.replacen("Z", "Y", 1)), Err(TokenError::Damaged));
    }
}
