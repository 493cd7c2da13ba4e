//! How the box knows the concentrator under TLS: by central's own authority and by its name, at whatever time it is.
//!
//! **Why the time is not asked.** The tunnel must come up with a clock that shows 1970 or 2099 (decision D18), and the way
//! through TCP is the last one there is: who locks it over a date has locked the box out. What a date protects from is a key
//! that was stolen long ago. Here it would open nothing: inside the TLS WireGuard's own handshake names both ends by keys that
//! never leave them and adds a key that both share beforehand, and whoever holds a certificate of last year can do what
//! anybody on the line can, keep datagrams back. So chain and name are checked as ever, at the moment the certificate itself
//! begins to hold, and nobody's clock is read.

use std::sync::Arc;

use anyhow::Context as _;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::aws_lc_rs,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// Checks the concentrator's certificate.
#[derive(Debug)]
pub struct Verifier(Arc<WebPkiServerVerifier>);

impl Verifier {
    /// One that takes for the concentrator whoever one of `authorities` signed for.
    ///
    /// # Errors
    /// When one of them is no certificate, or there is none.
    pub fn new(authorities: &[CertificateDer<'static>]) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority.clone()).context("an authority's certificate cannot be used")?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        Ok(Self(WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()?))
    }
}

/// The moment that `certificate` begins to hold.
fn begins(certificate: &CertificateDer<'_>) -> Result<UnixTime, Error> {
    let (_, parsed) = X509Certificate::from_der(certificate)
        .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
    let seconds = u64::try_from(parsed.validity().not_before.timestamp()).unwrap_or(0);
    Ok(UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)))
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let then = begins(end_entity)?;
        self.0.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, then)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Only TLS 1.3 is offered.
        Err(Error::General("TLS 1.2 is not spoken with concentrators".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

    use super::*;

    /// An authority, and a certificate of it for `concentrator.example` that holds in those years.
    fn made(from: i32, until: i32) -> (CertificateDer<'static>, CertificateDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let authority = params.self_signed(&key).unwrap();
        let issuer = Issuer::from_ca_cert_der(authority.der(), key).unwrap();
        let mut params = CertificateParams::new(vec!["concentrator.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(until, 1, 1);
        let own = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        (authority.der().clone(), own.der().clone())
    }

    fn check(authority: &CertificateDer<'static>, shown: &CertificateDer<'_>, name: &str, year: u64) -> bool {
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs((year - 1970) * 31_557_600));
        let name = ServerName::try_from(name.to_owned()).unwrap();
        Verifier::new(std::slice::from_ref(authority))
            .unwrap()
            .verify_server_cert(shown, &[], &name, &[], now)
            .is_ok()
    }

    #[test]
    fn a_certificate_counts_in_1970_in_2099_and_after_it_has_ended() {
        for (from, until) in [(2026, 2027), (1990, 1991)] {
            let (authority, own) = made(from, until);
            for year in [1970, 2026, 2030, 2099] {
                assert!(check(&authority, &own, "concentrator.example", year), "{from} in {year}");
            }
        }
    }

    #[test]
    fn another_name_and_another_authority_never_count() {
        let (authority, own) = made(2026, 2027);
        let (stranger, strange) = made(2026, 2027);
        assert!(!check(&authority, &own, "hotel.example", 2026));
        assert!(!check(&authority, &strange, "concentrator.example", 2026));
        assert!(!check(&stranger, &own, "concentrator.example", 2026));
        assert!(!check(&authority, &CertificateDer::from(vec![1, 2, 3]), "concentrator.example", 2026));
        assert!(Verifier::new(&[]).is_err(), "with no authority nobody is known");
    }
}
