//! Carries datagrams between WireGuard on this machine and a connection, until the connection ends.

use std::{
    io,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use bytes::BytesMut;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::queue::Queue;
use crate::protocol::relay::{ALIVE, DATAGRAM_BYTES_MAX, Frame, Frames, NoFrame, VERSION};

/// How both ends see that the other is there.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// An end that has sent nothing for so long says that it is there.
    alive_every: Duration,
    /// An end from which nothing came for so long is gone: two signs of life were lost, and half of one.
    silence_max: Duration,
    /// How long the other end may take to begin.
    begin_wait_max: Duration,
    /// How long what is sent may wait for the other end to read (slow readers).
    send_wait_max: Duration,
}

const PACE: Pace = Pace {
    alive_every: Duration::from_secs(10),
    silence_max: Duration::from_secs(25),
    begin_wait_max: Duration::from_secs(10),
    send_wait_max: Duration::from_secs(15),
};

/// What the kernel may hold back of what it has not sent yet: beyond it datagrams wait in the queue, where the oldest goes.
const UNSENT_BYTES_MAX: u32 = 32 * 1024;

/// Bytes that are read at once.
const READ_BYTES: usize = 32 * 1024;

/// Why a connection ended.
#[derive(Debug)]
pub enum Ended {
    /// Nothing came any more.
    Silent,
    /// The other end does not read.
    Slow,
    /// The other end ended it.
    Closed,
    /// It broke.
    Broken(io::Error),
    /// What came is not what is said here.
    Foreign(NoFrame),
}

/// The socket towards WireGuard on this machine.
#[derive(Debug)]
pub struct Local {
    socket: UdpSocket,
    learns: bool,
    wireguard: Mutex<Option<SocketAddr>>,
}

impl Local {
    /// At the box: WireGuard is whoever on this machine last sent one of its datagrams to `socket`.
    #[must_use]
    pub const fn learning(socket: UdpSocket) -> Self {
        Self { socket, learns: true, wireguard: Mutex::new(None) }
    }

    /// At the concentrator: WireGuard is at `wireguard`, and nobody else is heard.
    #[must_use]
    pub const fn towards(socket: UdpSocket, wireguard: SocketAddr) -> Self {
        Self { socket, learns: false, wireguard: Mutex::new(Some(wireguard)) }
    }

    /// Notes where a datagram came from; whether it counts.
    fn hear(&self, from: SocketAddr) -> bool {
        let mut wireguard = self.wireguard.lock().unwrap_or_else(PoisonError::into_inner);
        if self.learns {
            let is_here = from.ip().is_loopback();
            if is_here {
                *wireguard = Some(from);
            }
            return is_here;
        }
        *wireguard == Some(from)
    }

    async fn give(&self, datagram: &[u8]) {
        let wireguard = *self.wireguard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(wireguard) = wireguard {
            // What the kernel does not take is lost, as any datagram may be.
            let _ = self.socket.send_to(datagram, wireguard).await;
        }
    }
}

/// Puts what WireGuard sends into `queue`, for ever.
///
/// # Errors
/// When the socket fails.
pub async fn collect(local: &Local, queue: &Queue) -> io::Error {
    let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        match local.socket.recv_from(&mut datagram).await {
            Ok((length, from)) => {
                if local.hear(from) {
                    queue.push(datagram.get(..length).unwrap_or_default());
                }
            }
            // WireGuard is not there at the moment: the kernel tells of a datagram that nobody took.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
            Err(error) => return error,
        }
    }
}

/// Carries what lies in `queue` to `stream`, and what comes from there to WireGuard, until the connection ends.
pub async fn carry(stream: impl AsyncRead + AsyncWrite, local: &Local, queue: &Queue) -> Ended {
    carry_at(PACE, stream, local, queue).await
}

async fn carry_at(pace: Pace, stream: impl AsyncRead + AsyncWrite, local: &Local, queue: &Queue) -> Ended {
    let (reader, writer) = split(stream);
    queue.begin();
    tokio::select! {
        ended = send(pace, writer, queue) => ended,
        ended = receive(pace, reader, local) => ended,
    }
}

/// Sets on `stream` what datagrams in it need: what is sent goes at once, little waits in the kernel, and an end that is gone
/// is noticed.
///
/// # Errors
/// When the kernel refuses.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(stream);
    socket.set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
    socket.set_tcp_user_timeout(Some(PACE.silence_max))
}

async fn send(pace: Pace, mut writer: impl AsyncWrite + Unpin, queue: &Queue) -> Ended {
    let mut written = BytesMut::from(&[VERSION][..]);
    loop {
        let sent = async {
            writer.write_all(&written).await?;
            writer.flush().await
        };
        match timeout(pace.send_wait_max, sent).await {
            Ok(Ok(())) => written.clear(),
            Ok(Err(error)) => return Ended::Broken(error),
            Err(_) => return Ended::Slow,
        }
        if timeout(pace.alive_every, queue.next(&mut written)).await.is_err() {
            written.extend_from_slice(&ALIVE);
        }
    }
}

async fn receive(pace: Pace, mut reader: impl AsyncRead + Unpin, local: &Local) -> Ended {
    let (mut frames, mut piece) = (Frames::default(), vec![0; READ_BYTES]);
    loop {
        let wait_max = if frames.has_begun() { pace.silence_max } else { pace.begin_wait_max };
        match timeout(wait_max, reader.read(&mut piece)).await {
            Ok(Ok(0)) => return Ended::Closed,
            Ok(Ok(length)) => frames.feed(piece.get(..length).unwrap_or_default()),
            Ok(Err(error)) => return Ended::Broken(error),
            Err(_) => return Ended::Silent,
        }
        loop {
            match frames.take() {
                Ok(Some(Frame::Datagram(datagram))) => local.give(&datagram).await,
                Ok(Some(Frame::Alive)) => {}
                Ok(None) => break,
                Err(foreign) => return Ended::Foreign(foreign),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::duplex;

    use super::*;

    async fn socket() -> UdpSocket {
        UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap()
    }

    fn datagram(number: u8) -> Vec<u8> {
        let mut datagram = vec![0; 64 + 16 * usize::from(number)];
        datagram[0] = 4;
        datagram[4] = number;
        datagram
    }

    /// Both ends of a connection, and WireGuard behind each: what one sends the other hears.
    #[tokio::test]
    async fn what_wireguard_sends_at_one_end_comes_out_at_the_other() {
        let (here, there) = (socket().await, socket().await);
        let (at_box, at_concentrator) = (socket().await, socket().await);
        let door = at_box.local_addr().unwrap();
        let (near, far) =
            (Local::learning(at_box), Local::towards(at_concentrator, there.local_addr().unwrap()));
        let (near_queue, far_queue) = (Queue::default(), Queue::default());
        let (one, other) = duplex(1024);
        let play = async {
            let mut heard = [0; 2000];
            for number in 0..20 {
                here.send_to(&datagram(number), door).await.unwrap();
                let (length, from) = there.recv_from(&mut heard).await.unwrap();
                assert_eq!(&heard[..length], datagram(number));
                there.send_to(&datagram(number + 1), from).await.unwrap();
                let (length, _) = here.recv_from(&mut heard).await.unwrap();
                assert_eq!(&heard[..length], datagram(number + 1));
            }
        };
        tokio::select! {
            () = play => {}
            ended = carry(one, &near, &near_queue) => panic!("{ended:?}"),
            ended = carry(other, &far, &far_queue) => panic!("{ended:?}"),
            error = collect(&near, &near_queue) => panic!("{error}"),
            error = collect(&far, &far_queue) => panic!("{error}"),
        }
    }

    #[tokio::test]
    async fn a_stranger_at_the_concentrators_socket_is_not_heard() {
        let (wireguard, stranger, own) = (socket().await, socket().await, socket().await);
        let address = own.local_addr().unwrap();
        let (local, queue) = (Local::towards(own, wireguard.local_addr().unwrap()), Queue::default());
        let play = async {
            stranger.send_to(&datagram(1), address).await.unwrap();
            wireguard.send_to(&datagram(2), address).await.unwrap();
            let mut written = BytesMut::new();
            queue.next(&mut written).await;
            assert_eq!(written.get(6).copied(), Some(2));
            assert_eq!(queue.taken(), 1);
        };
        tokio::select! {
            () = play => {}
            error = collect(&local, &queue) => panic!("{error}"),
        }
    }

    /// Twenty times as fast.
    fn fast() -> Pace {
        let Pace { alive_every, silence_max, begin_wait_max, send_wait_max } = PACE;
        Pace {
            alive_every: alive_every / 20,
            silence_max: silence_max / 20,
            begin_wait_max: begin_wait_max / 20,
            send_wait_max: send_wait_max / 20,
        }
    }

    #[tokio::test]
    async fn an_end_that_says_nothing_is_gone_and_one_that_has_nothing_to_say_is_not() {
        let (local, queue) = (Local::learning(socket().await), Queue::default());
        let (one, mut mute) = duplex(4096);
        mute.write_all(&[VERSION]).await.unwrap();
        assert!(matches!(carry_at(fast(), one, &local, &queue).await, Ended::Silent));
        let (other_local, other_queue) = (Local::learning(socket().await), Queue::default());
        let (one, other) = duplex(4096);
        let both = async {
            tokio::select! {
                ended = carry_at(fast(), one, &local, &queue) => ended,
                ended = carry_at(fast(), other, &other_local, &other_queue) => ended,
            }
        };
        assert!(PACE.alive_every * 2 < PACE.silence_max);
        let ended = timeout(fast().silence_max * 3, both).await;
        assert!(ended.is_err(), "{ended:?}");
    }

    #[tokio::test]
    async fn an_end_that_does_not_read_and_one_that_speaks_http_are_left() {
        let (local, queue) = (Local::learning(socket().await), Queue::default());
        let (one, mut other) = duplex(64);
        queue.push(&datagram(9));
        other.write_all(&[VERSION]).await.unwrap();
        let ended = carry_at(fast(), one, &local, &queue).await;
        assert!(matches!(ended, Ended::Slow), "{ended:?}");
        let (one, mut other) = duplex(4096);
        other.write_all(b"HTTP/1.1 302 Found\r\n").await.unwrap();
        let ended = carry(one, &local, &queue).await;
        assert!(matches!(ended, Ended::Foreign(NoFrame::Version(b'H'))), "{ended:?}");
    }
}
