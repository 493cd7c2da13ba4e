//! How a delivery of accounts is sealed, so that only the box it is for can read it: HPKE (RFC 9180) in base mode, with
//! DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20-Poly1305.
//!
//! ```text
//! 32 bytes   the encapsulated key
//! the rest   the delivery, encrypted and authenticated
//! ```
//!
//! School and sequence are bound to it: the same bytes open as no other delivery. That central made it is said by the
//! signature of the channel, not by this.

use aws_lc_rs::agreement::{PrivateKey, X25519};
use rustls::crypto::{
    aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_CHACHA20_POLY1305 as SUITE,
    hpke::{EncapsulatedSecret, Hpke as _, HpkePrivateKey, HpkePublicKey},
};

use super::delivery::DeliveryError;
use crate::model::Uai;

/// Bytes of the encapsulated key.
const ENCAPSULATED: usize = 32;

/// The longest sealed delivery, in bytes.
pub const SEALED_BYTES_MAX: u64 = 8 << 20;

/// Seals `delivery` to `key`, the public X25519 key of the school's box.
///
/// # Errors
/// When the key is none, or it would be longer than [`SEALED_BYTES_MAX`].
pub fn seal(delivery: &[u8], school: &Uai, sequence: u64, key: &[u8; 32]) -> Result<Vec<u8>, DeliveryError> {
    let (EncapsulatedSecret(mut sealed), text) = SUITE
        .seal(&info(school, sequence), &[], delivery, &HpkePublicKey(key.to_vec()))
        .map_err(|_| DeliveryError::Key)?;
    sealed.extend(text);
    match u64::try_from(sealed.len()) {
        Ok(length) if length <= SEALED_BYTES_MAX => Ok(sealed),
        _ => Err(DeliveryError::TooLong),
    }
}

/// Opens what was sealed for `school` as its delivery `sequence`, by `key`, the box's own.
///
/// # Errors
/// When it was sealed to another key, for another school or sequence, or is not what was sealed.
pub fn open(sealed: &[u8], school: &Uai, sequence: u64, key: &[u8; 32]) -> Result<Vec<u8>, DeliveryError> {
    let (encapsulated, text) = sealed.split_at_checked(ENCAPSULATED).ok_or(DeliveryError::NotOurs)?;
    let key = HpkePrivateKey::from(key.to_vec());
    SUITE
        .open(&EncapsulatedSecret(encapsulated.to_vec()), &info(school, sequence), &[], text, &key)
        .map_err(|_| DeliveryError::NotOurs)
}

/// The fingerprint of the public half of `key`, the box's own: the BLAKE3 of its 32 bytes, in hexadecimal.
///
/// # Errors
/// When the key is none.
pub fn fingerprint(key: &[u8; 32]) -> Result<String, DeliveryError> {
    let key = PrivateKey::from_private_key(&X25519, key).map_err(|_| DeliveryError::Key)?;
    let public = key.compute_public_key().map_err(|_| DeliveryError::Key)?;
    Ok(blake3::hash(public.as_ref()).to_hex().to_string())
}

fn info(school: &Uai, sequence: u64) -> Vec<u8> {
    format!("preau accounts 1 {} {sequence}", school.as_str()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> ([u8; 32], [u8; 32]) {
        let (public, private) = SUITE.generate_key_pair().unwrap();
        (public.0.try_into().unwrap(), private.secret_bytes().try_into().unwrap())
    }

    fn school(text: &str) -> Uai {
        Uai::new(text).unwrap()
    }

    #[test]
    fn what_is_sealed_to_a_box_opens_there_and_nowhere_else() {
        let ((public, private), (_, other)) = (pair(), pair());
        let here = school("0809999Z");
        let sealed = seal(b"persons", &here, 7, &public).unwrap();
        assert_eq!(open(&sealed, &here, 7, &private).unwrap(), b"persons");
        assert_eq!(open(&sealed, &here, 7, &other), Err(DeliveryError::NotOurs));
        assert_eq!(open(&sealed, &school("0800001A"), 7, &private), Err(DeliveryError::NotOurs));
        assert_eq!(open(&sealed, &here, 8, &private), Err(DeliveryError::NotOurs));
    }

    #[test]
    fn a_byte_that_is_another_anywhere_closes_it() {
        let (public, private) = pair();
        let here = school("0809999Z");
        let sealed = seal(b"persons", &here, 7, &public).unwrap();
        for place in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[place] ^= 1;
            assert_eq!(open(&damaged, &here, 7, &private), Err(DeliveryError::NotOurs), "{place}");
        }
        assert_eq!(open(&sealed[..20], &here, 7, &private), Err(DeliveryError::NotOurs));
    }
}
