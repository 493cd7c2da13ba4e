//! What the enrolment left on the box.
//!
//! ```text
//! <state_dir>/central/                   mode 0700
//!     enrolment.json                     who we are to central, with our keys; mode 0600, replaced whole
//!     tunnel.json                        what became of the tunnel since: keys and parameters; mode 0600, replaced whole
//!     enrolling.json                     keys of an enrolment whose answer was not taken yet; mode 0600
//!     setup.json                         how the school's box before this one was set up; mode 0600
//! ```
//!
//! One file, so that there is no certificate without its key and no key without its certificate, whenever the power goes.

use std::{
    fs, io,
    io::Read as _,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::in_force::central_dir;
use crate::{
    model::{Moment, Uai},
    protocol::enrolment::{Renewed, Setup, Tunnel},
    system::files,
};

/// The version of `enrolment.json`.
pub(super) const VERSION: u32 = 1;

/// The longest file, in bytes: a setup has a configuration of 1 MiB at most in it.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Certificates a chain or a list of authorities may hold.
const CERTIFICATES_MAX: usize = 8;

/// Who the box is to central.
#[derive(Clone)]
pub struct Kept {
    /// The school.
    pub school: Uai,
    /// Its name as central knows it.
    pub school_name: String,
    /// Where central is.
    pub central: Url,
    /// Where the repository is, in the order to be tried.
    pub repositories: Vec<Url>,
    /// The channel's first `root.json`, as the token's digest vouched for it.
    pub root: String,
    /// The tunnel, where the académie has one.
    pub tunnel: Option<Tunnel>,
    /// Since when the certificate holds.
    pub certificate_from: Moment,
    /// Until when it holds.
    pub certificate_ends: Moment,
    /// The box's certificate and what leads to the authority.
    pub(super) chain: Vec<CertificateDer<'static>>,
    /// The authorities that may sign central's own.
    pub(super) authorities: Vec<CertificateDer<'static>>,
    written: Written,
}

/// `enrolment.json`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) version: u32,
    pub(super) school: String,
    pub(super) school_name: String,
    pub(super) central: String,
    pub(super) repositories: Vec<String>,
    pub(super) root: String,
    #[serde(default)]
    pub(super) tunnel: Option<Tunnel>,
    pub(super) certificate: String,
    pub(super) authority: String,
    /// The key of the certificate, PKCS #8 PEM.
    pub(super) key: String,
    /// The X25519 key that accounts are sealed to, 32 bytes in base64.
    pub(super) sealing_key: String,
    /// The WireGuard key, in base64.
    pub(super) tunnel_key: String,
}

/// Without the keys.
impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("certificate_ends", &self.certificate_ends).finish_non_exhaustive()
    }
}

impl Kept {
    /// Checks what was written: everything can be used, and key and certificate belong together.
    pub(super) fn of(written: Written) -> anyhow::Result<Self> {
        ensure!(written.version == VERSION, "version {} is not known", written.version);
        let chain = certificates(&written.certificate).context("the box's certificate")?;
        let authorities = certificates(&written.authority).context("the authority's certificate")?;
        let own = chain.first().context("there is no certificate")?;
        let (_, parsed) = X509Certificate::from_der(own).context("the box's certificate cannot be read")?;
        let key = rcgen::KeyPair::from_pem(&written.key).context("the box's key cannot be read")?;
        ensure!(
            parsed.public_key().subject_public_key.data == key.public_key_raw(),
            "the box's key is that of another certificate"
        );
        let validity = parsed.validity();
        let address = |text: &str| Url::parse(text).with_context(|| format!("`{text}` is no address"));
        Ok(Self {
            school: Uai::new(&written.school).context("the school's code is malformed")?,
            school_name: written.school_name.clone(),
            central: address(&written.central)?,
            repositories: written.repositories.iter().map(|text| address(text)).collect::<Result<_, _>>()?,
            root: written.root.clone(),
            tunnel: written.tunnel.clone(),
            certificate_from: Moment::from_unix_seconds(validity.not_before.timestamp()),
            certificate_ends: Moment::from_unix_seconds(validity.not_after.timestamp()),
            chain,
            authorities,
            written,
        })
    }

    /// The X25519 key that accounts are sealed to, 32 bytes in base64. Secret.
    #[must_use]
    pub fn sealing_key(&self) -> &str {
        &self.written.sealing_key
    }

    /// The WireGuard key, in base64. Secret.
    #[must_use]
    pub fn tunnel_key(&self) -> &str {
        &self.written.tunnel_key
    }

    /// The authorities that may sign for central and for the concentrators.
    #[must_use]
    pub fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.authorities
    }

    pub(super) fn key(&self) -> anyhow::Result<PrivateKeyDer<'static>> {
        PrivateKeyDer::from_pem_slice(self.written.key.as_bytes()).context("the box's key cannot be read")
    }

    /// The same box with its next certificate.
    pub(super) fn renewed(&self, renewed: Renewed, key: String) -> anyhow::Result<Self> {
        let Renewed { certificate, authority } = renewed;
        Self::of(Written { certificate, authority, key, ..self.written.clone() })
    }

    /// Writes it in place of what was there.
    pub(super) fn keep(&self, state_dir: &Path) -> anyhow::Result<()> {
        write(&enrolment_path(state_dir), &self.written)
    }
}

/// What the box was enrolled with; none before enrolment.
///
/// # Errors
/// When the file is there but cannot be read or used.
pub fn read(state_dir: &Path) -> anyhow::Result<Option<Kept>> {
    let path = enrolment_path(state_dir);
    let Some(written) = read_file(&path)? else { return Ok(None) };
    Kept::of(written).map(Some).with_context(|| format!("cannot use `{}`", path.display()))
}

/// How the school's box before this one was set up; none where there was none, or it was done with.
///
/// # Errors
/// When the file is there but cannot be read.
pub fn setup(state_dir: &Path) -> anyhow::Result<Option<Setup>> {
    read_file(&setup_path(state_dir))
}

/// Forgets it, once it was taken over.
///
/// # Errors
/// When the disk refuses.
pub fn forget_setup(state_dir: &Path) -> io::Result<()> {
    remove(&setup_path(state_dir))
}

pub(super) fn keep_setup(state_dir: &Path, setup: &Setup) -> anyhow::Result<()> {
    write(&setup_path(state_dir), setup)
}

pub(super) fn enrolment_path(state_dir: &Path) -> PathBuf {
    central_dir(state_dir).join("enrolment.json")
}

pub(super) fn enrolling_path(state_dir: &Path) -> PathBuf {
    central_dir(state_dir).join("enrolling.json")
}

pub(super) fn tunnel_path(state_dir: &Path) -> PathBuf {
    central_dir(state_dir).join("tunnel.json")
}

fn setup_path(state_dir: &Path) -> PathBuf {
    central_dir(state_dir).join("setup.json")
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Reads a file of ours; none where it is not there.
pub(super) fn read_file<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    let context = || format!("cannot read `{}`", path.display());
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(context),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).with_context(context)?;
    serde_json::from_slice(&bytes).map(Some).with_context(context)
}

/// Writes a file of ours whole, for nobody else's eyes.
pub(super) fn write(path: &Path, content: &impl Serialize) -> anyhow::Result<()> {
    if let Some(dir) = path.parent() {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
        let closed = made.and_then(|()| fs::set_permissions(dir, fs::Permissions::from_mode(0o700)));
        closed.with_context(|| format!("cannot make `{}`", dir.display()))?;
    }
    write_secret(path, &serde_json::to_vec_pretty(content)?)
}

/// Writes a file whole, mode 0600.
pub(super) fn write_secret(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    files::replace_secret(path, bytes).with_context(|| format!("cannot write `{}`", path.display()))
}

fn certificates(pem: &str) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>()?;
    ensure!(
        (1..=CERTIFICATES_MAX).contains(&read.len()),
        "there must be 1 to {CERTIFICATES_MAX} certificates"
    );
    Ok(read)
}

/// A box that was enrolled, for tests beside this one.
#[cfg(test)]
pub(super) fn enrolled(sealing_key: &str, tunnel_key: &str) -> Kept {
    let written = tests::written();
    let (sealing_key, tunnel_key) = (sealing_key.to_owned(), tunnel_key.to_owned());
    Kept::of(Written { sealing_key, tunnel_key, ..written }).expect("what was made here is in order")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn written() -> Written {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap().pem();
        Written {
            version: VERSION,
            school: "0809999Z".into(),
            school_name: "Collège d'Exemple".into(),
            central: "https://central.example:8443".into(),
            repositories: vec!["https://central.example:8443/v1/repository/".into()],
            root: "{}".into(),
            tunnel: None,
            authority: certificate.clone(),
            certificate,
            key: key.serialize_pem(),
            sealing_key: String::new(),
            tunnel_key: String::new(),
        }
    }

    #[test]
    fn what_is_kept_is_read_again_and_for_nobody_elses_eyes() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(dir.path()).unwrap().is_none());
        Kept::of(written()).unwrap().keep(dir.path()).unwrap();
        assert_eq!(read(dir.path()).unwrap().unwrap().school.as_str(), "0809999Z");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&enrolment_path(dir.path())), 0o600);
        assert_eq!(mode(&central_dir(dir.path())), 0o700);
    }

    #[test]
    fn a_key_of_another_certificate_and_a_cut_file_are_refused() {
        let other = Written { key: written().key, ..written() };
        assert!(Kept::of(other).unwrap_err().to_string().contains("another certificate"));
        let dir = tempfile::tempdir().unwrap();
        Kept::of(written()).unwrap().keep(dir.path()).unwrap();
        let path = enrolment_path(dir.path());
        let whole = fs::read(&path).unwrap();
        for end in (0..whole.len()).step_by(97) {
            fs::write(&path, &whole[..end]).unwrap();
            assert!(read(dir.path()).is_err(), "{end}");
        }
    }
}
