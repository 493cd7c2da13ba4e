//! The listener of boxes.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use axum::{Router, extract::DefaultBodyLimit};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Refused,
    connection::{self, Answering},
    enrolment,
    limits::{BODY_BYTES_MAX, UNREAD_WAIT_MAX},
    places::Places,
    repository,
};
use crate::{authority::Authority, bucket::Bucket, database::Database};

/// How long to wait when the kernel gives no connection, such as when the process has no descriptor left.
const ACCEPT_WAIT: Duration = Duration::from_millis(200);

/// Where boxes come in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address and port; port 0 takes a free one.
    pub listen: SocketAddr,
}

/// What the listener stands on.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Who a box is.
    pub authority: Authority,
    /// The repository.
    pub bucket: Bucket,
    /// The register of schools.
    pub database: Database,
    /// Further routes for boxes whose certificate holds, such as the live line's, by their whole paths. Each request has a
    /// [`Caller`](super::Caller) among its extensions.
    pub routes: Router,
}

/// The listener, bound.
#[derive(Debug)]
pub struct Service {
    listener: TcpListener,
    answering: Answering,
}

impl Service {
    /// Binds.
    ///
    /// # Errors
    /// When the address is taken or not this machine's.
    pub async fn bind(settings: &Settings, parts: Parts) -> anyhow::Result<Self> {
        let listen = settings.listen;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen for boxes at {listen}"))?;
        let Parts { authority, bucket, database, routes } = parts;
        let routes = Router::new()
            .merge(routes)
            .merge(enrolment::routes(authority.clone(), database))
            .merge(repository::routes(bucket))
            .fallback(|| async { Refused::not_found() })
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX));
        let answering = Answering { tls: authority.tls()?, authority, routes };
        Ok(Self { listener, answering })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn local_address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until `stop`; requests under way are given a moment to end.
    ///
    /// # Errors
    /// None; it ends with `stop`.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        let places = Places::default();
        let mut connections = JoinSet::new();
        info!("boxes can come in");
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    warn!(cause = %error, "cannot accept a connection");
                    sleep(ACCEPT_WAIT).await;
                    continue;
                }
            };
            let Some(place) = places.take(peer.ip()) else { continue };
            if prepare(&stream).is_err() {
                continue;
            }
            let (answering, stop) = (self.answering.clone(), stop.clone());
            connections.spawn(connection::serve(stream, peer.ip(), place, answering, stop));
        }
        while connections.join_next().await.is_some() {}
        Ok(())
    }
}

/// Answers leave at once, and whoever does not read them does not hold a connection for ever.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(stream);
    socket.set_keepalive(true)?;
    socket.set_tcp_user_timeout(Some(UNREAD_WAIT_MAX))
}
