//! One-time codes (RFC 6238: SHA-1, six digits, thirty seconds, as every application for them knows), and the codes on
//! paper for the day the telephone is lost.
//!
//! A code is good in its own thirty seconds and those on either side. The step it was found in is kept with the person, and
//! no code of that step or an earlier one counts again: whoever saw it typed cannot type it a second time.

use std::fmt;

use anyhow::{Context as _, anyhow};
use preau::model::Moment;
use totp_rs::{Builder, Secret};

/// Bytes of a secret, as RFC 4226 recommends.
const KEY_BYTES: usize = 20;

/// How many recovery codes a person has.
pub const RECOVERY_CODES: usize = 10;

/// Letters of a recovery code, each of five bits: 80 bits, which no thief of the database tries through.
const RECOVERY_LETTERS: usize = 16;

/// Crockford's alphabet in small letters: nothing in it is mistaken for something else.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The secret that a person's telephone and central share.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeKey([u8; KEY_BYTES]);

impl fmt::Debug for CodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeKey")
    }
}

impl CodeKey {
    pub(super) fn draw() -> anyhow::Result<Self> {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).ok().context("the system has no randomness")?;
        Ok(Self(bytes))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> anyhow::Result<Self> {
        Ok(Self(bytes.try_into().context("a secret of one-time codes is malformed")?))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret for whoever types it: base32 in groups of four.
    #[must_use]
    pub fn typed(&self) -> String {
        let text = Secret::from(self.0).to_base32();
        let groups: Vec<String> =
            text.chars().collect::<Vec<_>>().chunks(4).map(|group| group.iter().collect()).collect();
        groups.join(" ")
    }

    /// The `otpauth://` address that applications read from a QR code, for `login` at `issuer`.
    ///
    /// # Errors
    /// When the names cannot stand in one.
    pub fn address(&self, login: &str, issuer: &str) -> anyhow::Result<String> {
        let plain = |text: &str| text.replace(':', " ");
        Builder::new()
            .with_secret(self.0)
            .with_account_name(plain(login))
            .with_issuer(Some(plain(issuer)))
            .build()
            .and_then(|totp| totp.to_url())
            .map_err(|cause| anyhow!("cannot write the address of one-time codes: {cause}"))
    }

    /// The step in which `code` is good, where there is one after `last`.
    #[must_use]
    pub(super) fn step(&self, code: &str, now: Moment, last: i64) -> Option<i64> {
        let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
        let seconds = u64::try_from(now.unix_seconds()).ok()?;
        let totp = Builder::new().with_secret(self.0).build().ok()?;
        let step = i64::try_from(totp.check(&code, seconds)?).ok()?;
        (step > last).then_some(step)
    }

    /// The code of the moment `now`: what a telephone would show. For tests and for the first look at a console.
    #[must_use]
    pub fn code_at(&self, now: Moment) -> String {
        let seconds = u64::try_from(now.unix_seconds()).unwrap_or(0);
        let totp = Builder::new().with_secret(self.0).build();
        totp.map(|totp| totp.generate(seconds).to_string()).unwrap_or_default()
    }
}

/// Draws the recovery codes of a person, each in four groups of four.
pub(super) fn draw_recovery() -> anyhow::Result<Vec<String>> {
    (0..RECOVERY_CODES)
        .map(|_| {
            let mut bytes = [0; RECOVERY_LETTERS];
            getrandom::fill(&mut bytes).ok().context("the system has no randomness")?;
            let letters: Vec<char> =
                bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
            let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
            Ok(groups.join("-"))
        })
        .collect()
}

/// What the database keeps of a recovery code; none where `typed` is none at all.
pub(super) fn recovery_digest(typed: &str) -> Option<Vec<u8>> {
    let letters: String = typed
        .chars()
        .filter(|letter| letter.is_ascii_alphanumeric())
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    (letters.len() == RECOVERY_LETTERS).then(|| blake3::hash(letters.as_bytes()).as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Moment = Moment::from_unix_seconds(1_795_417_500);

    #[test]
    fn a_code_is_good_for_its_step_and_its_neighbours_and_once_only() {
        let key = CodeKey::draw().unwrap();
        let code = key.code_at(NOW);
        let step = key.step(&code, NOW, 0).unwrap();
        let spaced = format!("{} {}", &code[..3], &code[3..]);
        assert_eq!(key.step(&spaced, NOW + Duration::from_secs(30), step - 1), Some(step));
        assert_eq!(key.step(&code, NOW, step), None, "the same code a second time");
        assert_eq!(key.step(&code, NOW + Duration::from_secs(90), 0), None);
        for wrong in ["", "12345", "abcdef", "1234567890123456789"] {
            assert_eq!(key.step(wrong, NOW, 0), None, "{wrong}");
        }
    }

    #[test]
    fn the_codes_are_those_of_the_standard() {
        // RFC 6238 appendix B, the last six of its eight digits.
        let key = CodeKey::from_bytes(b"12345678901234567890").unwrap();
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(key.code_at(Moment::from_unix_seconds(seconds)), code);
        }
        assert_eq!(key.typed(), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let address = key.address("camille", "Préau : Exemple").unwrap();
        assert!(address.starts_with("otpauth://totp/"), "{address}");
        assert!(address.contains("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{address}");
    }

    #[test]
    fn recovery_codes_differ_and_are_read_however_they_are_typed() {
        let codes = draw_recovery().unwrap();
        let mut sorted = codes.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), RECOVERY_CODES);
        let loud = codes[0].to_uppercase().replace('-', " ");
        assert_eq!(recovery_digest(&loud), recovery_digest(&codes[0]));
        assert_ne!(recovery_digest(&codes[0]), recovery_digest(&codes[1]));
        assert_eq!(recovery_digest("123456"), None);
    }
}
