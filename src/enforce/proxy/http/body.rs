//! Carries the body of a message by its exact framing, neither a byte less nor a byte more.

use std::io;

use bytes::BytesMut;
use tokio::net::TcpStream;

use super::chunked::Chunked;
use crate::enforce::proxy::relay::{Broken, Pipes, Pulse, forward, read_available, write_all};

/// How much of a head is read at a time, in bytes: most fit.
pub(super) const READ_BYTES: usize = 2 * 1024;

/// How much of a chunked body is read at a time, in bytes.
const CHUNKED_READ_BYTES: usize = 16 * 1024;

/// How a body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    Nothing,
    /// That many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Everything up to the end of the connection; responses only.
    UntilClose,
}

/// One side's connection, with what it has sent and nobody has read.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    pub(super) unread: BytesMut,
}

impl Wire {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, unread: BytesMut::new() }
    }
}

/// Waits for bytes and adds up to `room` of them to `unread`; zero at the sender's end. Holds no new buffer while it
/// waits.
pub(super) async fn read_more(from: &TcpStream, unread: &mut BytesMut, room: usize) -> io::Result<usize> {
    loop {
        from.readable().await?;
        let mut buffer = Box::new_uninit_slice(room);
        if let Some(bytes) = read_available(from, &mut buffer)? {
            unread.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
    }
}

/// Carries one message from `from` to `to`: its `head`, already written anew, and the body behind it, the first bytes
/// of which may be in `unread`. What is ready goes in one packet.
///
/// # Errors
/// See [`Broken`]; a malformed body is the sender's fault.
pub(super) async fn carry(
    mut head: Vec<u8>,
    framing: Framing,
    from: &TcpStream,
    unread: &mut BytesMut,
    to: &TcpStream,
    pipes: &Pipes,
    pulse: &Pulse,
) -> Result<(), Broken> {
    let left = match framing {
        Framing::Nothing => Some(0),
        Framing::Length(length) => {
            let ready = usize::try_from(length).map_or(unread.len(), |length| length.min(unread.len()));
            head.extend_from_slice(&unread.split_to(ready));
            Some(length.saturating_sub(u64::try_from(ready).unwrap_or(length)))
        }
        Framing::Chunked => return carry_chunked(head, from, unread, to, pulse).await,
        Framing::UntilClose => {
            head.extend_from_slice(&unread.split());
            None
        }
    };
    write_all(to, &head).await.map_err(|_| Broken::Receiver)?;
    drop(head);
    pulse.beat();
    forward(from, to, left, pipes, pulse).await
}

/// Chunks are passed on as they are, each byte only after it was understood.
async fn carry_chunked(
    mut ready: Vec<u8>,
    from: &TcpStream,
    unread: &mut BytesMut,
    to: &TcpStream,
    pulse: &Pulse,
) -> Result<(), Broken> {
    let mut body = Chunked::default();
    loop {
        let understood = body
            .read(unread)
            .map_err(|error| Broken::Sender(io::Error::new(io::ErrorKind::InvalidData, error)))?;
        ready.extend_from_slice(&unread.split_to(understood));
        write_all(to, &ready).await.map_err(|_| Broken::Receiver)?;
        ready = Vec::new();
        pulse.beat();
        if body.is_done() {
            return Ok(());
        }
        if read_more(from, unread, CHUNKED_READ_BYTES).await.map_err(Broken::Sender)? == 0 {
            return Err(Broken::Sender(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}
