//! The hardware address of a network card. IP addresses are the standard library's, networks are `ipnet`'s.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A 48-bit hardware address (EUI-48), written `02:00:5e:10:00:01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac([u8; 6]);

/// A text that is not six pairs of hexadecimal digits joined by `:` or `-`.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("`{0}` is not a hardware address such as `02:00:5e:10:00:01`")]
pub struct MacError(String);

impl Mac {
    /// The address made of these six bytes, in transmission order.
    #[must_use]
    pub const fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    /// The six bytes, in transmission order.
    #[must_use]
    pub const fn bytes(self) -> [u8; 6] {
        self.0
    }
}

impl FromStr for Mac {
    type Err = MacError;

    fn from_str(text: &str) -> Result<Self, MacError> {
        let error = || MacError(text.chars().take(32).collect());
        let mut bytes = [0; 6];
        let mut pairs = text.split([':', '-']);
        for byte in &mut bytes {
            let pair = pairs.next().ok_or_else(error)?;
            if pair.len() != 2 || !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(error());
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| error())?;
        }
        if pairs.next().is_some() { Err(error()) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hardware_address_reads_back_as_written() {
        let mac: Mac = "02-00-5E-10-00-01".parse().unwrap();
        assert_eq!(mac.to_string(), "02:00:5e:10:00:01");
        assert_eq!(mac.to_string().parse(), Ok(mac));
    }

    #[test]
    fn anything_but_six_pairs_is_refused() {
        for text in
            ["", "02:00:5e:10:00", "02:00:5e:10:00:01:02", "2:00:5e:10:00:01", "+2:00:5e:10:00:01", "é2:0"]
        {
            assert!(text.parse::<Mac>().is_err(), "{text}");
        }
    }
}
