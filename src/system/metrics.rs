//! Figures for whoever watches with tools of their own: `GET /metrics`, in OpenMetrics, for Prometheus and what reads as it
//! does.
//!
//! Nothing is counted in the background: [`Figures`] are made from what is so at the moment they are asked for. They are
//! about the machine and its numbers; a label holds a state, a version or a word for a fault, never a person, a name or an
//! address.

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header, server::conn::http1};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::{
    encoding::text,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Mutex, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// What OpenMetrics calls itself.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Connections at once; a watcher uses one.
const CONNECTIONS_MAX: usize = 16;

/// How long one question and its answer may take in all.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(15);

/// The longest request head, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How long to wait when the kernel gives no connection.
const ACCEPT_WAIT: Duration = Duration::from_millis(200);

/// The longest value of a label, in bytes.
const LABEL_BYTES_MAX: usize = 48;

/// Figures of one moment.
#[derive(Debug)]
pub struct Figures(Registry);

impl Figures {
    /// None yet. The name of each begins with `prefix` and an underscore.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self(Registry::with_prefix(prefix))
    }

    /// A figure that may rise and fall.
    pub fn gauge(&mut self, name: &str, help: &str, value: i64) {
        let gauge: Gauge = Gauge::default();
        gauge.set(value);
        self.0.register(name, help, gauge);
    }

    /// A figure that only rises while the program runs; `_total` is added to its name.
    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        self.0.register(name, help, counter);
    }

    /// A figure for each set of values of `labels`. What a label may not hold is left out of it, see [`label`].
    pub fn gauges<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: [&'static str; N],
        values: impl IntoIterator<Item = ([String; N], i64)>,
    ) {
        let family: Family<Vec<(&'static str, String)>, Gauge> = Family::default();
        for (of, value) in values {
            let of = labels.into_iter().zip(of.map(|text| label(&text))).collect();
            family.get_or_create(&of).inc_by(value);
        }
        self.0.register(name, help, family);
    }

    /// As OpenMetrics has it.
    ///
    /// # Errors
    /// Never; the encoder has no other form.
    pub fn text(&self) -> anyhow::Result<String> {
        let mut written = String::new();
        text::encode(&mut written, &self.0).context("cannot write the figures")?;
        Ok(written)
    }
}

/// `text` as a label may hold it: letters, digits, `.`, `_`, `-`, `+` of ASCII, 48 at most; `other` where nothing is left.
#[must_use]
pub fn label(text: &str) -> String {
    let kept = |letter: &char| letter.is_ascii_alphanumeric() || "._-+".contains(*letter);
    let kept: String = text.chars().filter(kept).take(LABEL_BYTES_MAX).collect();
    if kept.is_empty() { "other".to_owned() } else { kept }
}

/// The listener, bound.
#[derive(Debug)]
pub struct Service {
    listener: TcpListener,
}

impl Service {
    /// Binds.
    ///
    /// # Errors
    /// When the address is taken or not this machine's.
    pub fn bind(listen: SocketAddr) -> anyhow::Result<Self> {
        let bound = || {
            let listener = std::net::TcpListener::bind(listen)?;
            listener.set_nonblocking(true)?;
            TcpListener::from_std(listener)
        };
        let listener = bound().with_context(|| format!("cannot listen for watchers at {listen}"))?;
        Ok(Self { listener })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the kernel does not say.
    pub fn local_address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Answers with what `figures` makes, for one asker at a time, until `stop`.
    ///
    /// # Errors
    /// None; it ends with `stop`.
    pub async fn serve<F>(
        self,
        figures: impl Fn() -> F + Send + Sync + 'static,
        stop: CancellationToken,
    ) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<String>> + Send + 'static,
    {
        let asked = Arc::new(Mutex::new(figures));
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                Some(_) = connections.join_next() => continue,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                sleep(ACCEPT_WAIT).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let asked = Arc::clone(&asked);
            connections.spawn(async move {
                // Whoever takes longer is cut; they ask again.
                let _ = timeout(ANSWER_WAIT_MAX, answer(stream, asked)).await;
                drop(place);
            });
        }
    }
}

/// Answers one question on `stream`.
async fn answer<M, F>(stream: TcpStream, asked: Arc<Mutex<M>>)
where
    M: Fn() -> F + Send + Sync + 'static,
    F: Future<Output = anyhow::Result<String>> + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let asked = Arc::clone(&asked);
        async move {
            if request.uri().path() != "/metrics" {
                return Ok(refusal(StatusCode::NOT_FOUND));
            }
            if request.method() != Method::GET && request.method() != Method::HEAD {
                return Ok(refusal(StatusCode::METHOD_NOT_ALLOWED));
            }
            let made = asked.lock().await;
            let text = made().await;
            Ok::<_, Infallible>(text.map_or_else(failed, |text| {
                let mut response = Response::new(Full::new(Bytes::from(text)));
                let kind = header::HeaderValue::from_static(CONTENT_TYPE);
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEAD_BYTES_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // A watcher that goes away is its own affair.
    let _ = connection.await;
}

fn failed(cause: anyhow::Error) -> Response<Full<Bytes>> {
    warn!(cause = format!("{cause:#}"), "cannot tell the figures");
    refusal(StatusCode::SERVICE_UNAVAILABLE)
}

fn refusal(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn ask(address: SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[test]
    fn figures_are_written_as_openmetrics_and_labels_hold_words_only() {
        let mut figures = Figures::new("preau");
        figures.gauge("sessions", "Persons signed in", 3);
        figures.counter("answers", "Answers given", 9);
        let findings = [(["line-down".to_owned(), "wrong".to_owned()], 2), (["\"}\n".into(), "é".into()], 1)];
        figures.gauges("findings", "What is wrong", ["code", "severity"], findings);
        let text = figures.text().unwrap();
        assert!(text.contains("\npreau_sessions 3\n"), "{text}");
        assert!(text.contains("\npreau_answers_total 9\n"), "{text}");
        assert!(text.contains("preau_findings{code=\"line-down\",severity=\"wrong\"} 2\n"), "{text}");
        assert!(text.contains("preau_findings{code=\"other\",severity=\"other\"} 1\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[tokio::test]
    async fn only_metrics_is_answered_and_only_to_a_question() {
        let service = Service::bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = service.local_address().unwrap();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(service.serve(|| async { Ok("# EOF\n".to_owned()) }, stop.clone()));
        let head = |line: &str| format!("{line} HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = ask(address, &head("GET /metrics")).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("application/openmetrics-text") && answer.ends_with("# EOF\n"), "{answer}");
        assert!(ask(address, &head("GET /")).await.starts_with("HTTP/1.1 404"));
        assert!(ask(address, &head("DELETE /metrics")).await.starts_with("HTTP/1.1 405"));
        stop.cancel();
        tasks.join_next().await.unwrap().unwrap().unwrap();
    }
}
