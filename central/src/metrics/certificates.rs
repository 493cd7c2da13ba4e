//! Until when central's certificates and signatures hold.

use std::path::Path;

use anyhow::Context as _;
use preau::model::Moment;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::{certificate::X509Certificate, prelude::FromDer as _};

/// Until when the first certificate of the PEM file at `path` holds.
pub(super) fn ends(path: &Path) -> anyhow::Result<Moment> {
    let context = || format!("cannot read the certificate `{}`", path.display());
    let certificate = CertificateDer::from_pem_file(path).with_context(context)?;
    let (_, parsed) = X509Certificate::from_der(&certificate).with_context(context)?;
    Ok(Moment::from_unix_seconds(parsed.validity().not_after.timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificates_end_is_read_from_its_file_and_a_file_without_one_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("console.pem");
        std::fs::write(&path, "nothing").unwrap();
        assert!(format!("{:#}", ends(&path).unwrap_err()).contains("console.pem"));
        let mut parameters = rcgen::CertificateParams::new(vec!["console.example".to_owned()]).unwrap();
        parameters.not_after = rcgen::date_time_ymd(2030, 1, 2);
        let key = rcgen::KeyPair::generate().unwrap();
        std::fs::write(&path, parameters.self_signed(&key).unwrap().pem()).unwrap();
        assert_eq!(ends(&path).unwrap(), Moment::from_unix_seconds(1_893_542_400));
    }
}
