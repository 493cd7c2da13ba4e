//! One connection of a simulated box, kept from request to request.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Request, StatusCode,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use preau::protocol::line::BYTES_MAX;
use tokio::{net::TcpSocket, task::JoinSet};
use tokio_rustls::TlsConnector;

use super::membership::Membership;

/// The largest buffer of a connection, in bytes; hyper takes no smaller one.
const BUFFER_BYTES: usize = 8192;

/// A connection. Dropped, it ends.
#[derive(Debug)]
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    host: String,
    _driver: JoinSet<()>,
}

/// What was answered.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<u64>,
    pub(super) body: Bytes,
}

impl Connection {
    /// Connects box `number` to `central`.
    pub(super) async fn open(
        membership: &Membership,
        central: SocketAddr,
        number: u32,
    ) -> anyhow::Result<Self> {
        let socket = if central.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if central.ip().is_loopback() && central.is_ipv4() {
            socket.bind(SocketAddr::new(own_address(number), 0))?;
        }
        let stream = socket.connect(central).await.context("connect")?;
        stream.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(&membership.tls));
        let stream = connector.connect(membership.name.clone(), stream).await.context("handshake")?;
        let (requests, connection) =
            http1::Builder::new().max_buf_size(BUFFER_BYTES).handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // How it ended is told by the request that waits.
            let _ = connection.await;
        });
        Ok(Self { requests, host: membership.name.to_str().into_owned(), _driver: driver })
    }

    pub(super) async fn post(&mut self, path: &str, body: Vec<u8>) -> anyhow::Result<Answered> {
        self.ask(Method::POST, path, Bytes::from(body)).await
    }

    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<Bytes> {
        let answered = self.ask(Method::GET, path, Bytes::new()).await?;
        ensure!(answered.status == StatusCode::OK, "HTTP {}", answered.status.as_u16());
        Ok(answered.body)
    }

    async fn ask(&mut self, method: Method, path: &str, body: Bytes) -> anyhow::Result<Answered> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, &self.host)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))?;
        self.requests.ready().await?;
        let response = self.requests.send_request(request).await?;
        let (head, body) = response.into_parts();
        let retry_after = head.headers.get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()?.parse().ok());
        let body = Limited::new(body, BYTES_MAX).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!(error))?.to_bytes();
        Ok(Answered { status: head.status, retry_after, body })
    }
}

/// An address of its own for each box, so that central does not take them for one stranger.
fn own_address(number: u32) -> IpAddr {
    let [_, high, middle, low] = (number + 2).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 16 + high, middle, low))
}
