//! The certificate that the portal shows. Another takes its place while the portal runs; a connection goes on with the one it
//! began with.
//!
//! Where the académie's central obtains it, the box makes a provisional one for itself until the first has come: browsers warn of
//! it, but people can sign in.

use std::{
    fmt, fs,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::sync::watch;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::{
    certificate::read_for,
    settings::{CertificateFrom, Settings},
};
use crate::{
    model::{Domain, Moment},
    system::files,
};

/// The certificate that the portal shows. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub struct Shown {
    name: Domain,
    certificate_path: PathBuf,
    key_path: PathBuf,
    certified: watch::Sender<Arc<CertifiedKey>>,
}

/// How the certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateStanding {
    /// When it ends.
    pub ends: Moment,
    /// Whether the box made it for itself.
    pub is_provisional: bool,
}

impl fmt::Display for CertificateStanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ends, is_provisional } = self;
        if *is_provisional {
            f.write_str("PROVISIONAL certificate, browsers warn of it until central has obtained the first")
        } else {
            write!(f, "its certificate ends {ends}")
        }
    }
}

impl Shown {
    /// The certificate of `settings`. Where central obtains it and there is none to show yet, a provisional one is made in its
    /// place.
    ///
    /// # Errors
    /// When there is none that can be shown, and none is to be made.
    pub fn open(settings: &Settings) -> anyhow::Result<Self> {
        let Settings { name, certificate_path, key_path, .. } = settings;
        let read = || read_for(name, certificate_path, key_path);
        let certified = match settings.certificate_from {
            CertificateFrom::Files => read()?,
            CertificateFrom::Central => read().or_else(|_| {
                write_provisional(settings)
                    .context("cannot make a provisional certificate for the portal")?;
                read()
            })?,
        };
        Ok(Self::showing(name, certificate_path, key_path, certified))
    }

    /// The certificate in files for `name`.
    ///
    /// # Errors
    /// When it cannot be shown under that name.
    pub(super) fn of_files(name: &Domain, certificate_path: &Path, key_path: &Path) -> anyhow::Result<Self> {
        let certified = read_for(name, certificate_path, key_path)?;
        Ok(Self::showing(name, certificate_path, key_path, certified))
    }

    fn showing(name: &Domain, certificate_path: &Path, key_path: &Path, certified: CertifiedKey) -> Self {
        Self {
            name: name.clone(),
            certificate_path: certificate_path.to_owned(),
            key_path: key_path.to_owned(),
            certified: watch::Sender::new(Arc::new(certified)),
        }
    }

    /// Shows what lies on the disk from now on: whether it is another one.
    ///
    /// # Errors
    /// When it cannot be shown under the portal's name; the one before is then shown still.
    pub fn look_again(&self) -> anyhow::Result<bool> {
        let certified = read_for(&self.name, &self.certificate_path, &self.key_path)?;
        Ok(self.certified.send_if_modified(|shown| {
            let is_other = shown.cert != certified.cert;
            if is_other {
                *shown = Arc::new(certified);
            }
            is_other
        }))
    }

    /// How it stands; none of a certificate whose dates cannot be read.
    #[must_use]
    pub fn standing(&self) -> Option<CertificateStanding> {
        let shown = self.certified.borrow();
        let (_, parsed) = X509Certificate::from_der(shown.cert.first()?).ok()?;
        Some(CertificateStanding {
            ends: Moment::from_unix_seconds(parsed.validity().not_after.timestamp()),
            is_provisional: parsed.subject() == parsed.issuer() && is_of_this_box(&parsed),
        })
    }

    /// A TLS configuration that shows it: TLS 1.2 and 1.3, and of `protocols` (RFC 7301) the first that the client speaks.
    pub(super) fn tls_config(&self, protocols: &[&[u8]]) -> anyhow::Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .context("cannot set up TLS")?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Arc::new(config))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.certified.borrow()))
    }
}

/// What the subject of a provisional certificate says.
const PROVISIONAL: &str = "preau provisional";

fn is_of_this_box(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().iter_common_name().any(|name| name.as_str() == Ok(PROVISIONAL))
}

/// Writes a certificate that the box signs for itself, with the key that lies there already, if one does.
fn write_provisional(settings: &Settings) -> anyhow::Result<()> {
    let Settings { name, certificate_path, key_path, .. } = settings;
    if let Some(dir) = key_path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    let kept = fs::read_to_string(key_path).ok().and_then(|text| KeyPair::from_pem(&text).ok());
    let key = match kept {
        Some(key) => key,
        None => {
            let made = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
            files::replace_secret(key_path, made.serialize_pem().as_bytes())?;
            made
        }
    };
    let mut params = CertificateParams::new([name.as_str().to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, PROVISIONAL);
    let made = params.self_signed(&key)?;
    files::replace(certificate_path, made.pem().as_bytes())?;
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::portal::{certificate::tests::write_pair, page_tests::settings};

    /// Settings of a portal whose certificate lies in `dir`.
    pub(in crate::portal) fn settings_in(dir: &Path, certificate_from: CertificateFrom) -> Settings {
        Settings {
            name: "portail.exemple".parse().unwrap(),
            certificate_path: dir.join("portal.pem"),
            key_path: dir.join("portal.key"),
            certificate_from,
            ..settings()
        }
    }

    #[test]
    fn another_certificate_is_shown_without_a_restart_and_a_broken_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate_path, _) = write_pair(dir.path());
        let shown = Shown::open(&settings_in(dir.path(), CertificateFrom::Files)).unwrap();
        let first = Arc::clone(&shown.certified.borrow());
        assert!(!shown.look_again().unwrap());
        write_pair(dir.path());
        assert!(shown.look_again().unwrap());
        let second = Arc::clone(&shown.certified.borrow());
        assert_ne!(first.cert, second.cert);
        fs::write(&certificate_path, "no certificate").unwrap();
        shown.look_again().unwrap_err();
        assert_eq!(shown.certified.borrow().cert, second.cert);
        assert!(!shown.standing().unwrap().is_provisional);
    }

    #[test]
    fn where_central_obtains_it_a_provisional_one_is_shown_first_and_its_key_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings_in(dir.path(), CertificateFrom::Central);
        assert!(Shown::open(&settings_in(dir.path(), CertificateFrom::Files)).is_err());
        let shown = Shown::open(&settings).unwrap();
        assert!(shown.standing().unwrap().is_provisional);
        let key = fs::read_to_string(&settings.key_path).unwrap();
        fs::write(&settings.certificate_path, "cut in the mid").unwrap();
        assert!(Shown::open(&settings).unwrap().standing().unwrap().is_provisional);
        assert_eq!(fs::read_to_string(&settings.key_path).unwrap(), key);
        write_pair(dir.path());
        assert!(shown.look_again().unwrap());
        assert!(!shown.standing().unwrap().is_provisional);
    }
}
