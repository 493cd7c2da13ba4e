//! What central keeps of the persons of a school: the lines of what it was given last, closed.
//!
//! ```text
//! 12 bytes   nonce
//! the rest   the lines, compressed (zstd), under AES-256-GCM-SIV; school and origin are bound to them
//! ```
//!
//! The key is derived from the signing key of the role `accounts`: every instance has it, no backup of the database does.
//! Where that key was replaced, what was kept cannot be opened, which is as good as none: the next feed is sent whole.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _},
};

use anyhow::Context as _;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use preau::{
    model::Uai,
    protocol::delivery::{BYTES_MAX, Line},
};

/// How hard zstd tries.
const LEVEL: i32 = 9;

/// Somebody as their school was told of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// The word of their role.
    pub(super) role: String,
    /// The line of the delivery.
    pub(super) line: String,
}

/// The persons of a school of one origin, by their identifiers.
pub(super) type Lines = BTreeMap<String, Told>;

/// What closes and opens.
#[derive(Debug)]
pub(super) struct Lock(RandomizedNonceKey);

impl Lock {
    /// The lock of `key`.
    ///
    /// # Errors
    /// When the cipher cannot be had.
    pub(super) fn new(key: &[u8; 32]) -> anyhow::Result<Self> {
        RandomizedNonceKey::new(&AES_256_GCM_SIV, key)
            .map(Self)
            .ok()
            .context("cannot use the key of accounts")
    }

    /// Closes `lines` as those of `school` from `origin`.
    ///
    /// # Errors
    /// When they cannot be compressed or encrypted.
    pub(super) fn close(&self, school: &Uai, origin: &str, lines: &Lines) -> anyhow::Result<Vec<u8>> {
        let mut text = String::new();
        for told in lines.values() {
            text.push_str(&told.line);
            text.push('\n');
        }
        let mut content = zstd::encode_all(text.as_bytes(), LEVEL)?;
        let nonce = self.0.seal_in_place_append_tag(bound(school, origin), &mut content);
        let nonce = nonce.ok().context("cannot close the persons of a school")?;
        Ok([nonce.as_ref().as_slice(), &content].concat())
    }

    /// Opens what was closed for `school` and `origin`; none where it was closed by another key or is damaged.
    pub(super) fn open(&self, school: &Uai, origin: &str, closed: &[u8]) -> Option<Lines> {
        let (nonce, content) = closed.split_first_chunk::<NONCE_LEN>()?;
        let mut content = content.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let text = self.0.open_in_place(nonce, bound(school, origin), &mut content).ok()?;
        let decoder = zstd::Decoder::new(&*text).ok()?;
        let lines = BufReader::new(decoder.take(BYTES_MAX)).lines();
        lines.map(|line| entry(line.ok()?)).collect()
    }
}

/// The identifier and what is told of them; none where the line tells of nobody.
pub(super) fn entry(line: String) -> Option<(String, Told)> {
    match serde_json::from_str(&line).ok()? {
        Line::Person(person) => Some((person.id, Told { role: person.role, line })),
        Line::Leaves(_) => None,
    }
}

fn bound(school: &Uai, origin: &str) -> Aad<Vec<u8>> {
    Aad::from(format!("preau-central accounts 1 {} {origin}", school.as_str()).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uai(text: &str) -> Uai {
        Uai::new(text).unwrap()
    }

    #[test]
    fn what_is_closed_opens_by_its_key_for_its_school_and_origin_alone() {
        let line = r#"{"person":{"id":"P1","family_name":"EXEMPLE","given_name":"Ada","role":"eleve"}}"#;
        let lines: Lines = [entry(line.to_owned()).unwrap()].into();
        let (lock, other) = (Lock::new(&[1; 32]).unwrap(), Lock::new(&[2; 32]).unwrap());
        let here = uai("0809999Z");
        let closed = lock.close(&here, "csv", &lines).unwrap();
        assert_eq!(lock.open(&here, "csv", &closed), Some(lines.clone()));
        assert_eq!(other.open(&here, "csv", &closed), None);
        assert_eq!(lock.open(&uai("0800001A"), "csv", &closed), None);
        assert_eq!(lock.open(&here, "onde", &closed), None);
        let text = String::from_utf8_lossy(&closed).into_owned();
        assert!(!text.contains("EXEMPLE") && !text.contains("P1"));
        for end in 0..closed.len() {
            assert_eq!(lock.open(&here, "csv", &closed[..end]), None, "{end}");
        }
        assert_ne!(
            lock.close(&here, "csv", &lines).unwrap(),
            closed,
            "the same persons are not told by it either"
        );
    }
}
