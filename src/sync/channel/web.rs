//! The repository on a web server: plain GETs on connections that are kept, ranges where a download goes on.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{StatusCode, header};
use tokio::time::{Instant, timeout};
use url::Url;

use super::source::Fault;

/// How slow a server may be: slower, and it holds the box up (slow retrieval attack).
pub(super) const BYTES_A_SECOND_MIN: u64 = 100;

/// Over how long that is counted. Only time spent waiting for the server counts. Tests have less patience.
const SLOW_AFTER: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 30 });

/// How long a server may take to begin its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long a small file may take in all: at the least speed a megabyte would take three hours.
pub(super) const SMALL_WITHIN: Duration = Duration::from_secs(120);

/// An answer as it comes.
#[derive(Debug)]
pub(super) struct WebFlow {
    response: reqwest::Response,
    began: u64,
    waited: Duration,
    bytes: u64,
}

/// Asks for the file at `path` below `base`: from a byte on, and for so many bytes where a number is given.
pub(super) async fn flow(
    client: &reqwest::Client,
    base: &Url,
    path: &str,
    (from, piece_bytes): (u64, Option<u64>),
) -> Result<WebFlow, Fault> {
    let url = format!("{}/{path}", base.as_str().trim_end_matches('/'));
    let mut request = client.get(url);
    let range = match piece_bytes {
        Some(bytes) => Some(format!("bytes={from}-{}", from.saturating_add(bytes.max(1)) - 1)),
        None => (from > 0).then(|| format!("bytes={from}-")),
    };
    if let Some(range) = range {
        request = request.header(header::RANGE, range);
    }
    let response = timeout(ANSWER_WITHIN, request.send()).await.map_err(|_| Fault::Slow)?.map_err(failed)?;
    let began = match response.status() {
        StatusCode::OK => 0,
        StatusCode::PARTIAL_CONTENT => began_at(&response).ok_or_else(|| {
            Fault::Failed("it answers with a part of a file and does not say which".to_owned())
        })?,
        // S3 says 403 of what is not there to whom may not list.
        StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN => return Err(Fault::Missing),
        status => return Err(Fault::Failed(format!("it answers {}", status.as_u16()))),
    };
    Ok(WebFlow { response, began, waited: Duration::ZERO, bytes: 0 })
}

impl WebFlow {
    pub(super) const fn began(&self) -> u64 {
        self.began
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let asked = Instant::now();
            let rest = SLOW_AFTER.saturating_sub(self.waited);
            let came = timeout(rest, self.response.chunk()).await;
            self.waited += asked.elapsed();
            if let Ok(Ok(Some(bytes))) = &came {
                self.bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            }
            if self.waited >= SLOW_AFTER {
                if self.bytes < BYTES_A_SECOND_MIN * SLOW_AFTER.as_secs() {
                    return Err(Fault::Slow);
                }
                (self.waited, self.bytes) = (Duration::ZERO, 0);
            }
            if let Ok(came) = came {
                return came.map_err(failed);
            }
        }
    }
}

/// The first byte of a part, by its `Content-Range: bytes 7-99/100`.
fn began_at(response: &reqwest::Response) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split_once('-')?.0.parse().ok()
}

/// What went wrong, without the address it went wrong with.
fn failed(error: reqwest::Error) -> Fault {
    use std::error::Error as _;
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    Fault::Failed(text)
}
