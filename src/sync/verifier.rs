//! How the box knows central: by central's own authority alone, and by its name.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs as provider, verify_tls13_signature},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use crate::{model::ClockTrust, system::clock::Clock};

/// Whom to take for central.
#[derive(Debug)]
pub(super) enum Trusted {
    /// Whoever one of these authorities signed for.
    Authorities(Vec<CertificateDer<'static>>),
    /// Whoever the authority with this SHA-256 signed for, which is to show itself: all that a token can say.
    Digest([u8; 32]),
}

/// Checks central's certificate.
#[derive(Debug)]
pub(super) struct Verifier {
    trusted: Trusted,
    clock: Clock,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    pub(super) fn new(trusted: Trusted, clock: Clock) -> Self {
        Self { trusted, clock, provider: Arc::new(provider::default_provider()) }
    }

    /// The moment to judge a certificate at: by the clock where it is believed. A box that knows its clock to be wrong
    /// must reach central all the same (decision D18), and goes by the certificate's own dates: name and signature are
    /// checked as ever, and the key of a certificate that has ended was never on any disk.
    fn moment(&self, certificate: &CertificateDer<'_>) -> Result<UnixTime, Error> {
        let seconds = match self.clock.trust() {
            ClockTrust::Trusted => self.clock.now().unix_seconds(),
            ClockTrust::Doubtful => {
                let (_, parsed) = X509Certificate::from_der(certificate)
                    .map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
                parsed.validity().not_before.timestamp()
            }
        };
        Ok(UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))))
    }

    fn roots(&self, shown: &[CertificateDer<'_>]) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        match &self.trusted {
            Trusted::Authorities(authorities) => {
                for authority in authorities {
                    roots.add(authority.clone())?;
                }
            }
            Trusted::Digest(expected) => {
                let is_it = |shown: &&CertificateDer<'_>| digest(&SHA256, shown).as_ref() == expected;
                let authority = shown.iter().find(is_it);
                let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
                roots.add(authority.ok_or(unknown)?.clone().into_owned())?;
            }
        }
        Ok(roots)
    }
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
        let roots = self.roots(intermediates)?;
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider))
                .build()
                .map_err(|_| Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        let moment = self.moment(end_entity)?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, moment)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        // Only TLS 1.3 is offered.
        Err(Error::General("TLS 1.2 is not spoken with central".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
