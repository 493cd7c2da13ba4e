//! The road of a TLS connection: read the hello, ask, connect, and let both sides talk without listening (decision D1).

use std::io;

use bytes::BufMut as _;
use tokio::{net::TcpStream, time::timeout};
use tracing::debug;

use super::{
    alert::Alert,
    client_hello::{self, Hello, NotTls, Progress},
    closing::{reset, say_and_close},
    connect::ConnectError,
    passage::Passage,
    relay::{relay, write_all},
};
use crate::{
    model::Site,
    policy::{Permit, Verdict},
};

/// Room for the first bytes of a hello: one without post-quantum keys fits.
const FIRST_BUFFER_BYTES: usize = 2 * 1024;

/// Why no hello was read.
#[derive(Debug)]
enum NoHello {
    /// The client hung up or is gone.
    Gone,
    /// What it sent is not accepted.
    NotTls(NotTls),
}

/// Takes `client` to the site its hello names, or tells it why not.
pub(super) async fn serve(client: TcpStream, passage: &Passage) {
    let limits = &passage.limits;
    let (bytes, hello) = match timeout(limits.hello_wait_max, read_hello(&client)).await {
        Ok(Ok(read)) => read,
        Ok(Err(NoHello::NotTls(reason))) => return refuse_hello(client, reason, passage).await,
        Ok(Err(NoHello::Gone)) | Err(_) => return reset(client),
    };
    debug!(named = hello.server_name.is_some(), ech = hello.ech, "hello read");
    let site = hello.server_name.map_or(Site::Address(passage.destination.ip()), Site::Name);
    let permit = match (passage.judge)(site).await {
        Verdict::Allow(permit) => permit,
        Verdict::Refuse(_) => {
            return say_and_close(client, &Alert::UnrecognizedName.record(), limits).await;
        }
    };
    match (passage.connect)(permit.clone()).await {
        Ok(server) => carry(client, server, &bytes, &permit, passage).await,
        Err(ConnectError::NoAddress) => {
            say_and_close(client, &Alert::UnrecognizedName.record(), limits).await;
        }
        Err(ConnectError::NoAnswer) => say_and_close(client, &Alert::InternalError.record(), limits).await,
        // As without a proxy: the site's refusal is a reset.
        Err(ConnectError::Refused(_) | ConnectError::Silent) => reset(client),
    }
}

/// Hands the hello on and relays until an end, or until the permit is no longer good.
async fn carry(client: TcpStream, server: TcpStream, hello: &[u8], permit: &Permit, passage: &Passage) {
    let talk = async {
        match write_all(&server, hello).await {
            Ok(()) => relay(&client, &server, &passage.pipes, passage.limits.tls_idle_max).await,
            Err(_) => super::closing::prepare_reset(&client),
        }
    };
    let cut = tokio::select! {
        biased;
        () = passage.until_refused(permit) => true,
        () = talk => false,
    };
    if cut {
        debug!("live connection cut, its permission has ended");
        reset(client);
        reset(server);
    }
}

/// A TLS client that speaks badly is told so; another protocol would not understand.
async fn refuse_hello(client: TcpStream, reason: NotTls, passage: &Passage) {
    debug!(%reason, "hello refused");
    let alert = match reason {
        NotTls::OtherProtocol => return reset(client),
        NotTls::Record | NotTls::TooLong | NotTls::Length => Alert::DecodeError,
        NotTls::Ambiguous | NotTls::Name(_) => Alert::UnrecognizedName,
    };
    say_and_close(client, &alert.record(), &passage.limits).await;
}

/// Everything the client sent up to the end of its hello, perhaps with bytes behind it, and what the hello says.
///
/// A client that has sent nothing costs no buffer.
async fn read_hello(client: &TcpStream) -> Result<(Vec<u8>, Hello), NoHello> {
    let mut bytes = Vec::new();
    loop {
        client.readable().await.map_err(|_| NoHello::Gone)?;
        if bytes.len() == bytes.capacity() {
            bytes.reserve(bytes.len().max(FIRST_BUFFER_BYTES));
        }
        let room = client_hello::BYTES_MAX.saturating_sub(bytes.len());
        match client.try_read_buf(&mut (&mut bytes).limit(room)) {
            Ok(0) => return Err(NoHello::Gone),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(_) => return Err(NoHello::Gone),
        }
        match client_hello::read(&bytes) {
            Progress::NeedMore => {}
            Progress::Hello(hello) => return Ok((bytes, hello)),
            Progress::NotTls(reason) => return Err(NoHello::NotTls(reason)),
        }
    }
}
