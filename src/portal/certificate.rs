//! The portal's certificate on disk: read and checked.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, bail};
use rustls::{
    CertificateError, Error, RootCertStore,
    client::{verify_server_cert_signed_by_trust_anchor, verify_server_name},
    crypto::aws_lc_rs,
    server::ParsedCertificate,
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _};

use crate::model::{Domain, Moment};

/// Certificates a chain may hold.
const CHAIN_MAX: usize = 8;

/// Checks that the portal can show this certificate under `name`: chain and key are readable PEM and belong together,
/// and the name is one of the certificate's. Who signed it is for the machines of the school to judge; its dates are
/// [`check_dates`]'s, for a box whose clock is wrong must start all the same (decision D18).
///
/// # Errors
/// The first check that fails, naming the file.
pub fn check_certificate(name: &Domain, certificate_path: &Path, key_path: &Path) -> anyhow::Result<()> {
    read_for(name, certificate_path, key_path).map(drop)
}

/// The certificate and its key, checked as [`check_certificate`] does.
pub(super) fn read_for(
    name: &Domain,
    certificate_path: &Path,
    key_path: &Path,
) -> anyhow::Result<CertifiedKey> {
    let certified = read(certificate_path, key_path)?;
    let shown = certificate_path.display();
    let parsed = own_certificate(&certified, certificate_path)?;
    let server_name = ServerName::try_from(name.as_str())
        .with_context(|| format!("`{name}` is no name a certificate can have"))?;
    if verify_server_name(&parsed, &server_name).is_err() {
        bail!("the certificate in `{shown}` is not for `{name}`; that name must be among its names");
    }
    Ok(certified)
}

/// Checks that the certificate holds at `now`.
///
/// # Errors
/// When it has ended or not begun, with the moment and what to do.
pub fn check_dates(certificate_path: &Path, key_path: &Path, now: Moment) -> anyhow::Result<()> {
    let certified = read(certificate_path, key_path)?;
    dates_hold(&own_certificate(&certified, certificate_path)?, now)
        .with_context(|| format!("the certificate in `{}` does not hold", certificate_path.display()))
}

fn own_certificate<'a>(certified: &'a CertifiedKey, path: &Path) -> anyhow::Result<ParsedCertificate<'a>> {
    let shown = path.display();
    let own = certified.end_entity_cert().with_context(|| format!("`{shown}` holds no certificate"))?;
    ParsedCertificate::try_from(own).with_context(|| format!("cannot read the certificate in `{shown}`"))
}

/// Asks the verifier with no authority to trust: it looks at the dates first, and what it says of the rest is expected.
fn verified_at(certificate: &ParsedCertificate<'_>, since_epoch: Duration) -> Result<(), Error> {
    verify_server_cert_signed_by_trust_anchor(
        certificate,
        &RootCertStore::empty(),
        &[],
        UnixTime::since_unix_epoch(since_epoch),
        aws_lc_rs::default_provider().signature_verification_algorithms.all,
    )
}

fn dates_hold(certificate: &ParsedCertificate<'_>, now: Moment) -> anyhow::Result<()> {
    let answer =
        verified_at(certificate, Duration::from_secs(u64::try_from(now.unix_seconds()).unwrap_or(0)));
    let told = |time: UnixTime| {
        i64::try_from(time.as_secs())
            .map_or_else(|_| String::from("?"), |s| Moment::from_unix_seconds(s).to_string())
    };
    match answer {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            bail!("it ended at {}; renew it", told(not_after))
        }
        Err(Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
            bail!("it begins at {} only; check the clock of the box", told(not_before))
        }
        _ => Ok(()),
    }
}

fn read(certificate_path: &Path, key_path: &Path) -> anyhow::Result<CertifiedKey> {
    let (shown, key_shown) = (certificate_path.display(), key_path.display());
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate_path)
        .and_then(|certificates| certificates.take(CHAIN_MAX + 1).collect())
        .with_context(|| format!("cannot read the certificate chain `{shown}` (PEM)"))?;
    if chain.is_empty() {
        bail!("`{shown}` holds no PEM certificate");
    }
    if chain.len() > CHAIN_MAX {
        bail!("`{shown}` holds more than {CHAIN_MAX} certificates; leave only the chain of the portal's own");
    }
    let key = PrivateKeyDer::from_pem_file(key_path)
        .with_context(|| format!("cannot read the private key `{key_shown}` (PEM, without a password)"))?;
    match CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()) {
        Ok(certified) => Ok(certified),
        Err(Error::InconsistentKeys(_)) => {
            bail!("the key in `{key_shown}` is not that of the first certificate in `{shown}`")
        }
        Err(error) => Err(error)
            .with_context(|| format!("cannot use the certificate `{shown}` with the key `{key_shown}`")),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{fs, path::PathBuf};

    use super::*;

    /// 2026-11-23.
    const NOW: Moment = Moment::from_unix_seconds(1_795_417_500);

    /// A certificate for `portail.exemple`, valid in these years, written to `dir` with its key.
    fn write_pair_valid(dir: &Path, years: [i32; 2]) -> (PathBuf, PathBuf) {
        let mut params = rcgen::CertificateParams::new([String::from("portail.exemple")]).unwrap();
        params.not_before = rcgen::date_time_ymd(years[0], 1, 1);
        params.not_after = rcgen::date_time_ymd(years[1], 1, 1);
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let (certificate_path, key_path) = (dir.join("portal.pem"), dir.join("portal.key"));
        fs::write(&certificate_path, certificate.pem()).unwrap();
        fs::write(&key_path, key.serialize_pem()).unwrap();
        (certificate_path, key_path)
    }

    pub(in crate::portal) fn write_pair(dir: &Path) -> (PathBuf, PathBuf) {
        write_pair_valid(dir, [2026, 2027])
    }

    /// A certificate for `portail.exemple` that fits whatever the clock of the test machine says.
    pub(in crate::portal) fn write_pair_valid_always(dir: &Path) -> (PathBuf, PathBuf) {
        write_pair_valid(dir, [1975, 4096])
    }

    fn failure(name: &str, certificate: &Path, key: &Path) -> String {
        let name = name.parse().unwrap();
        format!("{:#}", check_certificate(&name, certificate, key).unwrap_err())
    }

    #[test]
    fn a_fitting_pair_is_accepted() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = write_pair(dir.path());
        check_certificate(&"portail.exemple".parse().unwrap(), &certificate, &key).unwrap();
        check_dates(&certificate, &key, NOW).unwrap();
    }

    #[test]
    fn another_name_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = write_pair(dir.path());
        assert!(failure("autre.exemple", &certificate, &key).contains("is not for `autre.exemple`"));
    }

    #[test]
    fn dates_that_do_not_fit_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = write_pair(dir.path());
        let told = |now| format!("{:#}", check_dates(&certificate, &key, now).unwrap_err());
        let year = Duration::from_secs(365 * 86_400);
        assert!(told(NOW + year).contains("ended at 2027-01-01T00:00:00"));
        assert!(told(NOW - year).contains("begins at 2026-01-01T00:00:00"));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (dir, other_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (certificate, _) = write_pair(dir.path());
        let (_, other_key) = write_pair(other_dir.path());
        assert!(failure("portail.exemple", &certificate, &other_key).contains("is not that of the first"));
    }

    #[test]
    fn missing_empty_and_cut_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let (certificate, key) = write_pair(dir.path());
        let bad_path = dir.path().join("bad.pem");
        assert!(failure("portail.exemple", &bad_path, &key).contains("bad.pem"));
        fs::write(&bad_path, "").unwrap();
        assert!(failure("portail.exemple", &bad_path, &key).contains("holds no PEM certificate"));
        let whole = fs::read_to_string(&certificate).unwrap();
        fs::write(&bad_path, &whole[..whole.len() / 2]).unwrap();
        assert!(failure("portail.exemple", &bad_path, &key).contains("bad.pem"));
        assert!(failure("portail.exemple", &certificate, &bad_path).contains("bad.pem"));
    }
}
