//! What the authority goes by at the moment: whom it trusts, who signs, what was revoked, the listener's own certificate.
//! Made whole from the folder of keys and the database, and replaced whole.

use std::{collections::HashSet, fmt, path::Path, sync::Arc};

use anyhow::{Context as _, anyhow};
use preau::model::Moment;
use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, NamedGroup, RootCertStore, ServerConfig,
    SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::aws_lc_rs,
    server::{
        ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version::TLS13,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::sync::watch;

use super::{
    certificate::{self, Serial},
    limits::SERVER_RENEWED_AFTER,
    roots::{self, Root},
};
use crate::database::Database;

/// What the authority goes by.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) roots: Vec<Root>,
    pub(super) revoked: HashSet<Serial>,
    /// The version of the tunnel's parameters.
    pub(super) tunnel: u64,
    verifier: Arc<dyn ClientCertVerifier>,
    server: Arc<CertifiedKey>,
    /// Who signed the listener's certificate and when: another one, or long ago, and there is to be another.
    server_root: CertificateDer<'static>,
    server_made: Moment,
}

impl Standing {
    /// Reads folder and database; the listener's certificate of `before` is kept for as long as it is good.
    pub(super) async fn read(
        keys_dir: &Path,
        database: &Database,
        name: &str,
        before: Option<&Self>,
        now: Moment,
    ) -> anyhow::Result<Self> {
        let roots = roots::read(keys_dir, now)?;
        let sql = "SELECT serial FROM authority_certificate WHERE revoked IS NOT NULL";
        let rows = database.read(sql, &[]).await.context("cannot read what was revoked")?;
        let revoked =
            rows.iter().map(|row| Ok(Serial(row.text(0)?.to_owned()))).collect::<anyhow::Result<_>>()?;
        let sql = "SELECT value FROM authority_tunnel WHERE word = 'version'";
        let rows = database.read(sql, &[]).await.context("cannot read the tunnel's version")?;
        let tunnel = rows.first().map_or(Ok(0), |row| anyhow::Ok(row.text(0)?.parse()?))?;
        let signing = roots::signing(&roots, now).context("no authority signs")?;
        let server_root = signing.certificate.clone();
        let kept = before.filter(|before| {
            before.server_root == server_root && now < before.server_made + SERVER_RENEWED_AFTER
        });
        let (server, server_made) = match kept {
            Some(before) => (Arc::clone(&before.server), before.server_made),
            None => (Arc::new(certificate::for_server(signing, name, now)?), now),
        };
        let verifier = verifier(&roots)?;
        Ok(Self { roots, revoked, tunnel, verifier, server, server_root, server_made })
    }

    /// The authority that signs.
    pub(super) fn signing(&self, now: Moment) -> anyhow::Result<&Root> {
        roots::signing(&self.roots, now).ok_or_else(|| anyhow!("no authority signs"))
    }
}

fn verifier(roots: &[Root]) -> anyhow::Result<Arc<dyn ClientCertVerifier>> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.certificate.clone())?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(store), provider)
        .allow_unauthenticated()
        .build()?)
}

/// The listener's side of TLS 1.3 by what stands at the moment. Nothing is remembered of connections before, so that each
/// shows its certificate.
pub(super) fn server_config(
    name: String,
    standing: watch::Receiver<Arc<Standing>>,
) -> anyhow::Result<Arc<ServerConfig>> {
    let door = Arc::new(Door { name, standing });
    let verifier: Arc<dyn ClientCertVerifier> = Arc::<Door>::clone(&door);
    // As boxes do: first what a quantum computer does not undo.
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups.sort_by_key(|group| group.name() != NamedGroup::X25519MLKEM768);
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(door);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Where a box comes in.
struct Door {
    name: String,
    standing: watch::Receiver<Arc<Standing>>,
}

impl Door {
    fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.standing.borrow().verifier)
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Door")
    }
}

impl ResolvesServerCert for Door {
    /// Whoever asks for another name has come to the wrong door, and is told so by an alert.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let is_ours = hello.server_name().is_some_and(|asked| asked.eq_ignore_ascii_case(&self.name));
        is_ours.then(|| Arc::clone(&self.standing.borrow().server))
    }
}

impl ClientCertVerifier for Door {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    /// Here only who signed counts. Whether the certificate has ended or was revoked is asked at every request, by
    /// central's own clock: a box that was off for the summer must be able to say what it wants.
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let shown = certificate::read(end_entity)
            .ok_or(Error::InvalidCertificate(rustls::CertificateError::BadEncoding))?;
        let began = u64::try_from(shown.from.unix_seconds()).unwrap_or(0);
        let then = UnixTime::since_unix_epoch(std::time::Duration::from_secs(began));
        self.verifier().verify_client_cert(end_entity, intermediates, then)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier().verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier().verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier().supported_verify_schemes()
    }
}
