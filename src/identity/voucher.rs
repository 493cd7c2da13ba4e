//! Vouchers: what a visitor signs in with. A code is ten characters of an alphabet in which no two look alike; the box
//! keeps its digest only.
//!
//! 32^10 codes are 50 bits: with a thousand vouchers out and the ten guesses a second that `attempts.rs` lets through in
//! all, one is guessed in three thousand years. The digest is keyed by its purpose alone; whoever has read the box's disk
//! could find the codes that are still good from their digests, and has had everything else by then.

use std::fmt;

use crate::model::{Account, Moment};

/// The characters of codes: no `I`, `O`, `0` or `1`, which are taken for each other.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// How many characters a code has.
const CODE_CHARACTERS: usize = 10;

/// The purpose that the digest of codes is bound to.
const PURPOSE: &str = "preau 2026 code of a visitor's voucher";

/// A voucher as sign-in needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Its holder, with [`crate::model::Role::Invite`] and an identifier of the voucher's own.
    pub account: Account,
    /// The digest of its code. Of two vouchers with one digest the later one counts.
    pub code: VoucherDigest,
    /// When it ends, and every session begun with it at the latest.
    pub until: Moment,
    /// Machines that may be signed in with it at once, at least one; the oldest gives way.
    pub machines_max: u8,
}

/// The code of a voucher, as printed once and as visitors type it. It prints nothing of itself by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct VoucherCode([u8; CODE_CHARACTERS]);

impl VoucherCode {
    /// A code nobody can foresee.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; CODE_CHARACTERS];
        getrandom::fill(&mut bytes)?;
        // 256 is a multiple of 32: every character is as likely as any other.
        Ok(Self(bytes.map(|byte| ALPHABET[usize::from(byte) % ALPHABET.len()])))
    }

    /// The code in what somebody typed: case, spaces and dashes do not count. None where it can be no code.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let mut code = [0; CODE_CHARACTERS];
        let mut count = 0;
        for character in typed.chars().filter(|character| !character.is_whitespace() && !is_dash(*character))
        {
            let upper = u8::try_from(character).ok()?.to_ascii_uppercase();
            *code.get_mut(count)? = *ALPHABET.iter().find(|known| **known == upper)?;
            count += 1;
        }
        (count == CODE_CHARACTERS).then_some(Self(code))
    }

    /// The code as it is printed: two groups of five joined by a dash.
    #[must_use]
    pub fn text(&self) -> String {
        let (first, second) = self.0.split_at(CODE_CHARACTERS / 2);
        format!("{}-{}", String::from_utf8_lossy(first), String::from_utf8_lossy(second))
    }

    /// What is kept of it.
    #[must_use]
    pub fn digest(&self) -> VoucherDigest {
        VoucherDigest(blake3::derive_key(PURPOSE, &self.0))
    }
}

/// What people type between groups: hyphens and the dashes that telephones make of them.
fn is_dash(character: char) -> bool {
    matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

impl fmt::Debug for VoucherCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VoucherCode")
    }
}

/// The digest of a voucher's code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VoucherDigest([u8; 32]);

impl VoucherDigest {
    /// The digest whose bytes were kept.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to keep.
    #[must_use]
    pub const fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for VoucherDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VoucherDigest")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = VoucherCode::parse("K7M2P-9XQRT").unwrap();
        for typed in ["k7m2p9xqrt", " K7M2P 9XQRT ", "k7-m2-p9-xq-rt", "K7M2P–9XQRT", "K7M2P\u{a0}9xqrt"] {
            assert_eq!(VoucherCode::parse(typed), Some(code.clone()), "{typed}");
        }
        assert_eq!(code.text(), "K7M2P-9XQRT");
    }

    #[test]
    fn what_can_be_no_code_is_none() {
        for typed in [
            "",
            "K7M2P9XQR",
            "K7M2P9XQRTT",
            "K7M2P9XQR0",
            "K7M2P9XQRI",
            "K7M2P9XQR1",
            "K7M2P9XQRO",
            "K7M2P9XQRé",
        ] {
            assert!(VoucherCode::parse(typed).is_none(), "{typed}");
        }
    }

    #[test]
    fn a_random_code_reads_back_and_its_digest_is_its_own() {
        let (one, other) = (VoucherCode::random().unwrap(), VoucherCode::random().unwrap());
        assert_eq!(VoucherCode::parse(&one.text()), Some(one.clone()));
        assert_ne!(one.digest(), other.digest());
        assert_eq!(VoucherDigest::from_bytes(one.digest().bytes()), one.digest());
        assert_eq!(format!("{one:?} {:?}", one.digest()), "VoucherCode VoucherDigest");
    }
}
