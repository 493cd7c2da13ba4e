//! Watches a TLS connection until its site has accepted the hello or has asked for another (HelloRetryRequest, RFC 8446
//! section 4.1.4), which must name the same site: some servers go by the name in the second.
//!
//! ```text
//! record:       type (1) | version (2) | length (2) | content; 22 is a handshake's
//! server hello: 2 | length (3) | version (2) | random (32) | …; a request for another hello has a random of its own
//! ```
//!
//! Until the site's answer is there the client's handshake records are held back; what else it sends, data before the
//! handshake for example, passes. A client that keeps to the protocol has none to send, and waits for nothing.

use std::{io, mem::MaybeUninit, time::Duration};

use tokio::{net::TcpStream, time::timeout};

use super::{
    client_hello::{self, Progress},
    relay::{read_available, write_all},
};
use crate::model::Domain;

const RECORD_HEADER_BYTES: usize = 5;
const RECORD_HANDSHAKE: u8 = 22;
/// Change of cipher, alert, handshake, data, heartbeat.
const RECORDS: std::ops::RangeInclusive<u8> = 20..=24;

/// Where the random of a server hello begins, behind the header of its record.
const RANDOM_AT: usize = RECORD_HEADER_BYTES + 4 + 2;

/// RFC 8446 section 4.1.3: SHA-256 of "HelloRetryRequest".
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The most that is taken from a side at a time, in bytes.
const READ_BYTES: usize = 8 * 1024;

/// Why a connection goes no further.
#[derive(Debug)]
pub(super) enum NotAccepted {
    /// What stands in the place of a second hello is none, or names another site.
    OtherHello,
    /// A side is gone, or nothing moves.
    Broken,
}

/// Carries both ways until no other hello can come. `behind` is what the client has sent behind its hello, which gave
/// `name`. A side that has ended is left for whoever carries on to find.
pub(super) async fn until_accepted(
    client: &TcpStream,
    server: &TcpStream,
    behind: &[u8],
    name: Option<&Domain>,
    idle_max: Duration,
) -> Result<(), NotAccepted> {
    let mut watch = Watch { held: behind.to_vec(), passes: 0, heard: Vec::new(), is_over: false };
    let mut from_server = Vec::new();
    loop {
        let passing = watch.passing(name)?;
        if passing > 0 {
            let sent = write_all(server, &watch.held[..passing]).await;
            sent.map_err(|_| NotAccepted::Broken)?;
            watch.held.drain(..passing);
        }
        if watch.is_over {
            return Ok(());
        }
        if passing > 0 {
            continue;
        }
        let has_room = watch.held.len() < client_hello::BYTES_MAX;
        let moved = async {
            tokio::select! {
                ready = client.readable(), if has_room => ready.and_then(|()| take(client, &mut watch.held)),
                ready = server.readable() => {
                    let is_open = ready.and_then(|()| take(server, &mut from_server))?;
                    write_all(client, &from_server).await?;
                    watch.hear(&from_server);
                    from_server.clear();
                    Ok(is_open)
                }
            }
        };
        match timeout(idle_max, moved).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Ok(()),
            Ok(Err(_)) | Err(_) => return Err(NotAccepted::Broken),
        }
    }
}

/// What is known of a connection between its hello and the site's answer.
struct Watch {
    /// What the client has sent and the site has not been given.
    held: Vec<u8>,
    /// Bytes that are left of a record that passes.
    passes: usize,
    /// The beginning of the site's answer.
    heard: Vec<u8>,
    /// Whether no other hello can come.
    is_over: bool,
}

impl Watch {
    /// How many of the bytes held may go to the site.
    fn passing(&mut self, name: Option<&Domain>) -> Result<usize, NotAccepted> {
        let asks_again = self.asks_again();
        if asks_again == Some(false) {
            self.is_over = true;
            return Ok(self.held.len());
        }
        let mut passing = 0;
        loop {
            let more = self.passes.min(self.held.len() - passing);
            (passing, self.passes) = (passing + more, self.passes - more);
            let rest = &self.held[passing..];
            match rest {
                [] => return Ok(passing),
                [RECORD_HANDSHAKE, ..] if passing == 0 && asks_again == Some(true) => {
                    return self.second_hello(name);
                }
                [RECORD_HANDSHAKE, ..] => return Ok(passing),
                // No TLS: the site will say so itself.
                [kind, ..] if !RECORDS.contains(kind) => {
                    self.is_over = true;
                    return Ok(self.held.len());
                }
                [_, _, _, high, low, ..] => {
                    self.passes = RECORD_HEADER_BYTES + usize::from(u16::from_be_bytes([*high, *low]));
                }
                _ => return Ok(passing),
            }
        }
    }

    fn second_hello(&mut self, name: Option<&Domain>) -> Result<usize, NotAccepted> {
        match client_hello::read(&self.held) {
            Progress::NeedMore => Ok(0),
            Progress::Hello(hello) if hello.server_name.as_ref() == name => {
                self.is_over = true;
                Ok(self.held.len())
            }
            Progress::Hello(_) | Progress::NotTls(_) => Err(NotAccepted::OtherHello),
        }
    }

    /// Hears what the site says.
    fn hear(&mut self, bytes: &[u8]) {
        let wanted = (RANDOM_AT + RETRY_RANDOM.len()).saturating_sub(self.heard.len());
        self.heard.extend(bytes.iter().take(wanted));
    }

    /// Whether the site asks for another hello, once that is known.
    fn asks_again(&self) -> Option<bool> {
        let (kind, random) = (self.heard.first()?, self.heard.get(RANDOM_AT..).unwrap_or_default());
        if *kind != RECORD_HANDSHAKE || !RETRY_RANDOM.starts_with(random) {
            return Some(false);
        }
        (random.len() == RETRY_RANDOM.len()).then_some(true)
    }
}

/// Takes what `side` has sent, up to a bound. Says whether it is open.
fn take(side: &TcpStream, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut room = [MaybeUninit::uninit(); READ_BYTES];
    let taken = read_available(side, &mut room)?;
    into.extend_from_slice(taken.unwrap_or_default());
    Ok(taken.is_none_or(|bytes| !bytes.is_empty()))
}
