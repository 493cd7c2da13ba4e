//! The same web servers over QUIC (HTTP/3): any name, with a certificate made for the name asked.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

use anyhow::Context as _;
use bytes::{Buf as _, Bytes, BytesMut};
use h3::{quic::BidiStream, server::RequestStream};
use http_body_util::BodyExt as _;
use quinn::{
    Endpoint, EndpointConfig, Incoming, ServerConfig, TokioRuntime, crypto::rustls::QuicServerConfig,
};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::task::JoinSet;

use super::{
    dns,
    web::{Site, Way, answer},
};
use crate::authority::NamedServers;

/// The port of the web.
const PORT: u16 = 443;
/// The longest request body read, in bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Endpoints on every address of both families.
pub(super) fn listen_everywhere(servers: &Arc<NamedServers>) -> anyhow::Result<[Endpoint; 2]> {
    let crypto = QuicServerConfig::try_from(NamedServers::over_quic(servers)?)
        .context("cannot use the servers' configuration for QUIC")?;
    let configuration = ServerConfig::with_crypto(Arc::new(crypto));
    let listen = |address: SocketAddr| -> anyhow::Result<Endpoint> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
            // Answers leave from the address asked for; in IPv6 a route to oneself alone does not make it one's own.
            socket.set_freebind_v6(true)?;
        }
        socket.bind(&address.into()).with_context(|| format!("cannot bind UDP {address}"))?;
        let socket = UdpSocket::from(socket);
        let configuration = Some(configuration.clone());
        Ok(Endpoint::new(EndpointConfig::default(), configuration, socket, Arc::new(TokioRuntime))?)
    };
    Ok([listen((Ipv4Addr::UNSPECIFIED, PORT).into())?, listen((Ipv6Addr::UNSPECIFIED, PORT).into())?])
}

pub(super) async fn serve(endpoint: Endpoint, site: Arc<Site>) -> anyhow::Result<()> {
    let mut work = JoinSet::new();
    while let Some(incoming) = endpoint.accept().await {
        dns::make_room(&mut work).await;
        let site = Arc::clone(&site);
        // A client that fails, or goes away, is no failure of the Internet.
        work.spawn(async move { converse(incoming, site).await.unwrap_or_default() });
    }
    Ok(())
}

async fn converse(incoming: Incoming, site: Arc<Site>) -> anyhow::Result<()> {
    let connection = incoming.await?;
    let server_name = connection
        .handshake_data()
        .and_then(|data| data.downcast::<quinn::crypto::rustls::HandshakeData>().ok())
        .and_then(|data| data.server_name);
    let local = connection.local_ip().context("the connection does not say where it came to")?;
    let way = Arc::new(Way {
        local: SocketAddr::new(local.to_canonical(), PORT),
        peer: connection.remote_address(),
        server_name,
        scheme: "https",
    });
    let mut work = JoinSet::new();
    let mut connection =
        h3::server::builder().build::<_, Bytes>(h3_quinn::Connection::new(connection)).await?;
    while let Some(request) = connection.accept().await? {
        dns::make_room(&mut work).await;
        let (site, way) = (Arc::clone(&site), Arc::clone(&way));
        work.spawn(async move {
            if let Ok((request, stream)) = request.resolve_request().await {
                respond(request.into_parts().0, stream, &site, &way).await.unwrap_or_default();
            }
        });
    }
    Ok(())
}

async fn respond(
    head: hyper::http::request::Parts,
    mut stream: RequestStream<impl BidiStream<Bytes>, Bytes>,
    site: &Site,
    way: &Way,
) -> anyhow::Result<()> {
    let mut body = BytesMut::new();
    while let Some(mut part) = stream.recv_data().await? {
        anyhow::ensure!(body.len() + part.remaining() <= BODY_BYTES_MAX, "the request is too long");
        body.extend_from_slice(&part.copy_to_bytes(part.remaining()));
    }
    let (head, mut body) = answer(&head, &body, site, way).await.into_parts();
    stream.send_response(hyper::Response::from_parts(head, ())).await?;
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            stream.send_data(bytes).await?;
        }
    }
    Ok(stream.finish().await?)
}
