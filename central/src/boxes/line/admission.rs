//! Who is let in at once: bodies are read a few at a time, and whoever comes in a crowd is told to come back apart.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use preau::{
    model::Moment,
    protocol::{
        enrolment::Refusal,
        line::{BYTES_MAX, Report},
    },
};
use tokio::{sync::Semaphore, time::timeout};

/// Bodies read at once: with the largest, 32 MiB.
const BODIES_MAX: usize = 128;

/// How long a request waits for its turn to be read.
const TURN_WAIT: Duration = Duration::from_secs(5);

/// How long a body may take: a box on a bad line sends a few kilobytes.
const BODY_WAIT: Duration = Duration::from_secs(20);

/// Requests in one second from which on boxes are asked to come back apart. 10,000 boxes make 200.
const PRESSED_FROM: u64 = 400;

/// The longest a box is asked to wait where central is pressed, in seconds.
const APART_SECONDS_MAX: u64 = 20;

/// The longest a box is asked to stay away where it was not let in, in seconds.
const AWAY_SECONDS_MAX: u64 = 60;

/// The door. Cloning is cheap.
#[derive(Clone, Debug)]
pub(super) struct Admission {
    turns: Arc<Semaphore>,
    second: Arc<AtomicI64>,
    requests: Arc<AtomicU64>,
}

impl Default for Admission {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(BODIES_MAX)), second: Arc::default(), requests: Arc::default() }
    }
}

impl Admission {
    /// Reads the report of `request`, in its turn.
    ///
    /// # Errors
    /// With the answer where it was not its turn for too long, or where there is no report.
    pub(super) async fn admit(&self, request: Request, now: Moment) -> Result<Report, Response> {
        self.count(now);
        let Ok(Ok(_turn)) = timeout(TURN_WAIT, self.turns.acquire()).await else {
            return Err(away("pressed", "too many boxes come at once"));
        };
        let body = timeout(BODY_WAIT, body::to_bytes(request.into_body(), BYTES_MAX));
        let bytes = match body.await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => {
                let sentence = "the report is longer than it may be, or was cut";
                return Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, "too-large", sentence));
            }
            Err(_) => {
                return Err(refusal(StatusCode::REQUEST_TIMEOUT, "too-slow", "the report took too long"));
            }
        };
        serde_json::from_slice(&bytes)
            .map_err(|error| refusal(StatusCode::BAD_REQUEST, "unreadable", &format!("no report: {error}")))
    }

    /// How many seconds a box is to wait before it asks again: none, or some by chance where many come.
    pub(super) fn wait_seconds(&self) -> u64 {
        if self.requests.load(Ordering::Relaxed) < PRESSED_FROM { 0 } else { by_chance(APART_SECONDS_MAX) }
    }

    fn count(&self, now: Moment) {
        let second = now.unix_seconds();
        // Two that see a second begin may both count from one: the figure is a measure of the crowd, no more.
        if self.second.swap(second, Ordering::Relaxed) == second {
            self.requests.fetch_add(1, Ordering::Relaxed);
        } else {
            self.requests.store(1, Ordering::Relaxed);
        }
    }
}

/// A number from 0 to `most`, each as likely.
pub(super) fn by_chance(most: u64) -> u64 {
    getrandom::u64().map_or(most, |number| number % (most + 1))
}

/// The answer to a box that is to come back later, each at another time.
fn away(code: &str, sentence: &str) -> Response {
    let mut response = refusal(StatusCode::SERVICE_UNAVAILABLE, code, sentence);
    let seconds = HeaderValue::from(1 + by_chance(AWAY_SECONDS_MAX));
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}

fn refusal(status: StatusCode, code: &str, sentence: &str) -> Response {
    let refusal = Refusal { code: code.to_owned(), sentence: sentence.to_owned() };
    let text = serde_json::to_string(&refusal).unwrap_or_default();
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
