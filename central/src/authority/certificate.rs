//! The certificates that the authority makes, and how those of boxes are read again.

use preau::model::{Moment, Uai};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SanType, SerialNumber,
};
use rustls::{crypto::aws_lc_rs, sign::CertifiedKey};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer as _};

use super::{
    limits::{BACKDATED, BOX_LIFE, SERVER_LIFE},
    request::Request,
    roots::Root,
    time::hold,
};

/// What the name of a school begins with in its box's certificate.
const SCHOOL_URI: &str = "preau:school:";

/// A certificate's number: 128 random bits, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Serial(pub(super) String);

impl Serial {
    pub(super) fn draw() -> anyhow::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        // Positive and of full length, as DER wants it.
        bytes[0] = bytes[0] & 0x7f | 0x40;
        Ok(Self(hexadecimal(&bytes)))
    }

    /// The number as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a box's certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The school.
    pub school: Uai,
    /// The certificate's number.
    pub serial: Serial,
    /// Since when it holds.
    pub from: Moment,
    /// Until when it holds.
    pub ends: Moment,
}

/// A certificate that was just made.
#[derive(Debug)]
pub(super) struct Issued {
    /// It and the authority's, PEM.
    pub(super) chain: String,
    pub(super) serial: Serial,
    pub(super) ends: Moment,
}

/// A box's certificate for the key of `request`.
pub(super) fn for_box(root: &Root, request: &Request, school: &Uai, now: Moment) -> anyhow::Result<Issued> {
    let serial = Serial::draw()?;
    let (from, ends) = ((now - BACKDATED).max(root.from), (now + BOX_LIFE).min(root.until));
    let mut params = params(from, ends, &serial);
    params.distinguished_name.push(DnType::CommonName, school.as_str());
    params.distinguished_name.push(DnType::CustomDnType(vec![2, 5, 4, 5]), serial.as_str());
    params.subject_alt_names = vec![SanType::URI(format!("{SCHOOL_URI}{}", school.as_str()).try_into()?)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&request.key, &root.issuer)?;
    Ok(Issued { chain: format!("{}{}", certificate.pem(), root.pem), serial, ends })
}

/// A certificate for central's own listener, with a key made for it.
pub(super) fn for_server(root: &Root, name: &str, now: Moment) -> anyhow::Result<CertifiedKey> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut params =
        params((now - BACKDATED).max(root.from), (now + SERVER_LIFE).min(root.until), &Serial::draw()?);
    params.distinguished_name.push(DnType::CommonName, name);
    params.subject_alt_names = vec![SanType::DnsName(name.try_into()?)];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.signed_by(&key, &root.issuer)?;
    let key = aws_lc_rs::sign::any_ecdsa_type(&PrivateKeyDer::from(key))?;
    // The authority's own comes with it: a box that has only a token knows it by its digest.
    Ok(CertifiedKey::new(vec![certificate.der().clone(), root.certificate.clone()], key))
}

/// What the certificate of a box says; none where it is another kind of certificate.
pub(super) fn read(certificate: &CertificateDer<'_>) -> Option<Shown> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let names = parsed.subject_alternative_name().ok()??;
    let [GeneralName::URI(uri)] = names.value.general_names.as_slice() else { return None };
    let validity = parsed.validity();
    Some(Shown {
        school: Uai::new(uri.strip_prefix(SCHOOL_URI)?)?,
        serial: Serial(hexadecimal(parsed.raw_serial())),
        from: Moment::from_unix_seconds(validity.not_before.timestamp()),
        ends: Moment::from_unix_seconds(validity.not_after.timestamp()),
    })
}

fn params(from: Moment, until: Moment, serial: &Serial) -> CertificateParams {
    let mut params = CertificateParams::default();
    hold(&mut params, from, until);
    params.serial_number = Some(SerialNumber::from(bytes(&serial.0)));
    params.distinguished_name = DistinguishedName::new();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    hexadecimal.as_bytes().chunks(2).map(|pair| pair.iter().fold(0, |sum, d| sum << 4 | digit(*d))).collect()
}
