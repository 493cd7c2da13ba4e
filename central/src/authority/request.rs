//! Certificate requests (PKCS #10). Of all a request says, only its public key counts; what is in the certificate is for
//! central to say.

use rcgen::{CertificateSigningRequestParams, PKCS_ECDSA_P256_SHA256, PublicKey, PublicKeyData as _};
use rustls_pki_types::{CertificateSigningRequestDer, pem::PemObject as _};
use thiserror::Error;
use x509_parser::{
    certification_request::X509CertificationRequest,
    extensions::{GeneralName, ParsedExtension},
    prelude::FromDer as _,
};

use super::limits::REQUEST_BYTES_MAX;

/// `id-ecPublicKey` (RFC 5480).
const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";

/// `secp256r1` (RFC 5480).
const P256: &str = "1.2.840.10045.3.1.7";

/// A request whose sender has the key's other half.
#[derive(Debug)]
pub struct Request {
    pub(super) key: PublicKey,
}

/// Why a text is no request that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// More than 4 KiB.
    #[error("the certificate request is too long")]
    TooLong,
    /// No PKCS #10 in PEM.
    #[error("this is no certificate request in PEM")]
    Unreadable,
    /// Another kind of key than ECDSA on P-256 with SHA-256.
    #[error("the key of the certificate request is not ECDSA on P-256")]
    Key,
    /// More than one name, or none, or something else than a name.
    #[error("the certificate request is not for one name alone")]
    Name,
    /// The signature is not that of its key.
    #[error("the certificate request is not signed by its own key")]
    Signature,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn read(pem: &str) -> Result<Self, RequestError> {
        if pem.len() > REQUEST_BYTES_MAX {
            return Err(RequestError::TooLong);
        }
        let der = CertificateSigningRequestDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| RequestError::Unreadable)?;
        let (rest, parsed) =
            X509CertificationRequest::from_der(&der).map_err(|_| RequestError::Unreadable)?;
        let spki = &parsed.certification_request_info.subject_pki;
        let curve = spki.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok());
        let is_p256 = spki.algorithm.algorithm.to_id_string() == EC_PUBLIC_KEY
            && curve.is_some_and(|curve| curve.to_id_string() == P256)
            && spki.subject_public_key.data.len() == 65;
        if !rest.is_empty() {
            return Err(RequestError::Unreadable);
        }
        if !is_p256 {
            return Err(RequestError::Key);
        }
        let request = CertificateSigningRequestParams::from_der(&der).map_err(|error| match error {
            rcgen::Error::InvalidCertificationRequestSignature => RequestError::Signature,
            _ => RequestError::Unreadable,
        })?;
        if request.public_key.algorithm() != &PKCS_ECDSA_P256_SHA256 {
            return Err(RequestError::Key);
        }
        Ok(Self { key: request.public_key })
    }

    /// The key, as it is known in the register: BLAKE3 of its 65 bytes, in hexadecimal.
    pub(super) fn fingerprint(&self) -> String {
        blake3::hash(self.key.der_bytes()).to_hex().to_string()
    }
}

/// The DER of a request for a portal's certificate, and the one name it is for. The public authority looks at the rest.
pub(super) fn portal_name(
    pem: &str,
) -> Result<(CertificateSigningRequestDer<'static>, String), RequestError> {
    if pem.len() > REQUEST_BYTES_MAX {
        return Err(RequestError::TooLong);
    }
    let der =
        CertificateSigningRequestDer::from_pem_slice(pem.as_bytes()).map_err(|_| RequestError::Unreadable)?;
    let (_, parsed) = X509CertificationRequest::from_der(&der).map_err(|_| RequestError::Unreadable)?;
    let mut names = Vec::new();
    for extension in parsed.requested_extensions().into_iter().flatten() {
        if let ParsedExtension::SubjectAlternativeName(asked) = extension {
            names.extend(asked.general_names.iter().map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                _ => None,
            }));
        }
    }
    // A name in the subject would be one more.
    let no_subject = parsed.certification_request_info.subject.iter_common_name().next().is_none();
    match names.as_mut_slice() {
        [Some(name)] if no_subject => {
            let name = std::mem::take(name);
            Ok((der.clone(), name))
        }
        _ => Err(RequestError::Name),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    use super::*;

    fn pem(key: &KeyPair) -> String {
        CertificateParams::new(vec!["autre.example".into()])
            .unwrap()
            .serialize_request(key)
            .unwrap()
            .pem()
            .unwrap()
    }

    #[test]
    fn only_a_p256_key_that_signed_its_own_request_is_taken() {
        let key = KeyPair::generate().unwrap();
        let good = pem(&key);
        assert_eq!(Request::read(&good).unwrap().key.der_bytes(), key.der_bytes());
        for algorithm in [&PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            assert_eq!(Request::read(&pem(&key)).unwrap_err(), RequestError::Key);
        }
        assert_eq!(Request::read(&good.repeat(10)).unwrap_err(), RequestError::TooLong);
        assert_eq!(Request::read("bonjour").unwrap_err(), RequestError::Unreadable);
    }

    #[test]
    fn a_changed_byte_of_a_request_is_noticed_or_changes_nothing() {
        let key = KeyPair::generate().unwrap();
        let request = CertificateParams::default().serialize_request(&key).unwrap();
        let der = request.der().to_vec();
        for place in 0..der.len() {
            let mut changed = der.clone();
            changed[place] ^= 1;
            let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, changed);
            let text =
                format!("-----BEGIN CERTIFICATE REQUEST-----\n{base64}\n-----END CERTIFICATE REQUEST-----\n");
            // How many bits of the signature's last byte are unused is no part of what it says: the key is the same.
            let read = Request::read(&text).map(|request| request.key.der_bytes().to_vec());
            assert!(read.is_err() || read.as_deref() == Ok(key.der_bytes()), "byte {place}");
        }
    }
}
