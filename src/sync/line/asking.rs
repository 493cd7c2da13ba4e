//! One request on the line, and what can become of it.

use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt as _;
use reqwest::{StatusCode, header};

use crate::{
    protocol::{
        enrolment::Refusal,
        line::{Answer, BYTES_MAX, Report},
    },
    sync::client::Client,
};

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAnswer {
    /// Nobody was reached, or nobody said anything in time.
    #[error("central cannot be reached: {0}")]
    Unreachable(String),
    /// Central asks to come back later.
    #[error("central is pressed and asks to come back later")]
    Later(Option<Duration>),
    /// Central refuses this box.
    #[error("central refuses: {0}")]
    Refused(String),
    /// What came is no answer.
    #[error("what central answered cannot be read: {0}")]
    Unreadable(String),
}

impl NoAnswer {
    /// What the log has: what central says of a box may name it.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "not reached",
            Self::Later(_) => "asked to come back later",
            Self::Refused(_) => "refused",
            Self::Unreadable(_) => "not understood",
        }
    }
}

/// Sends `report` to `path` and waits for the answer until `wait_max` is over.
pub(super) async fn ask(
    client: &Client,
    path: &str,
    report: &Report,
    wait_max: Duration,
) -> Result<Answer, NoAnswer> {
    let url = client.central().join(path).map_err(|error| NoAnswer::Unreachable(error.to_string()))?;
    let text = serde_json::to_string(report).map_err(|error| NoAnswer::Unreadable(error.to_string()))?;
    let request =
        client.http().post(url).header(header::CONTENT_TYPE, "application/json").timeout(wait_max).body(text);
    let response = request.send().await.map_err(|error| unreachable(&error))?;
    let status = response.status();
    let later = response
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|value| Some(Duration::from_secs(value.to_str().ok()?.parse().ok()?)));
    let bytes = body(response).await?;
    match status {
        StatusCode::OK => {
            serde_json::from_slice(&bytes).map_err(|error| NoAnswer::Unreadable(error.to_string()))
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Err(NoAnswer::Later(later)),
        status => Err(NoAnswer::Refused(match serde_json::from_slice(&bytes) {
            Ok(Refusal { code, sentence }) => format!("{sentence} ({code})"),
            Err(_) => format!("HTTP {}", status.as_u16()),
        })),
    }
}

async fn body(response: reqwest::Response) -> Result<BytesMut, NoAnswer> {
    let mut bytes = BytesMut::new();
    let mut parts = response.bytes_stream();
    while let Some(part) = parts.next().await {
        bytes.extend_from_slice(&part.map_err(|error| unreachable(&error))?);
        if bytes.len() > BYTES_MAX {
            return Err(NoAnswer::Unreadable("it is longer than an answer may be".to_owned()));
        }
    }
    Ok(bytes)
}

/// The last cause says what happened; those before it, that a request was made.
fn unreachable(error: &reqwest::Error) -> NoAnswer {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    NoAnswer::Unreachable(cause.to_string())
}
