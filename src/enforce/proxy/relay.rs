//! Carries bytes between client and site: the first 64 KiB through a buffer, more of them inside the kernel.
//!
//! A connection that is silent holds no buffer: one is made when there is something to read and freed when it is
//! written. A connection that moves much borrows a [`Pipe`] for each direction; when none is left it goes on with
//! buffers of 64 KiB, which costs about a third more processor time.

use std::{
    io,
    mem::MaybeUninit,
    net::Shutdown,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

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

/// The first buffer, in bytes: most connections end before they have moved more, and small pieces of memory are cheap.
const FIRST_BUFFER_BYTES: usize = 8 * 1024;

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
/// An end (FIN) is passed on as an end while the other direction goes on; a reset becomes a reset. A side that was
/// told of the end is never reset: what was sent to it before may still be under way.
pub(super) async fn relay(client: &TcpStream, server: &TcpStream, pipes: &Pipes, idle_max: Duration) {
    let pulse = Pulse::default();
    let (server_told, client_told) = (AtomicBool::new(false), AtomicBool::new(false));
    let up = one_way(client, server, pipes, &pulse, &server_told);
    let down = one_way(server, client, pipes, &pulse, &client_told);
    tokio::select! {
        // Whatever the error, its sign is a side that was not told of an end.
        _ = async { tokio::try_join!(up, down) } => {}
        () = pulse.stops(idle_max) => {}
    }
    for (side, told) in [(server, server_told), (client, client_told)] {
        if !told.into_inner() {
            prepare_reset(side);
        }
    }
}

/// One direction up to its end; `told` is set when the end was passed on. A receiver that is gone does not stop the
/// other direction, which still may have its last words to carry and will find its end behind them.
async fn one_way(
    from: &TcpStream,
    to: &TcpStream,
    pipes: &Pipes,
    pulse: &Pulse,
    told: &AtomicBool,
) -> io::Result<()> {
    match forward(from, to, None, pipes, pulse).await {
        Ok(()) => {
            told.store(SockRef::from(to).shutdown(Shutdown::Write).is_ok(), Ordering::Relaxed);
            Ok(())
        }
        Err(Broken::Receiver) => Ok(()),
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
            None => {
                let room = if copied == 0 { FIRST_BUFFER_BYTES } else { BUFFER_BYTES };
                copy(from, to, usize::try_from(left).map_or(room, |left| left.min(room)), pulse).await?
            }
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

/// Carries what there is, up to `room` bytes, through a buffer; zero at the sender's end.
async fn copy(from: &TcpStream, to: &TcpStream, room: usize, pulse: &Pulse) -> Result<u64, Broken> {
    loop {
        from.readable().await.map_err(Broken::Sender)?;
        let mut buffer = Box::new_uninit_slice(room);
        if let Some(bytes) = read_available(from, &mut buffer).map_err(Broken::Sender)? {
            if bytes.is_empty() {
                return Ok(0);
            }
            pulse.beat();
            write_all(to, bytes).await.map_err(|_| Broken::Receiver)?;
            pulse.beat();
            return Ok(u64::try_from(bytes.len()).expect("a buffer is shorter than 2^64 bytes"));
        }
    }
}

/// Carries what there is, up to `count` bytes, by way of an empty pipe, which is empty again afterwards.
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

/// Takes what has come, as much of it as there is room for: no bytes at the sender's end; none where a socket that was
/// called readable is not.
///
/// Bytes that leave room have emptied the socket, and it is not called readable again before there are more (epoll(7),
/// question 9): whoever reads until there is nothing makes two system calls where one would do.
pub(super) fn read_available<'a>(
    from: &TcpStream,
    room: &'a mut [MaybeUninit<u8>],
) -> io::Result<Option<&'a [u8]>> {
    let mut taken: Option<&[u8]> = None;
    let attempt = from.try_io(Interest::READABLE, || {
        let (bytes, rest) = rustix::io::read(from, room)?;
        let is_emptied = !bytes.is_empty() && !rest.is_empty();
        taken = Some(bytes);
        // By this word the runtime knows that the socket is not readable any more.
        if is_emptied { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    });
    match attempt {
        Err(error) if taken.is_none() && error.kind() != io::ErrorKind::WouldBlock => Err(error),
        Ok(()) | Err(_) => Ok(taken),
    }
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

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        task::JoinSet,
    };

    use super::*;
    use crate::enforce::proxy::scene::{expect, is_reset, pair, read_all, send};

    const LONG: Duration = Duration::from_secs(60);

    /// A client and a site with a relay between them, which ends with the set.
    async fn joined(pipes: &Pipes, idle_max: Duration) -> (TcpStream, TcpStream, JoinSet<()>) {
        let (client, box_to_client) = pair().await;
        let (site, box_to_site) = pair().await;
        let pipes = pipes.clone();
        let mut relays = JoinSet::new();
        relays.spawn(async move { relay(&box_to_client, &box_to_site, &pipes, idle_max).await });
        (client, site, relays)
    }

    fn sample(count: usize) -> Vec<u8> {
        (0..count).map(|place| u8::try_from(place * 31 % 251).unwrap()).collect()
    }

    /// Sends `count` bytes each way at once and compares them.
    async fn check_large(pipes: &Pipes, count: usize) {
        let (client, site, mut relays) = joined(pipes, LONG).await;
        let talk = |mut stream: TcpStream| async move {
            let (mut from, mut to) = stream.split();
            let mut read = Vec::new();
            let sent = sample(count);
            let send = async {
                to.write_all(&sent).await.unwrap();
                to.shutdown().await.unwrap();
            };
            let (_, end) = tokio::join!(send, from.read_to_end(&mut read));
            end.unwrap();
            read
        };
        let (at_client, at_site) = tokio::join!(talk(client), talk(site));
        assert!(at_client == sample(count) && at_site == sample(count));
        relays.join_next().await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_large_transfer_arrives_byte_for_byte() {
        check_large(&Pipes::new(2), 8_000_000).await;
    }

    #[tokio::test]
    async fn without_a_pipe_to_lend_bytes_are_copied() {
        check_large(&Pipes::new(0), 2_000_000).await;
    }

    #[tokio::test]
    async fn a_pipe_is_lent_after_64_kib_and_given_back_at_the_end() {
        let pipes = Pipes::new(2);
        let (mut client, mut site, mut relays) = joined(&pipes, LONG).await;
        send(&mut client, b"peu").await;
        expect(&mut site, b"peu").await;
        assert_eq!(pipes.0.available_permits(), 2);
        let much = sample(200_000);
        let mut read = vec![0; much.len()];
        let (sent, got) = tokio::join!(client.write_all(&much), site.read_exact(&mut read));
        sent.unwrap();
        got.unwrap();
        send(&mut client, b"encore").await;
        expect(&mut site, b"encore").await;
        assert_eq!(pipes.0.available_permits(), 1);
        drop((client, site));
        relays.join_next().await.unwrap().unwrap();
        assert_eq!(pipes.0.available_permits(), 2);
    }

    #[tokio::test]
    async fn one_side_may_finish_while_the_other_goes_on() {
        let (mut client, mut site, mut relays) = joined(&Pipes::new(2), LONG).await;
        send(&mut client, b"question").await;
        client.shutdown().await.unwrap();
        assert_eq!(read_all(&mut site).await.unwrap(), b"question");
        send(&mut site, b"answer").await;
        expect(&mut client, b"answer").await;
        drop(site);
        assert_eq!(read_all(&mut client).await.unwrap(), b"");
        relays.join_next().await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_a_site_sent_before_its_end_arrives_though_the_site_is_gone() {
        let (mut client, mut site, mut relays) = joined(&Pipes::new(2), LONG).await;
        let much = sample(200_000);
        send(&mut site, &much).await;
        site.shutdown().await.unwrap();
        send(&mut client, b"unread").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(site); // With bytes unread: a reset.
        tokio::time::sleep(Duration::from_millis(50)).await;
        send(&mut client, b"too late").await;
        relays.join_next().await.unwrap().unwrap();
        assert!(read_all(&mut client).await.unwrap() == much);
    }

    #[tokio::test]
    async fn a_reset_of_one_side_reaches_the_other() {
        let (mut client, site, _relays) = joined(&Pipes::new(2), LONG).await;
        prepare_reset(&site);
        drop(site);
        assert!(is_reset(&mut client).await);
    }

    #[tokio::test]
    async fn silence_of_both_sides_ends_the_connection() {
        let (mut client, mut site, _relays) = joined(&Pipes::new(2), Duration::from_millis(100)).await;
        assert!(is_reset(&mut client).await && is_reset(&mut site).await);
    }

    #[tokio::test]
    async fn exactly_the_asked_count_is_carried_and_not_a_byte_more() {
        let (mut sender, from) = pair().await;
        let (to, mut receiver) = pair().await;
        let much = sample(300_000);
        let (pipes, pulse) = (Pipes::new(1), Pulse::default());
        let reading = async {
            let mut read = vec![0; 299_990];
            receiver.read_exact(&mut read).await.unwrap();
            read
        };
        let (sent, carried, read) = tokio::join!(
            sender.write_all(&much),
            forward(&from, &to, Some(299_990), &pipes, &pulse),
            reading
        );
        sent.unwrap();
        carried.unwrap();
        assert!(read == much[..299_990]);
        let mut rest = [0; 16];
        assert_eq!(from.try_read(&mut rest).unwrap(), 10);
    }
}
