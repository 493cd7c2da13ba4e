//! A client of HTTP/3 that asks one site at an address of the caller's choice, as a program may that does not ask DNS.

use std::{
    fs::File,
    io::{BufReader, Write as _},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use bytes::{Buf as _, Bytes};
use quinn::{ClientConfig, Endpoint, TransportConfig, crypto::rustls::QuicClientConfig};
use rustls_pki_types::{CertificateDer, pem::PemObject as _};

/// How long the connection may be silent: less than the patience of those who wait for it to break.
const IDLE_MAX: Duration = Duration::from_secs(4);

/// Fetches `path` of the site called `name` from the server at `address`, and writes the body to the output as it comes.
///
/// # Errors
/// When the connection fails, or breaks before the body's end; the message says how.
pub async fn fetch(address: SocketAddr, name: &str, path: &str, authority_path: &Path) -> anyhow::Result<()> {
    let local: SocketAddr =
        if address.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let mut endpoint = Endpoint::client(local).context("cannot open a socket")?;
    endpoint.set_default_client_config(configuration(authority_path)?);
    let connection = endpoint.connect(address, name)?.await.context("no connection")?;
    let (mut driver, mut requests) = h3::client::new(h3_quinn::Connection::new(connection)).await?;
    let talk = async {
        let request = hyper::Request::get(format!("https://{name}{path}")).body(())?;
        let mut stream = requests.send_request(request).await?;
        stream.finish().await?;
        let response = stream.recv_response().await.context("no response")?;
        anyhow::ensure!(response.status().is_success(), "status {}", response.status());
        let mut output = std::io::stdout().lock();
        while let Some(mut part) = stream.recv_data().await.context("the body breaks off")? {
            let bytes: Bytes = part.copy_to_bytes(part.remaining());
            output.write_all(&bytes)?;
            output.flush()?;
        }
        Ok(())
    };
    tokio::select! {
        done = talk => done,
        ended = std::future::poll_fn(|context| driver.poll_close(context)) => Err(ended.into()),
    }
}

fn configuration(authority_path: &Path) -> anyhow::Result<ClientConfig> {
    let mut roots = rustls::RootCertStore::empty();
    let file = File::open(authority_path).context("cannot read the authority")?;
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(file)) {
        roots.add(certificate.context("the authority's file is no PEM")?)?;
    }
    let mut tls = rustls::ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let mut configuration = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    let mut transport = TransportConfig::default();
    transport.max_idle_timeout(Some(IDLE_MAX.try_into()?));
    configuration.transport_config(Arc::new(transport));
    Ok(configuration)
}
