//! The number on a receipt, which is also the key by which the ENT knows a request that comes twice.

use std::fmt;

/// Letters and digits that nobody takes for each other on paper (Crockford's base 32).
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 80 bits: nobody meets another's number by chance, and it can be read out over a telephone.
const BYTES: usize = 10;

/// How many digits a number has.
const LENGTH: usize = BYTES * 8 / 5;

/// How many digits stand together.
const GROUP: usize = 4;

/// A receipt's number, such as `7K2M-9QFX-04TB-ZD1A`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Receipt(String);

impl Receipt {
    /// A number nobody had before.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(in crate::ent) fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self::of(bytes))
    }

    fn of(bytes: [u8; BYTES]) -> Self {
        let number = bytes.into_iter().fold(0_u128, |number, byte| number << 8 | u128::from(byte));
        let mut text = String::with_capacity(LENGTH + LENGTH / GROUP);
        for place in 0..LENGTH {
            if place > 0 && place % GROUP == 0 {
                text.push('-');
            }
            let digit = usize::try_from(number >> (5 * (LENGTH - 1 - place)) & 31).unwrap_or_default();
            text.push(char::from(DIGITS[digit]));
        }
        Self(text)
    }

    /// The receipt of this number, from what we wrote ourselves.
    pub(super) fn kept(text: String) -> Self {
        Self(text)
    }

    /// As it stands on the receipt, and in `Idempotency-Key` between quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_sixteen_digits_in_groups_and_keeps_every_bit() {
        assert_eq!(Receipt::of([0; BYTES]).as_str(), "0000-0000-0000-0000");
        assert_eq!(Receipt::of([0xff; BYTES]).as_str(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert_eq!(Receipt::of([0, 0, 0, 0, 0, 0, 0, 0, 0, 33]).as_str(), "0000-0000-0000-0011");
        assert_eq!(Receipt::of([0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0]).as_str(), "G000-0000-0000-0000");
    }

    #[test]
    fn two_receipts_differ() {
        assert_ne!(Receipt::random().unwrap(), Receipt::random().unwrap());
    }
}
