//! The portal, seen from a browser on the host: what it sends to a loopback port arrives as if the pupil's machine had
//! sent it.
//!
//! Two halves. Outside, a port of the host's loopback whose bytes go to a socket on the lab's files. Inside, on the
//! pupil's machine, an HTTP proxy behind that socket which speaks TLS to the portal under its own name. Pages are carried whole: what never ends never arrives.

use std::{fs, io, net::Ipv4Addr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Request, Response, Uri,
    body::Incoming,
    client::conn::http1,
    header::{self, HeaderMap, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::plan::PORTAL;

/// How long the portal may take to accept a connection.
const CONNECT_WAIT_MAX: Duration = Duration::from_secs(10);
/// The longest page carried, in bytes.
const PAGE_BYTES_MAX: usize = 16 << 20;
/// Connections of the host's browser at once.
const AT_ONCE_MAX: usize = 64;

/// The machine whose view of the portal the host's browser has.
pub const MACHINE: &str = "eleve";

/// The socket between the halves, within the lab's directory.
const SOCKET: &str = "eleve/door.sock";

/// The half outside: a listener on the host's loopback, on `port` or, where that is taken, on a free one.
///
/// # Errors
/// When the host has no loopback.
pub async fn listen(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
    }
}

/// Carries the bytes of `listener`'s connections into the lab whose files are in `lab_dir`, until dropped.
pub async fn carry(listener: TcpListener, lab_dir: &Path) {
    let socket_path = Arc::new(lab_dir.join(SOCKET));
    let mut work = JoinSet::new();
    loop {
        let Ok((mut outside, _)) = listener.accept().await else { continue };
        while work.try_join_next().is_some() {}
        if work.len() >= AT_ONCE_MAX {
            continue;
        }
        let socket_path = Arc::clone(&socket_path);
        work.spawn(async move {
            if let Ok(mut inside) = UnixStream::connect(&*socket_path).await {
                // A browser that goes away ends its own connection only.
                copy_bidirectional(&mut outside, &mut inside).await.ok();
            }
        });
    }
}

/// The half inside: serves the socket in `lab_dir` until killed.
///
/// # Errors
/// When the socket cannot be made or the lab's authority is missing.
pub async fn serve(lab_dir: &Path) -> anyhow::Result<()> {
    let authority = CertificateDer::from_pem_file(lab_dir.join("authority/authority.pem"));
    let mut roots = RootCertStore::empty();
    roots.add(authority.context("cannot read the authority")?).context("cannot trust the authority")?;
    let settings = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(settings));
    let socket_path = lab_dir.join(SOCKET);
    fs::remove_file(&socket_path).ok();
    let listener = UnixListener::bind(&socket_path).context("cannot listen for the host's browser")?;
    let mut work = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        while work.try_join_next().is_some() {}
        let connector = connector.clone();
        work.spawn(async move {
            let service = service_fn(|request| forward(request, &connector));
            let server = hyper::server::conn::http1::Builder::new();
            server.serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

/// Sends one request to the portal as the pupil's browser would, and turns its answer back.
async fn forward(
    mut request: Request<Incoming>,
    connector: &TlsConnector,
) -> anyhow::Result<Response<Full<Bytes>>> {
    let own_host = request.headers().get(header::HOST).cloned();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    *request.uri_mut() = path.parse::<Uri>().context("not a path")?;
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static(PORTAL));
    for name in [header::ORIGIN, header::REFERER] {
        rewrite(headers, &name, own_host.as_ref(), &format!("https://{PORTAL}"));
    }
    let connection =
        timeout(CONNECT_WAIT_MAX, connect(connector)).await.context("the portal is silent")??;
    let (mut sender, connection) = http1::handshake(TokioIo::new(connection)).await?;
    let talk = async move {
        let (head, body) = sender.send_request(request).await?.into_parts();
        let body = Limited::new(body, PAGE_BYTES_MAX).collect().await.map_err(|cause| anyhow!(cause))?;
        anyhow::Ok(Response::from_parts(head, Full::new(body.to_bytes())))
    };
    // The connection ends when its sender is dropped, with the talk.
    let (answer, _) = tokio::join!(talk, connection);
    let mut answer = answer.context("the portal does not answer")?;
    let headers = answer.headers_mut();
    headers.remove(header::STRICT_TRANSPORT_SECURITY);
    headers.remove(header::TRANSFER_ENCODING);
    let location = headers.get(header::LOCATION).and_then(|place| place.to_str().ok());
    if let Some(path) = location.and_then(|place| place.strip_prefix(&format!("https://{PORTAL}"))) {
        let path = HeaderValue::from_str(if path.is_empty() { "/" } else { path })?;
        headers.insert(header::LOCATION, path);
    }
    Ok(answer)
}

/// Puts `portal` in place of the proxy's own address in the header `name`.
fn rewrite(headers: &mut HeaderMap, name: &header::HeaderName, own_host: Option<&HeaderValue>, portal: &str) {
    let text = headers.get(name).and_then(|value| value.to_str().ok());
    let own_host = own_host.and_then(|host| host.to_str().ok());
    if let (Some(text), Some(host)) = (text, own_host)
        && let Ok(value) = HeaderValue::from_str(&text.replace(&format!("http://{host}"), portal))
    {
        headers.insert(name, value);
    }
}

async fn connect(connector: &TlsConnector) -> anyhow::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let stream = TcpStream::connect((PORTAL, 443)).await.context("cannot reach the portal")?;
    let name = ServerName::try_from(PORTAL).context("the portal's name is no name")?;
    connector.connect(name, stream).await.context("cannot speak TLS to the portal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_sent_through_the_door_comes_from_the_portal_itself() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static("http://127.0.0.1:8765"));
        let host = HeaderValue::from_static("127.0.0.1:8765");
        rewrite(&mut headers, &header::ORIGIN, Some(&host), "https://portail.college.exemple");
        assert_eq!(headers[header::ORIGIN], "https://portail.college.exemple");
    }
}
