//! Eight o'clock: many pupils who open the portal and sign in, each from a machine of their own.
//!
//! Machine n is the interface `mN`; its pupil signs in as `mesure.N`. Each opens the first page and sends its form on the
//! same connection, as a browser does. Who is told to come back later does so once.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    net::TcpSocket,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsConnector;

use super::Done;
use crate::plan::{PASSWORD, PORTAL, SIGN_IN_FIELDS};

/// How long one sign-in may take, its second try included.
const SIGN_IN_WAIT_MAX: Duration = Duration::from_secs(60);

/// How often a pupil tries.
const TRIES: u32 = 2;

/// Lets `machines` pupils sign in at the portal's address, evenly spread over `window`. Times are from the opening of the
/// connection to being let in.
///
/// # Errors
/// When the authority at `authority_path` cannot be read.
pub async fn sign_ins(
    portal: SocketAddr,
    machines: u32,
    window: Duration,
    authority_path: &Path,
) -> anyhow::Result<Done> {
    let authority = CertificateDer::from_pem_file(authority_path).context("cannot read the authority")?;
    let mut roots = RootCertStore::empty();
    roots.add(authority).context("cannot trust the authority")?;
    let mut settings = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    // Each machine is one that comes for the first time.
    settings.resumption = rustls::client::Resumption::disabled();
    let connector = TlsConnector::from(Arc::new(settings));
    let (started, before) = (Instant::now(), Done::new(0, 0, 0.0, &[]));
    let mut pupils = JoinSet::new();
    for number in 1..=machines {
        let (connector, begins) = (connector.clone(), window.saturating_mul(number - 1) / machines.max(1));
        pupils.spawn(async move {
            sleep(begins).await;
            let opened = Instant::now();
            let signed_in = timeout(SIGN_IN_WAIT_MAX, sign_in(portal, number, &connector)).await;
            let let_in = signed_in.is_ok_and(|outcome| outcome.is_ok());
            let_in.then(|| opened.elapsed().as_secs_f64() * 1e6)
        });
    }
    let mut times_us = Vec::new();
    while let Some(time) = pupils.join_next().await {
        times_us.extend(time?);
    }
    let let_in = u32::try_from(times_us.len())?;
    let done = Done::new(let_in, machines - let_in, started.elapsed().as_secs_f64(), &times_us);
    Ok(Done { cpu_seconds: done.cpu_seconds - before.cpu_seconds, ..done })
}

async fn sign_in(portal: SocketAddr, number: u32, connector: &TlsConnector) -> anyhow::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind_device(Some(format!("m{number}").as_bytes()))?;
    let stream = socket.connect(portal).await?;
    let stream = connector.connect(ServerName::try_from(PORTAL)?, stream).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let [login, password] = SIGN_IN_FIELDS;
    let form = format!("{login}=mesure.{number}&{password}={PASSWORD}");
    let talk = async move {
        let page = Request::get("/").header(header::HOST, PORTAL).body(Full::new(Bytes::new()))?;
        sender.send_request(page).await?.into_body().collect().await?;
        for _ in 0..TRIES {
            sender.ready().await?;
            let request = Request::post("/connexion")
                .header(header::HOST, PORTAL)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Full::new(Bytes::from(form.clone())))?;
            let answer = sender.send_request(request).await?;
            let (head, body) = answer.into_parts();
            body.collect().await?;
            let wait =
                head.headers.get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
            match (head.status, wait) {
                (StatusCode::SEE_OTHER, _) => return Ok(()),
                (_, Some(seconds)) => sleep(Duration::from_secs(seconds)).await,
                (status, None) => bail!("the portal answers {status}"),
            }
        }
        bail!("told to come back {TRIES} times")
    };
    let (outcome, _) = tokio::join!(talk, connection);
    outcome
}
