//! UDP sockets that carry much: many datagrams in one call, with where they were sent and their congestion marks.
//!
//! The kernel joins datagrams of one sender and one size into a *train* (UDP_GRO, UDP_SEGMENT; udp(7)), which costs one
//! passage through the stack instead of up to 64. Nothing is ever fragmented: a datagram that does not fit the way is lost,
//! as QUIC wants it (RFC 9000 section 14).

use std::{
    cell::RefCell,
    fmt,
    io::{self, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use quinn_udp::{EcnCodepoint, RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{io::Interest, net::UdpSocket};

use super::sockets;

/// The longest train, in bytes: the longest IP packet.
const TRAIN_BYTES_MAX: usize = 1 << 16;

/// Receive and send buffers of a socket, in bytes: four trains. The kernel doubles it.
const BUFFER_BYTES: usize = 1 << 18;

/// What a receiver waits for: the news that a peer's machine refuses comes as an error alone.
const COMING: Interest = Interest::READABLE.add(Interest::ERROR);

thread_local! {
    /// Where a thread receives: a train is used up before the next one comes.
    static ROOM: RefCell<Vec<u8>> = RefCell::new(vec![0; TRAIN_BYTES_MAX]);
}

/// A UDP socket.
pub struct Datagrams {
    socket: UdpSocket,
    state: UdpSocketState,
}

/// Datagrams that came together: of one sender, and all of one size but for the last, which may be smaller.
#[derive(Clone, Copy, Debug)]
pub struct Train<'a> {
    /// Who sent them.
    pub from: SocketAddr,
    /// The address they were sent to.
    pub to: Option<IpAddr>,
    bytes: &'a [u8],
    size: usize,
    mark: Option<EcnCodepoint>,
}

impl<'a> Train<'a> {
    /// The datagrams in order. Empty ones are left out.
    pub fn datagrams(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.bytes.chunks(self.size.max(1))
    }

    /// How many bytes all of them have.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are no bytes at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// One datagram of this train as a train of its own.
    #[must_use]
    pub fn only(&self, datagram: &'a [u8]) -> Self {
        Self { bytes: datagram, size: datagram.len(), ..*self }
    }
}

impl Datagrams {
    /// A socket on `address` that takes the datagrams TPROXY hands it; each train says where it was sent.
    ///
    /// # Errors
    /// When the kernel refuses, for example because the port is taken, or without `CAP_NET_ADMIN`.
    pub fn for_any_destination(address: SocketAddr) -> io::Result<Self> {
        Self::new(sockets::bind_udp_transparent(address)?)
    }

    /// A socket that speaks with `peer` in the place of `local`, an address that need not be the machine's own. From now
    /// on the kernel gives it what that peer sends there.
    ///
    /// # Errors
    /// As [`Self::for_any_destination`]; also when no way leads to `peer`.
    pub fn in_place_of(local: SocketAddr, peer: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(local), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        if local.is_ipv4() {
            socket.set_ip_transparent_v4(true)?;
        } else {
            socket.set_ip_transparent_v6(true)?;
            socket.set_only_v6(true)?;
        }
        // Several peers may speak with one address.
        socket.set_reuse_address(true)?;
        socket.bind(&local.into())?;
        socket.connect(&peer.into())?;
        Self::sized(socket)
    }

    /// A socket of the machine's own that speaks with `peer` alone, from a port that the kernel chooses.
    ///
    /// # Errors
    /// When no way leads to `peer`, or no file descriptor or port is left.
    pub fn towards(peer: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(peer), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        let any: IpAddr = match peer {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        socket.bind(&SocketAddr::new(any, 0).into())?;
        socket.connect(&peer.into())?;
        Self::sized(socket)
    }

    /// Returns when something may have come.
    ///
    /// # Errors
    /// When the socket is broken.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.ready(COMING).await.map(|_| ())
    }

    /// Takes what has come, and gives it to `take`, which must not receive in its turn.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there; `ConnectionRefused` when the peer's machine said that nobody listens.
    pub fn receive<T>(&self, take: impl FnOnce(Train<'_>) -> T) -> io::Result<T> {
        ROOM.with_borrow_mut(|room| {
            let mut meta = [RecvMeta::default()];
            let mut receive =
                || self.state.recv((&self.socket).into(), &mut [IoSliceMut::new(room)], &mut meta);
            // One after the other: tokio knows no attempt for two kinds of news at once.
            match self.socket.try_io(Interest::READABLE, &mut receive) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.socket.try_io(Interest::ERROR, &mut receive)
                }
                received => received,
            }?;
            let [RecvMeta { addr, len, stride, ecn, dst_ip }] = meta;
            let bytes = room.get(..len).unwrap_or_default();
            Ok(take(Train { from: addr, to: dst_ip, bytes, size: stride, mark: ecn }))
        })
    }

    /// Sends a train to `peer`, the socket's own where it has one. What does not fit the buffers or the way is lost.
    ///
    /// # Errors
    /// When the kernel refuses for another reason; `ConnectionRefused` is about an earlier datagram.
    pub fn send(&self, train: &Train<'_>, peer: SocketAddr) -> io::Result<()> {
        let segments = self.state.max_gso_segments().max(1);
        let size = train.size.max(1);
        for part in train.bytes.chunks(size.saturating_mul(segments)) {
            let transmit = Transmit {
                destination: peer,
                ecn: train.mark,
                contents: part,
                segment_size: Some(size),
                src_ip: None,
            };
            // Not by way of tokio, which calls a socket unwritable until it has been told otherwise: nothing waits here.
            match self.state.try_send((&self.socket).into(), &transmit) {
                Err(error) if is_loss(&error) => {}
                sent => sent?,
            }
        }
        Ok(())
    }

    /// Sends one datagram, as [`Self::send`].
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_one(&self, datagram: &[u8], peer: SocketAddr) -> io::Result<()> {
        self.send(&Train { from: peer, to: None, bytes: datagram, size: datagram.len(), mark: None }, peer)
    }

    fn sized(socket: Socket) -> io::Result<Self> {
        socket.set_recv_buffer_size(BUFFER_BYTES)?;
        socket.set_send_buffer_size(BUFFER_BYTES)?;
        Self::new(UdpSocket::from_std(socket.into())?)
    }

    fn new(socket: UdpSocket) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self { socket, state })
    }
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams").finish_non_exhaustive()
    }
}

/// A full buffer, or a datagram that is too large for the way: the network loses datagrams, too.
fn is_loss(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || error.raw_os_error() == Some(rustix::io::Errno::MSGSIZE.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn receive(socket: &Datagrams) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        while all.len() < 3 {
            socket.readable().await.unwrap();
            let _ = socket.receive(|train| all.extend(train.datagrams().map(<[u8]>::to_vec)));
        }
        all
    }

    #[tokio::test]
    async fn a_train_arrives_as_the_datagrams_it_was_made_of() {
        let listener = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = Datagrams::new(listener).unwrap();
        let sender = Datagrams::towards(address).unwrap();
        let bytes = [[1; 100], [2; 100], [3; 100]].concat();
        let train = Train { from: address, to: None, bytes: &bytes[..250], size: 100, mark: None };
        sender.send(&train, address).unwrap();
        assert_eq!(receive(&listener).await, [vec![1; 100], vec![2; 100], vec![3; 50]]);
    }

    #[tokio::test]
    async fn nobody_at_the_other_end_is_noticed() {
        let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let sender = Datagrams::towards(gone).unwrap();
        sender.send_one(b"bonjour", gone).unwrap();
        sender.readable().await.unwrap();
        let error = sender.receive(|_| ()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
