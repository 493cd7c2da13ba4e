//! One request on its way to the site, and the response on its way back.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;
use tokio::net::TcpStream;

use super::{
    Framing, RequestHead, Version,
    body::{READ_BYTES, Wire, carry, read_more},
    fields::head_bytes,
    response::{self, read_response},
};
use crate::{
    enforce::proxy::{
        passage::Passage,
        relay::{Broken, Pipes, Pulse},
    },
    policy::Permit,
};

/// Interim responses (100, 103) to one request; more is a site that never answers.
const INTERIM_MAX: usize = 16;

/// How the exchange of a request and its response ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Exchanged {
    /// Whole, and the client's connection can take another request; the site's too, if it stays.
    Whole { site_stays: bool },
    /// Whole, and the client's connection must end.
    WholeAndLast,
    /// The site answered nothing before it hung up.
    NoAnswer,
    /// The site's answer is no HTTP, and nothing of it was passed on.
    BadAnswer,
    /// The site stayed silent, and nothing was passed on.
    Silent,
    /// Broken off within the response, or by the client.
    Broken,
    /// The permission has ended.
    Cut,
}

/// Passes one request on and its response back, both at once: a site may answer before it has read everything.
pub(super) async fn exchange(
    client: &mut Wire,
    server: &mut Wire,
    request: &RequestHead<'_>,
    permit: &Permit,
    passage: &Passage,
) -> Exchanged {
    let pulse = Pulse::default();
    let is_sent = AtomicBool::new(false);
    let is_answered = AtomicBool::new(false);
    let (pipes, head) = (&passage.pipes, request.forwarded());
    let (client, from_client) = (&client.stream, &mut client.unread);
    let (server, from_server) = (&server.stream, &mut server.unread);
    let up = async {
        match carry(head, request.framing, client, from_client, server, pipes, &pulse).await {
            Ok(()) => is_sent.store(true, Ordering::Relaxed),
            // The site's answer, if it left one, is still to be read.
            Err(Broken::Receiver) => {}
            Err(Broken::Sender(_)) => return Exchanged::Broken,
        }
        std::future::pending().await
    };
    let down = answer(request, server, from_server, client, pipes, &pulse, &is_answered);
    let exchanged = tokio::select! {
        biased;
        () = passage.errand.until_refused(permit) => Exchanged::Cut,
        broken = up => broken,
        exchanged = down => exchanged,
        () = pulse.stops(passage.limits.http_idle_max) => Exchanged::Silent,
    };
    let whole = matches!(exchanged, Exchanged::Whole { .. } | Exchanged::WholeAndLast | Exchanged::Cut);
    match (is_sent.into_inner(), is_answered.into_inner()) {
        // What is left of the request would be taken for the next one.
        (false, _) if matches!(exchanged, Exchanged::Whole { .. }) => Exchanged::WholeAndLast,
        // A page of ours in the middle of a response would be taken for a part of it.
        (_, true) if !whole => Exchanged::Broken,
        _ => exchanged,
    }
}

/// Passes the response back, interim ones before it; `is_answered` is set when the client has seen a part of it.
async fn answer(
    request: &RequestHead<'_>,
    from: &TcpStream,
    unread: &mut BytesMut,
    to: &TcpStream,
    pipes: &Pipes,
    pulse: &Pulse,
    is_answered: &AtomicBool,
) -> Exchanged {
    for _ in 0..=INTERIM_MAX {
        let head_bytes = match answer_head(from, unread, pulse).await {
            Ok(head_bytes) => head_bytes,
            Err(exchanged) => return exchanged,
        };
        let Ok(Some((head, _))) = read_response(&head_bytes, request.method) else {
            return Exchanged::BadAnswer;
        };
        if head.is_interim() && request.version == Version::Http10 {
            continue; // RFC 9110 section 15.2: HTTP/1.0 knows no interim responses.
        }
        // It could not read it; no site answers so to its version.
        if head.framing == Framing::Chunked && request.version == Version::Http10 {
            return Exchanged::BadAnswer;
        }
        let is_last = !head.is_interim() && (request.is_last() || head.framing == Framing::UntilClose);
        is_answered.store(true, Ordering::Relaxed);
        match carry(head.forwarded(is_last), head.framing, from, unread, to, pipes, pulse).await {
            Ok(()) if head.is_interim() => {}
            Ok(()) if is_last => return Exchanged::WholeAndLast,
            Ok(()) => return Exchanged::Whole { site_stays: !head.is_last() },
            Err(_) => return Exchanged::Broken,
        }
    }
    Exchanged::BadAnswer
}

/// The bytes of the next response's head.
async fn answer_head(from: &TcpStream, unread: &mut BytesMut, pulse: &Pulse) -> Result<BytesMut, Exchanged> {
    loop {
        match head_bytes(unread, response::BYTES_MAX) {
            Ok(Some(length)) => return Ok(unread.split_to(length)),
            Ok(None) => {}
            Err(_) => return Err(Exchanged::BadAnswer),
        }
        let room = response::BYTES_MAX.saturating_sub(unread.len()).min(READ_BYTES);
        match read_more(from, unread, room).await {
            Ok(1..) => pulse.beat(),
            Ok(0) | Err(_) if unread.is_empty() => return Err(Exchanged::NoAnswer),
            Ok(0) | Err(_) => return Err(Exchanged::BadAnswer),
        }
    }
}
