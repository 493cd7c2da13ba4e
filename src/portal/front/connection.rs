//! One connection to a fronted site: the gate, the handshake, then requests for that site alone until the permission ends.

use std::{convert::Infallible, sync::Arc, time::Duration};

use hyper::{
    Request, Response,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{net::TcpStream, sync::watch, time::timeout};
use tokio_rustls::{StartHandshake, server::TlsStream};
use tokio_util::sync::CancellationToken;

use super::site::{Front, Named};
use crate::{
    enforce::gate::Asking,
    ent,
    journal::Channel,
    model::{Domain, Site},
    policy::{Permit, Verdict},
    portal::{
        connection::{HANDSHAKE_WAIT_MAX, HEAD_WAIT_MAX, Outcome, refuse},
        visitor::Visitor,
    },
};

/// The longest request head, in bytes: an ENT's cookies are many.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// Header fields a request may have.
const FIELDS_MAX: usize = 100;

/// Requests under way at once on one connection of HTTP/2.
const STREAMS_MAX: u32 = 100;

/// How long a connection may go on: a film of two hours.
const LIFE_MAX: Duration = Duration::from_secs(3 * 3600);

/// How long requests under way may take to end once no more are taken.
const LAST_REQUEST_WAIT_MAX: Duration = Duration::from_secs(30);

/// How often HTTP/2 asks a silent browser whether it is there, and how long it waits.
const PING_EVERY: Duration = Duration::from_secs(60);

impl Front {
    /// Serves the connection that asked for `asked` until it ends, its permission ends, or `stop` is signalled.
    pub(in crate::portal) async fn serve(
        self: Arc<Self>,
        start: StartHandshake<TcpStream>,
        asked: Named,
        visitor: Visitor,
        stop: CancellationToken,
    ) -> Outcome {
        let asking = Asking {
            source: visitor.source,
            zone: Arc::clone(&visitor.zone),
            site: Site::Name(asked.name.clone()),
            path: None,
            channel: Channel::Tls,
        };
        let permit = match self.gate.ask(asking).await {
            Verdict::Allow(permit) => permit,
            Verdict::Refuse(_) => return Ok(refuse(start.io).await?),
        };
        let tls = Arc::clone(&asked.tls);
        let stream = timeout(HANDSHAKE_WAIT_MAX, start.into_stream(tls))
            .await
            .map_err(|_| "handshake took too long")??;
        let (front, of) = (Arc::clone(&self), visitor.clone());
        tokio::select! {
            ended = front.exchange(stream, asked.name, of, stop) => ended,
            () = self.until_refused(&visitor, &permit, self.epoch.clone()) => Ok(()),
        }
    }

    /// Waits until `permit` would not be given any more.
    async fn until_refused(&self, visitor: &Visitor, permit: &Permit, mut epoch: watch::Receiver<u64>) {
        loop {
            epoch.borrow_and_update();
            if !self.gate.still_allows(visitor.source, &visitor.zone, permit) {
                return;
            }
            if epoch.changed().await.is_err() {
                // The daemon ends, and with it this connection by its stop signal.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn exchange(
        self: Arc<Self>,
        stream: TlsStream<TcpStream>,
        name: Domain,
        visitor: Visitor,
        stop: CancellationToken,
    ) -> Outcome {
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let service = service_fn(move |request: Request<Incoming>| {
            let (front, name, visitor) = (Arc::clone(&self), name.clone(), visitor.clone());
            async move { Ok::<_, Infallible>(front.answer(request, &name, &visitor).await) }
        });
        let stream = TokioIo::new(stream);
        if is_http2 {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS_MAX)
                .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
                .keep_alive_interval(PING_EVERY)
                .serve_connection(stream, service);
            tokio::pin!(connection);
            tokio::select! {
                ended = &mut connection => return Ok(ended?),
                () = tokio::time::sleep(LIFE_MAX) => {}
                () = stop.cancelled() => {}
            }
            connection.as_mut().graceful_shutdown();
            return Ok(timeout(LAST_REQUEST_WAIT_MAX, connection).await.map_err(|_| TOO_LONG)??);
        }
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_WAIT_MAX)
            .max_header_size(HEAD_BYTES_MAX)
            .max_headers(FIELDS_MAX)
            .max_buf_size(2 * HEAD_BYTES_MAX)
            .serve_connection(stream, service);
        tokio::pin!(connection);
        tokio::select! {
            ended = &mut connection => return Ok(ended?),
            () = tokio::time::sleep(LIFE_MAX) => {}
            () = stop.cancelled() => {}
        }
        connection.as_mut().graceful_shutdown();
        Ok(timeout(LAST_REQUEST_WAIT_MAX, connection).await.map_err(|_| TOO_LONG)??)
    }

    /// The cache's answer. A request for another site than the connection was made for is refused there.
    async fn answer(
        &self,
        request: Request<Incoming>,
        name: &Domain,
        visitor: &Visitor,
    ) -> Response<ent::Body> {
        let session = self.identity.session_of(visitor.source);
        let visitor = ent::Visitor {
            person: session.map(|session| self.persons.of(&session.account.id)),
            is_secure: true,
            server_name: Some(name.clone()),
        };
        self.cache.answer(&visitor, request).await
    }
}

/// Why a connection is cut at its end.
const TOO_LONG: &str = "the last request took too long";
