//! Carries the body of a message by its exact framing, neither a byte less nor a byte more.

use std::io;

use bytes::BytesMut;
use tokio::net::TcpStream;

use super::chunked::Chunked;
use crate::enforce::proxy::relay::{Broken, Pipes, Pulse, forward, write_all};

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
    use bytes::BufMut as _;
    loop {
        from.readable().await?;
        unread.reserve(room);
        match from.try_read_buf(&mut unread.limit(room)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read,
        }
    }
}

/// Carries one body from `from`, whose first bytes may be in `unread` already, to `to`.
///
/// # Errors
/// See [`Broken`]; a malformed body is the sender's fault.
pub(super) async fn carry(
    framing: Framing,
    from: &TcpStream,
    unread: &mut BytesMut,
    to: &TcpStream,
    pipes: &Pipes,
    pulse: &Pulse,
) -> Result<(), Broken> {
    match framing {
        Framing::Nothing => Ok(()),
        Framing::Length(length) => {
            let ready = usize::try_from(length).map_or(unread.len(), |length| length.min(unread.len()));
            write_all(to, &unread.split_to(ready)).await.map_err(|_| Broken::Receiver)?;
            let left = length.saturating_sub(u64::try_from(ready).unwrap_or(length));
            forward(from, to, Some(left), pipes, pulse).await
        }
        Framing::Chunked => carry_chunked(from, unread, to, pulse).await,
        Framing::UntilClose => {
            write_all(to, &unread.split()).await.map_err(|_| Broken::Receiver)?;
            forward(from, to, None, pipes, pulse).await
        }
    }
}

/// Chunks are passed on as they are, each byte only after it was understood.
async fn carry_chunked(
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
        write_all(to, &unread.split_to(understood)).await.map_err(|_| Broken::Receiver)?;
        pulse.beat();
        if body.is_done() {
            return Ok(());
        }
        if read_more(from, unread, CHUNKED_READ_BYTES).await.map_err(Broken::Sender)? == 0 {
            return Err(Broken::Sender(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}
