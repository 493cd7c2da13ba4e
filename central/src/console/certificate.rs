//! The console's certificate, read anew when its files change: whoever renews it need not restart anything.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, ensure};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::client::ClientCertificates;

/// Certificates a chain may hold.
const CHAIN_MAX: usize = 8;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The certificate in force and where it comes from. Cloning is cheap.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    certificate_path: PathBuf,
    key_path: PathBuf,
    in_force: Arc<InForce>,
}

#[derive(Debug)]
struct InForce(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for InForce {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// When they cannot be read or do not belong together.
    pub(super) fn open(certificate_path: &Path, key_path: &Path) -> anyhow::Result<Self> {
        let certified = Arc::new(read(certificate_path, key_path)?);
        Ok(Self {
            certificate_path: certificate_path.to_owned(),
            key_path: key_path.to_owned(),
            in_force: Arc::new(InForce(RwLock::new(certified))),
        })
    }

    /// TLS 1.2 and 1.3 with this certificate, HTTP/2 and HTTP/1.1; visitors are asked for a certificate where `clients` says
    /// whose are believed.
    ///
    /// # Errors
    /// When the crypto provider refuses, or the authority of visitors cannot be used.
    pub(super) fn tls(&self, clients: Option<&ClientCertificates>) -> anyhow::Result<Arc<ServerConfig>> {
        let resolver: Arc<dyn ResolvesServerCert> = self.in_force.clone();
        let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .context("cannot set up TLS")?;
        let builder = match clients {
            Some(clients) => builder.with_client_cert_verifier(clients.verifier()?),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Looks at the files from time to time, until `stop`. Files that cannot be used leave in force what is.
    pub(super) async fn watch(self, stop: CancellationToken) {
        let mut known = self.changed();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let found = self.changed();
            if found != known {
                known = found;
                self.take();
            }
        }
    }

    fn take(&self) {
        match read(&self.certificate_path, &self.key_path) {
            Ok(certified) => {
                *self.in_force.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(certified);
                info!("console has another certificate");
            }
            Err(error) => warn!(cause = format!("{error:#}"), "console keeps its former certificate"),
        }
    }

    /// When the files changed.
    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate_path, &self.key_path]
            .map(|path| fs::metadata(path).and_then(|found| found.modified()).ok())
    }
}

fn read(certificate_path: &Path, key_path: &Path) -> anyhow::Result<CertifiedKey> {
    let (shown, key_shown) = (certificate_path.display(), key_path.display());
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate_path)
        .and_then(|certificates| certificates.take(CHAIN_MAX + 1).collect())
        .with_context(|| format!("cannot read the certificate chain `{shown}` (PEM)"))?;
    ensure!(!chain.is_empty(), "`{shown}` holds no PEM certificate");
    ensure!(chain.len() <= CHAIN_MAX, "`{shown}` holds more than {CHAIN_MAX} certificates");
    let key = PrivateKeyDer::from_pem_file(key_path)
        .with_context(|| format!("cannot read the private key `{key_shown}` (PEM, without a password)"))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .with_context(|| format!("cannot use the certificate `{shown}` with the key `{key_shown}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_pair(dir: &Path) -> [PathBuf; 2] {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new([String::from("console.exemple")])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let paths = [dir.join("console.pem"), dir.join("console.key")];
        fs::write(&paths[0], certificate.pem()).unwrap();
        fs::write(&paths[1], key.serialize_pem()).unwrap();
        paths
    }

    #[test]
    fn a_renewed_certificate_is_taken_and_a_damaged_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let [certificate_path, key_path] = write_pair(dir.path());
        let certificate = Certificate::open(&certificate_path, &key_path).unwrap();
        let shown = || certificate.in_force.0.read().unwrap().cert.clone();
        let first = shown();
        write_pair(dir.path());
        certificate.take();
        let second = shown();
        assert_ne!(first, second);
        fs::write(&key_path, "damaged").unwrap();
        certificate.take();
        assert_eq!(shown(), second);
        assert!(Certificate::open(&certificate_path, &key_path).is_err());
    }
}
