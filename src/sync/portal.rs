//! The portal's certificate under its public name, obtained by central.
//!
//! The portal's key is made here and stays here; central sends the chain back. The same key is used for as long as it lies
//! there, so that a request whose answer was lost is the same request again.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::Context as _;
use rcgen::{CertificateParams, DistinguishedName, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::{
    certificate::due_at,
    client::{CallError, Client},
    keeping::write_secret,
};
use crate::{
    model::{ClockTrust, Domain, Moment},
    protocol::enrolment::{PortalCertificate, PortalRequest},
    system::{clock::Clock, files},
};

/// How often it is looked whether the certificate is to be renewed.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// How long after a try that failed at the public authority the next one is made: they count them.
const RETRY_EVERY: Duration = Duration::from_secs(2 * 3600);

/// The same where central was not reached, or does not know the name yet.
const RETRY_SOON: Duration = Duration::from_secs(300);

/// How long central may take to answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(130);

/// Keeps the portal's certificate, for a school that has it from central.
#[derive(Debug)]
pub struct PortalRenewal {
    /// The requests to central.
    pub client: Client,
    /// The portal's public name.
    pub name: Domain,
    /// Where the chain lies, PEM. Whoever shows it sees that it changes.
    pub certificate_path: PathBuf,
    /// Where the key lies, PEM; made where it is not there.
    pub key_path: PathBuf,
    /// The time.
    pub clock: Clock,
}

impl PortalRenewal {
    /// Looks after the certificate for as long as the box runs. Whatever fails is tried again; the one that lies there
    /// stays.
    ///
    /// # Errors
    /// None; it ends with `stop`.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        tokio::select! {
            () = stop.cancelled() => Ok(()),
            () = self.go_on() => Ok(()),
        }
    }

    async fn go_on(&self) {
        loop {
            let wait = if !self.is_due() {
                LOOK_EVERY
            } else if let Err(cause) = self.renew().await {
                match cause.downcast_ref::<CallError>().and_then(CallError::code) {
                    // What the public authority says has the portal's name in it; central's audit trail has it.
                    Some(code) => {
                        warn!(code, "central did not obtain the portal's certificate");
                        if code == "other-name" { RETRY_SOON } else { RETRY_EVERY }
                    }
                    None => {
                        warn!(cause = format!("{cause:#}"), "the portal's certificate is not renewed yet");
                        RETRY_SOON
                    }
                }
            } else {
                info!("the portal's certificate is renewed");
                LOOK_EVERY
            };
            sleep(wait).await;
        }
    }

    /// Whether there is none that can be read, or it is one that the box signed for itself, or it has had two thirds of its
    /// life. A clock in doubt renews nothing that is there.
    fn is_due(&self) -> bool {
        let Some((from, ends)) = self.dates() else { return true };
        self.clock.trust() == ClockTrust::Trusted && self.clock.now() >= due_at(from, ends, 0)
    }

    /// The dates of the certificate that somebody else signed.
    fn dates(&self) -> Option<(Moment, Moment)> {
        let certificate = CertificateDer::from_pem_file(&self.certificate_path).ok()?;
        let (_, parsed) = X509Certificate::from_der(&certificate).ok()?;
        if parsed.issuer() == parsed.subject() {
            return None;
        }
        let validity = parsed.validity();
        let moment = |time: x509_parser::time::ASN1Time| Moment::from_unix_seconds(time.timestamp());
        Some((moment(validity.not_before), moment(validity.not_after)))
    }

    /// Has central obtain the next one and puts it in place.
    ///
    /// # Errors
    /// When central refuses or cannot be reached, or the disk refuses; what lies there stays.
    pub async fn renew(&self) -> anyhow::Result<()> {
        let key = self.key()?;
        let mut params = CertificateParams::new(vec![self.name.as_str().to_owned()])?;
        params.distinguished_name = DistinguishedName::new();
        let asked = PortalRequest { request: params.serialize_request(&key)?.pem()? };
        let answer: PortalCertificate =
            self.client.post("v1/portal-certificate", &asked, ANSWER_WAIT_MAX).await?;
        let own = CertificateDer::from_pem_slice(answer.certificate.as_bytes());
        let own = own.context("central's answer has no certificate in it")?;
        let (_, parsed) =
            X509Certificate::from_der(&own).context("central's answer has no certificate in it")?;
        anyhow::ensure!(
            parsed.public_key().subject_public_key.data == key.public_key_raw(),
            "the certificate that came is for another key"
        );
        files::replace(&self.certificate_path, answer.certificate.as_bytes())?;
        Ok(())
    }

    fn key(&self) -> anyhow::Result<KeyPair> {
        if self.key_path.exists() {
            let text = fs::read_to_string(&self.key_path);
            let text = text.with_context(|| format!("cannot read `{}`", self.key_path.display()))?;
            return KeyPair::from_pem(&text).context("the portal's key cannot be read");
        }
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        write_secret(&self.key_path, key.serialize_pem().as_bytes())?;
        Ok(key)
    }
}
