//! Runs everything that reads an ENT's bytes over one document: the entry of the fuzz target and of its corpus.

use super::{
    cas_answer::{CasAnswer, read_logout},
    oidc::{Claims, Expected, Provider, Tokens},
};
use crate::model::Moment;

/// Reads `bytes` as an answer of a CAS server, as its word that somebody signed out, and as each document of OpenID Connect.
///
/// # Panics
/// When a value that was read is empty, or has a control character in it.
pub fn exercise(bytes: &[u8]) {
    if let Ok(CasAnswer::Success { user, attributes }) = CasAnswer::read(bytes) {
        for value in attributes.iter().map(|(_, value)| value).chain([&user]) {
            assert!(!value.trim().is_empty() && !value.chars().any(char::is_control), "{value:?}");
        }
    }
    let issuer = "https://ent.exemple.fr";
    drop((Provider::read(bytes, issuer), Tokens::read(bytes), Claims::of_userinfo(bytes, "1")));
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = read_logout(text);
        let now = Moment::from_unix_seconds(0);
        let expected = Expected { issuer, client_id: "preau", nonce: "1", now };
        let _ = Claims::of_id_token(text, expected);
    }
}
