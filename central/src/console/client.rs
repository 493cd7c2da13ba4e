//! Certificates that visitors' browsers show: from an authority that the académie trusts for its people, read into a login.
//!
//! Whoever shows one comes in by password and certificate in place of password and code. A certificate alone lets nobody
//! in, and gives no right: rights are given by person, in the register. Certificates that were withdrawn before their end
//! are not known here; their holder's access is ended in the register.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, ensure};
use rustls::{
    RootCertStore,
    crypto::aws_lc_rs,
    server::{WebPkiClientVerifier, danger::ClientCertVerifier},
};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use x509_parser::{
    certificate::X509Certificate, der_parser::oid, extensions::GeneralName, prelude::FromDer as _,
};

/// Authorities that one file may hold.
const AUTHORITIES_MAX: usize = 32;

/// The longest login that a certificate may say, in bytes.
const LOGIN_BYTES_MAX: usize = 320;

/// Whose certificates are believed, and where in them the login is.
#[derive(Clone, Debug)]
pub struct ClientCertificates {
    /// The authorities, PEM.
    pub authority_path: PathBuf,
    /// The field that holds the login.
    pub field: LoginField,
}

/// The field of a certificate that holds the login of its person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginField {
    /// The mail address among the subject's alternative names (RFC 5280 4.2.1.6, `rfc822Name`).
    Mail,
    /// The subject's common name.
    CommonName,
    /// The subject's user identifier (RFC 4519 2.39).
    UserId,
}

/// The login that the certificate of a connection says; none without a certificate.
#[derive(Clone, Debug, Default)]
pub(super) struct Certified(pub(super) Option<Arc<str>>);

impl LoginField {
    /// The word of configuration files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::CommonName => "common-name",
            Self::UserId => "user-id",
        }
    }

    /// The field of that word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Mail, Self::CommonName, Self::UserId].into_iter().find(|field| field.word() == word)
    }

    /// The login that `certificate` says in this field, in small letters; none where it says none, or several.
    fn login(self, certificate: &CertificateDer<'_>) -> Option<String> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let subject = parsed.subject();
        let mut said: Vec<&str> = match self {
            Self::Mail => {
                let names = parsed.subject_alternative_name().ok()??;
                let mail = |name| if let &GeneralName::RFC822Name(mail) = name { Some(mail) } else { None };
                names.value.general_names.iter().filter_map(mail).collect()
            }
            Self::CommonName => subject.iter_common_name().filter_map(|name| name.as_str().ok()).collect(),
            Self::UserId => subject
                .iter_by_oid(&oid!(0.9.2342.19200300.100.1.1))
                .filter_map(|name| name.as_str().ok())
                .collect(),
        };
        let login = said.pop().filter(|_| said.is_empty())?.trim().to_lowercase();
        (!login.is_empty() && login.len() <= LOGIN_BYTES_MAX).then_some(login)
    }
}

impl ClientCertificates {
    /// What the handshake asks visitors for: a certificate of these authorities, or none.
    ///
    /// # Errors
    /// When the file cannot be read or holds no authority.
    pub(super) fn verifier(&self) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
        let shown = self.authority_path.display();
        let mut roots = RootCertStore::empty();
        let certificates = CertificateDer::pem_file_iter(&self.authority_path)
            .with_context(|| format!("cannot read the client authority `{shown}` (PEM)"))?;
        for certificate in certificates.take(AUTHORITIES_MAX) {
            let certificate = certificate.with_context(|| format!("`{shown}` is not PEM"))?;
            roots.add(certificate).with_context(|| format!("`{shown}` holds what is no authority"))?;
        }
        ensure!(!roots.is_empty(), "`{shown}` holds no PEM certificate");
        let provider = Arc::new(aws_lc_rs::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .allow_unauthenticated()
            .build()
            .with_context(|| format!("cannot use the client authority `{shown}`"))
    }

    /// The login that the chain a visitor showed says: the handshake has verified it.
    pub(super) fn certified(&self, chain: Option<&[CertificateDer<'_>]>) -> Certified {
        let login = chain.and_then(|chain| self.field.login(chain.first()?));
        Certified(login.map(Arc::from))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use rcgen::{
        BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
        date_time_ymd,
    };
    use rustls::ClientConfig;
    use rustls_pki_types::{PrivateKeyDer, ServerName};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
    };
    use tokio_rustls::TlsConnector;
    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::console::{
        backstage::{Backstage, NAME, PASSWORD},
        service::Service,
    };

    /// An authority of tests.
    struct Authority(Issuer<'static, KeyPair>, String);

    impl Authority {
        fn new() -> Self {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::default();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let pem = params.self_signed(&key).unwrap().pem();
            Self(Issuer::new(params, key), pem)
        }

        /// A certificate for the person of that login, good until that year, with its key.
        fn certify(&self, login: &str, until: i32) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
            let key = KeyPair::generate().unwrap();
            let mut params = CertificateParams::default();
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(until, 1, 1);
            params.distinguished_name.push(DnType::CommonName, "Camille Exemple");
            params
                .distinguished_name
                .push(DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]), "cexemple");
            params.subject_alt_names = vec![SanType::Rfc822Name(login.try_into().unwrap())];
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
            let certificate = params.signed_by(&key, &self.0).unwrap();
            (certificate.der().clone(), PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        }
    }

    /// A console on a socket, that believes `authority`; gives its address, and what trusts its own certificate.
    fn console(
        backstage: &Backstage,
        dir: &Path,
        authority: &Authority,
        stop: &CancellationToken,
    ) -> (std::net::SocketAddr, RootCertStore, tokio::task::JoinSet<()>) {
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new([NAME.to_owned()]).unwrap().self_signed(&key).unwrap();
        let mut settings = backstage.settings.clone();
        fs::write(&settings.certificate_path, own.pem()).unwrap();
        fs::write(&settings.key_path, key.serialize_pem()).unwrap();
        let authority_path = dir.join("authority.pem");
        fs::write(&authority_path, &authority.1).unwrap();
        settings.clients = Some(ClientCertificates { authority_path, field: LoginField::Mail });
        let service = Service::bind(settings, backstage.parts.clone()).unwrap();
        let address = service.address().unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(own.der().clone()).unwrap();
        let (mut tasks, stop) = (tokio::task::JoinSet::new(), stop.clone());
        tasks.spawn(async move { service.serve(stop).await.unwrap() });
        (address, roots, tasks)
    }

    /// What the console answers to the sign-in form of `login`, sent by a browser with that certificate.
    async fn sign_in(
        (address, roots): (std::net::SocketAddr, &RootCertStore),
        certificate: Option<(CertificateDer<'static>, PrivateKeyDer<'static>)>,
        login: &str,
    ) -> std::io::Result<String> {
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone());
        let config = match certificate {
            Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from(NAME).unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let body = format!("login={login}&password={}&suite=%2Fcompte", PASSWORD.replace(' ', "+"));
        let request = format!(
            "POST /connexion HTTP/1.1\r\nHost: {NAME}\r\nSec-Fetch-Site: same-origin\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).to_lowercase())
    }

    #[tokio::test]
    async fn a_certificate_takes_the_place_of_the_code_for_its_own_person_only() {
        let (backstage, dir) = (Backstage::open().await, tempfile::tempdir().unwrap());
        for login in ["camille@ac-exemple.fr", "alix@ac-exemple.fr"] {
            backstage.person(login, &[]).await;
        }
        let (authority, stop) = (Authority::new(), CancellationToken::new());
        let (address, roots, mut serving) = console(&backstage, dir.path(), &authority, &stop);
        let there = (address, &roots);
        let own = || Some(authority.certify("Camille@AC-exemple.fr", 2040));
        let answer = sign_in(there, own(), "camille@ac-exemple.fr").await.unwrap();
        assert!(answer.contains("location: /compte") && answer.contains("__host-session="), "{answer}");
        for (certificate, login) in [(None, "camille@ac-exemple.fr"), (own(), "alix@ac-exemple.fr")] {
            let answer = sign_in(there, certificate, login).await.unwrap();
            assert!(
                answer.contains("location: /connexion/code") && !answer.contains("__host-session="),
                "{answer}"
            );
        }
        let strange = Authority::new().certify("camille@ac-exemple.fr", 2040);
        let ended = authority.certify("camille@ac-exemple.fr", 2021);
        for refused in [strange, ended] {
            let answer = sign_in(there, Some(refused), "camille@ac-exemple.fr").await;
            assert!(!answer.is_ok_and(|answer| answer.contains("http/1.1")), "a handshake that should fail");
        }
        stop.cancel();
        serving.join_next().await;
    }

    #[tokio::test]
    async fn a_certificate_without_the_password_lets_nobody_in() {
        let backstage = Backstage::open().await;
        backstage.person("camille@ac-exemple.fr", &[]).await;
        let stage = crate::people::Token::draw().unwrap();
        let address = "192.0.2.7".parse().unwrap();
        let login = "camille@ac-exemple.fr";
        let proved = backstage.people.prove_by_certificate(&stage, login, address, "").await.unwrap();
        assert!(proved.is_err());
    }

    #[test]
    fn the_login_stands_in_the_field_that_was_chosen_and_stands_there_once() {
        let (certificate, _) = Authority::new().certify("c@exemple.fr", 2040);
        let read = |word| LoginField::read(word).unwrap().login(&certificate);
        assert_eq!(read("mail").as_deref(), Some("c@exemple.fr"));
        assert_eq!(read("common-name").as_deref(), Some("camille exemple"));
        assert_eq!(read("user-id").as_deref(), Some("cexemple"));
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.subject_alt_names =
            ["a@exemple.fr", "b@exemple.fr"].map(|mail| SanType::Rfc822Name(mail.try_into().unwrap())).into();
        let twice = params.self_signed(&key).unwrap();
        assert_eq!(LoginField::Mail.login(twice.der()), None);
        assert_eq!(LoginField::read("surname"), None);
        assert_eq!(LoginField::Mail.login(&CertificateDer::from(vec![0x30])), None);
    }
}
