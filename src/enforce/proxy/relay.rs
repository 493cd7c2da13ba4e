//! Carries bytes between client and site: the first 64 KiB through a buffer, more of them inside the kernel.
//!
//! A connection that is silent holds no buffer: one is made when there is something to read and freed when it is
//! written. A connection that moves much borrows a [`Pipe`] for each direction; when none is left it goes on with
//! buffers of 64 KiB, which costs about a third more processor time.

use std::{
    io,
    net::Shutdown,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::BufMut as _;
use socket2::SockRef;
use tokio::{
    io::Interest,
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::closing::prepare_reset;
use crate::system::splice::Pipe;

/// How much is copied before splicing: a pipe costs more than it gains on less.
const COPIED_BYTES: u64 = 64 * 1024;

/// The largest buffer, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

/// The pipes that may be open at one time. Cloning is cheap; all clones are one.
#[derive(Clone, Debug)]
pub(super) struct Pipes(Arc<Semaphore>);

/// A pipe, and the right to have it open.
struct LentPipe {
    pipe: Pipe,
    _right: OwnedSemaphorePermit,
}

impl Pipes {
    pub(super) fn new(pipes_max: usize) -> Self {
        Self(Arc::new(Semaphore::new(pipes_max)))
    }

    /// A pipe, unless too many are lent or the process has no file descriptor left.
    fn lend(&self) -> Option<LentPipe> {
        let right = Arc::clone(&self.0).try_acquire_owned().ok()?;
        Some(LentPipe { pipe: Pipe::new().ok()?, _right: right })
    }
}

/// The sign of life of a connection.
#[derive(Debug, Default)]
pub(super) struct Pulse(AtomicBool);

impl Pulse {
    pub(super) fn beat(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns when nothing has moved for `idle_max`, and at most for twice that time.
    pub(super) async fn stops(&self, idle_max: Duration) {
        loop {
            tokio::time::sleep(idle_max).await;
            if !self.0.swap(false, Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// How one direction broke off.
#[derive(Debug)]
pub(super) enum Broken {
    /// The sender is gone, or ended before all was sent.
    Sender(io::Error),
    /// The receiver is gone; what it sent before that may still be on its way to the sender.
    Receiver,
}

/// Carries bytes both ways until both sides have finished, one of them is gone, or nothing has moved for `idle_max`.
///
/// An end (FIN) is passed on as an end while the other direction goes on; a reset becomes a reset.
pub(super) async fn relay(client: &TcpStream, server: &TcpStream, pipes: &Pipes, idle_max: Duration) {
    let pulse = Pulse::default();
    let both = async {
        tokio::try_join!(one_way(client, server, pipes, &pulse), one_way(server, client, pipes, &pulse))
    };
    let whole = tokio::select! {
        ended = both => matches!(ended, Ok((true, true))),
        () = pulse.stops(idle_max) => false,
    };
    if !whole {
        prepare_reset(client);
        prepare_reset(server);
    }
}

/// One direction up to its end; false when the receiver is gone. That alone does not stop the other direction, which
/// still may have the receiver's last words to carry and will find its end behind them.
async fn one_way(from: &TcpStream, to: &TcpStream, pipes: &Pipes, pulse: &Pulse) -> Result<bool, io::Error> {
    match forward(from, to, None, pipes, pulse).await {
        Ok(()) => Ok(SockRef::from(to).shutdown(Shutdown::Write).is_ok()),
        Err(Broken::Receiver) => Ok(false),
        Err(Broken::Sender(error)) => Err(error),
    }
}

/// Carries exactly `count` bytes, or all there are until the sender's end.
///
/// # Errors
/// See [`Broken`]; an end before `count` bytes is the sender's fault.
pub(super) async fn forward(
    from: &TcpStream,
    to: &TcpStream,
    count: Option<u64>,
    pipes: &Pipes,
    pulse: &Pulse,
) -> Result<(), Broken> {
    let mut left = count.unwrap_or(u64::MAX);
    let mut copied = 0;
    let mut lent: Option<LentPipe> = None;
    while left > 0 {
        if lent.is_none() && copied >= COPIED_BYTES && left >= COPIED_BYTES {
            lent = pipes.lend();
        }
        let moved = match &mut lent {
            Some(lent) => splice(from, to, left, &mut lent.pipe, pulse).await?,
            None => copy(from, to, left, pulse).await?,
        };
        if moved == 0 {
            return match count {
                None => Ok(()),
                Some(_) => Err(Broken::Sender(io::ErrorKind::UnexpectedEof.into())),
            };
        }
        copied = copied.saturating_add(moved);
        left = left.saturating_sub(moved);
    }
    Ok(())
}

/// Carries what there is, up to `count` bytes, through a buffer; zero at the sender's end.
async fn copy(from: &TcpStream, to: &TcpStream, count: u64, pulse: &Pulse) -> Result<u64, Broken> {
    let room = usize::try_from(count).map_or(BUFFER_BYTES, |count| count.min(BUFFER_BYTES));
    loop {
        from.readable().await.map_err(Broken::Sender)?;
        let mut buffer = Vec::with_capacity(room).limit(room);
        match from.try_read_buf(&mut buffer) {
            Ok(0) => return Ok(0),
            Ok(count) => {
                pulse.beat();
                write_all(to, buffer.get_ref()).await.map_err(|_| Broken::Receiver)?;
                pulse.beat();
                return Ok(u64::try_from(count).expect("a buffer is shorter than 2^64 bytes"));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(Broken::Sender(error)),
        }
    }
}

/// As [`copy`], by way of an empty pipe, which is empty again afterwards.
async fn splice(
    from: &TcpStream,
    to: &TcpStream,
    count: u64,
    pipe: &mut Pipe,
    pulse: &Pulse,
) -> Result<u64, Broken> {
    let room = usize::try_from(count).unwrap_or(Pipe::BYTES_MAX);
    let taken = from.async_io(Interest::READABLE, || pipe.fill(from, room)).await.map_err(Broken::Sender)?;
    while pipe.held() > 0 {
        pulse.beat();
        to.async_io(Interest::WRITABLE, || pipe.drain(to)).await.map_err(|_| Broken::Receiver)?;
    }
    pulse.beat();
    Ok(u64::try_from(taken).expect("a pipe holds less than 2^64 bytes"))
}

/// Writes all of `bytes`.
pub(super) async fn write_all(to: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        to.writable().await?;
        match to.try_write(rest) {
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
