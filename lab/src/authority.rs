//! The lab's certificate authority: one key made at each start, trusted by the lab's machines and by nothing else.

use std::{
    collections::HashMap,
    fmt, fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SerialNumber,
};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs::sign::any_supported_type,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Server configurations kept for names asked before; a machine that asks for more gets each made anew.
const CONFIGURATIONS_MAX: usize = 4096;

/// The longest common name (RFC 5280 appendix A.1), in characters.
const COMMON_NAME_MAX: usize = 64;

/// The file of the authority's certificate, in its directory.
const CERTIFICATE_FILE: &str = "authority.pem";
/// The file of the authority's key, in its directory.
const KEY_FILE: &str = "authority.key";

/// The authority, able to sign.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
}

/// A certificate and its key, as PEM text.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    /// The chain: the certificate, then the authority's.
    pub(crate) certificate_pem: String,
    /// The key.
    pub(crate) key_pem: String,
}

impl Authority {
    /// A new authority with a key of its own.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub(crate) fn create() -> anyhow::Result<Self> {
        let key = KeyPair::generate().context("cannot make the authority's key")?;
        let certificate =
            parameters().self_signed(&key).context("cannot sign the authority's certificate")?;
        Ok(Self { issuer: Issuer::new(parameters(), key), certificate_pem: certificate.pem() })
    }

    /// Writes the authority to `dir`, for [`Authority::read`].
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub(crate) fn write(&self, dir: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(dir).context("cannot make the authority's directory")?;
        fs::write(dir.join(CERTIFICATE_FILE), &self.certificate_pem)
            .and_then(|()| fs::write(dir.join(KEY_FILE), self.issuer.key().serialize_pem()))
            .context("cannot write the authority")
    }

    /// The authority written to `dir`.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Self> {
        let read = |name| fs::read_to_string(dir.join(name)).context("cannot read the authority");
        let key = KeyPair::from_pem(&read(KEY_FILE)?).context("cannot read the authority's key")?;
        Ok(Self { issuer: Issuer::new(parameters(), key), certificate_pem: read(CERTIFICATE_FILE)? })
    }

    /// A certificate for a host name or an IP address.
    ///
    /// # Errors
    /// When `name` can stand in no certificate.
    pub(crate) fn certify(&self, name: &str) -> anyhow::Result<Credentials> {
        let key = KeyPair::generate().context("cannot make a key")?;
        Ok(Credentials { certificate_pem: self.sign(name, &key)?.0, key_pem: key.serialize_pem() })
    }

    /// The chain for `name` and `key`, as PEM and in DER.
    fn sign(&self, name: &str, key: &KeyPair) -> anyhow::Result<(String, rcgen::Certificate)> {
        let mut parameters = CertificateParams::new([name.to_owned()]).context("cannot certify this name")?;
        // GnuTLS refuses a certificate without a subject.
        parameters.distinguished_name = DistinguishedName::new();
        parameters
            .distinguished_name
            .push(DnType::CommonName, name.chars().take(COMMON_NAME_MAX).collect::<String>());
        // Browsers refuse two certificates of one issuer with the same number.
        let mut number = DefaultHasher::new();
        (name, key.serialize_der()).hash(&mut number);
        parameters.serial_number = Some(SerialNumber::from(number.finish() >> 1));
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters.signed_by(key, &self.issuer).context("cannot sign a certificate")?;
        Ok((format!("{}{}", certificate.pem(), self.certificate_pem), certificate))
    }
}

/// What the authority says of itself; always the same, so that key and file make it whole again.
fn parameters() -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "Autorité du labo Préau (aucune valeur)");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters
}

/// Makes the TLS configuration of a server for any name asked of it, and keeps those made.
pub(crate) struct NamedServers {
    authority: Authority,
    key: KeyPair,
    known: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

impl NamedServers {
    /// Servers whose certificates `authority` signs, all with one key.
    pub(crate) fn new(authority: Authority) -> anyhow::Result<Self> {
        let key = KeyPair::generate().context("cannot make the servers' key")?;
        Ok(Self { authority, key, known: Mutex::default() })
    }

    /// The configuration of one server for every name, for HTTP/3.
    pub(crate) fn over_quic(servers: &Arc<Self>) -> anyhow::Result<ServerConfig> {
        let mut configuration = ServerConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(ByName(Arc::clone(servers))));
        configuration.alpn_protocols = vec![b"h3".to_vec()];
        Ok(configuration)
    }

    /// The configuration of the server called `name`: TLS 1.2 and 1.3, for the web and for DNS over TLS.
    pub(crate) fn configuration(&self, name: &str) -> anyhow::Result<Arc<ServerConfig>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(configuration) = known.get(name) {
            return Ok(Arc::clone(configuration));
        }
        let (certificate, key) = self.credentials(name)?;
        let mut configuration = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .context("cannot use a certificate of the authority")?;
        configuration.alpn_protocols = [b"h2".as_slice(), b"http/1.1", b"dot"].map(<[u8]>::to_vec).to_vec();
        let configuration = Arc::new(configuration);
        if known.len() < CONFIGURATIONS_MAX {
            known.insert(name.to_owned(), Arc::clone(&configuration));
        }
        Ok(configuration)
    }

    fn credentials(&self, name: &str) -> anyhow::Result<(CertificateDer<'static>, PrivateKeyDer<'static>)> {
        let (_, certificate) = self.authority.sign(name, &self.key)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()));
        Ok((certificate.der().clone(), key))
    }
}

/// Certifies the name that each hello asks for.
struct ByName(Arc<NamedServers>);

impl ResolvesServerCert for ByName {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let (certificate, key) = self.0.credentials(hello.server_name()?).ok()?;
        let key = any_supported_type(&key).ok()?;
        Some(Arc::new(CertifiedKey::new(vec![certificate], key)))
    }
}

impl fmt::Debug for ByName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByName").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_read_back_signs_for_the_same_root() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::create().unwrap();
        authority.write(dir.path()).unwrap();
        let again = Authority::read(dir.path()).unwrap();
        assert_eq!(again.certificate_pem, authority.certificate_pem);
        assert!(
            again.certify("www.exemple.fr").unwrap().certificate_pem.ends_with(&authority.certificate_pem)
        );
    }

    #[test]
    fn two_names_have_two_serial_numbers_and_an_address_can_be_certified() {
        let servers = NamedServers::new(Authority::create().unwrap()).unwrap();
        let serial = |name| servers.authority.sign(name, &servers.key).unwrap().1.der().to_vec();
        assert_ne!(serial("a.exemple.fr"), serial("b.exemple.fr"));
        assert!(servers.configuration("203.0.113.250").is_ok());
        assert!(servers.configuration("pas un nom").is_ok() || servers.configuration("é").is_err());
    }
}
