//! The authority's own certificates and keys, and the one rule by which one follows another.
//!
//! ```text
//! <keys_dir>/authority-1.pem   authority-1.key      the first; each following one counts up
//! ```
//!
//! A box knows the authorities it was told of when it last had a certificate made. So one that was added is told to boxes
//! at once and accepted at once, but signs nothing before it is [`AWAY_MAX`](super::AWAY_MAX) old: by then every box that can come back by
//! itself has heard of it. Of the ones that are old enough the newest signs. Nothing else decides it, so every instance of
//! central with the same folder decides the same.

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use preau::model::Moment;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256,
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

use super::{limits::AWAY_MAX, time::hold};

/// How long an authority holds.
const LIFE: Duration = Duration::from_secs(3653 * 86_400);

/// Authorities a folder may have at once.
const ROOTS_MAX: u32 = 32;

/// One authority.
#[derive(Debug)]
pub(super) struct Root {
    /// Its certificate, PEM.
    pub(super) pem: String,
    /// The same, DER.
    pub(super) certificate: CertificateDer<'static>,
    /// Since when it holds.
    pub(super) from: Moment,
    /// Until when.
    pub(super) until: Moment,
    /// Signs with its key.
    pub(super) issuer: Issuer<'static, KeyPair>,
}

/// Makes the first authority in `keys_dir`.
///
/// # Errors
/// When there is one already, or the disk refuses.
pub fn make(keys_dir: &Path, now: Moment) -> anyhow::Result<()> {
    ensure!(!certificate_path(keys_dir, 1).exists(), "`{}` has an authority already", keys_dir.display());
    add(keys_dir, 1, now)
}

/// Adds the authority that follows. It signs once it is [`AWAY_MAX`](super::AWAY_MAX) old; copy its files to every other instance before
/// that.
///
/// # Errors
/// When the folder cannot be read, or one that was added before does not sign yet.
pub fn rotate(keys_dir: &Path, now: Moment) -> anyhow::Result<Moment> {
    let roots = read(keys_dir, now)?;
    let newest = roots.last().context("there is no authority to be followed; run `preau-central init`")?;
    ensure!(
        roots.len() == 1 || newest.from + AWAY_MAX <= now,
        "the authority added at {} does not sign before {}",
        newest.from,
        newest.from + AWAY_MAX
    );
    let free = (1..=ROOTS_MAX).find(|number| !certificate_path(keys_dir, *number).exists());
    add(keys_dir, free.context("too many authorities; remove the files of those that have ended")?, now)?;
    Ok(now + AWAY_MAX)
}

/// The authorities of the folder that have not ended, the oldest first.
pub(super) fn read(keys_dir: &Path, now: Moment) -> anyhow::Result<Vec<Root>> {
    let mut roots = Vec::new();
    for number in 1..=ROOTS_MAX {
        let path = certificate_path(keys_dir, number);
        if path.exists() {
            let root = read_one(&path, &key_path(keys_dir, number));
            roots.push(root.with_context(|| format!("cannot use the authority `{}`", path.display()))?);
        }
    }
    roots.retain(|root| now < root.until);
    roots.sort_by_key(|root| root.from);
    ensure!(
        !roots.is_empty(),
        "`{}` has no authority that holds; run `preau-central init`",
        keys_dir.display()
    );
    Ok(roots)
}

/// The one that signs: the newest that every box can have heard of, or else the oldest.
pub(super) fn signing(roots: &[Root], now: Moment) -> Option<&Root> {
    roots.iter().rev().find(|root| root.from + AWAY_MAX <= now).or(roots.first())
}

fn certificate_path(keys_dir: &Path, number: u32) -> PathBuf {
    keys_dir.join(format!("authority-{number}.pem"))
}

fn key_path(keys_dir: &Path, number: u32) -> PathBuf {
    keys_dir.join(format!("authority-{number}.key"))
}

fn add(keys_dir: &Path, number: u32, now: Moment) -> anyhow::Result<()> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("Préau, autorité des boîtiers {number}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    hold(&mut params, now, now + LIFE);
    let certificate = params.self_signed(&key)?;
    // The key first: a certificate without its key would stop central from starting.
    write_new(&key_path(keys_dir, number), &key.serialize_pem())?;
    write_new(&certificate_path(keys_dir, number), &certificate.pem())
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| format!("cannot write `{}`", path.display()))
}

fn read_one(certificate_path: &Path, key_path: &Path) -> anyhow::Result<Root> {
    let mode = fs::metadata(key_path).context("its key is missing")?.permissions().mode();
    ensure!(mode & 0o077 == 0, "others can read `{}`: run `chmod 600 {0}`", key_path.display());
    let key = KeyPair::from_pem(&fs::read_to_string(key_path)?).context("its key cannot be read")?;
    let pem = fs::read_to_string(certificate_path)?;
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes()).context("it is no certificate")?;
    let (_, parsed) = X509Certificate::from_der(&certificate).context("it is no certificate")?;
    ensure!(
        parsed.public_key().subject_public_key.data == key.public_key_raw(),
        "its key is that of another certificate"
    );
    let validity = parsed.validity();
    let from = Moment::from_unix_seconds(validity.not_before.timestamp());
    let until = Moment::from_unix_seconds(validity.not_after.timestamp());
    let issuer = Issuer::from_ca_cert_der(&certificate, key)?;
    Ok(Root { pem, certificate: certificate.clone(), from, until, issuer })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_unix_seconds(1_795_132_800);
    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn an_authority_that_was_added_is_trusted_at_once_and_signs_once_every_box_can_know_it() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), NOW).unwrap();
        assert!(make(dir.path(), NOW).is_err(), "the first is never written over");
        let then = NOW + DAY;
        assert_eq!(rotate(dir.path(), then).unwrap(), then + AWAY_MAX);
        assert!(rotate(dir.path(), then + DAY).is_err(), "one after the other");
        let roots = read(dir.path(), then).unwrap();
        assert_eq!(roots.len(), 2);
        let signs = |now| signing(&roots, now).unwrap().from;
        assert_eq!(signs(then), NOW);
        assert_eq!(signs(then + AWAY_MAX - DAY), NOW);
        assert_eq!(signs(then + AWAY_MAX), then);
        assert_eq!(read(dir.path(), NOW + LIFE).unwrap().len(), 1, "the first has ended");
        assert!(read(dir.path(), then + LIFE).is_err());
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_missing_is_told() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), NOW).unwrap();
        let path = key_path(dir.path(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(format!("{:#}", read(dir.path(), NOW).unwrap_err()).contains("chmod 600"));
        fs::remove_file(&path).unwrap();
        assert!(format!("{:#}", read(dir.path(), NOW).unwrap_err()).contains("its key is missing"));
    }
}
