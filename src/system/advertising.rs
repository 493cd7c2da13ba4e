//! A router's socket on one interface (RFC 4861): it hears machines that ask for routers, and advertises.

use std::{
    io,
    net::{Ipv6Addr, SocketAddrV6},
};

use rustix::net::{RecvFlags, netdevice::name_to_index, recvfrom};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tokio::io::unix::AsyncFd;

/// Where every router listens, and where every machine does.
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

/// The type of a router solicitation (RFC 4861 section 4.1).
const SOLICITATION: u32 = 133;

/// Lets nothing else in, so that other ICMPv6 wakes nobody (classic BPF; the message begins at byte 0).
const SOLICITATIONS_ONLY: [SockFilter; 4] = [
    // Load byte 0; when it is the type, take the next step, else the one after it.
    SockFilter::new(0x30, 0, 0, 0),
    SockFilter::new(0x15, 0, 1, SOLICITATION),
    SockFilter::new(0x06, 0, 0, 0xffff),
    SockFilter::new(0x06, 0, 0, 0),
];

/// RFC 4861 section 6.1: what has passed a router is no neighbour's.
const HOPS: u32 = 255;

/// Longest solicitation looked at, in bytes; only its type counts.
const SOLICITATION_BYTES_MAX: usize = 512;

/// The socket.
#[derive(Debug)]
pub struct AdvertisingSocket {
    socket: AsyncFd<Socket>,
    interface: u32,
}

impl AdvertisingSocket {
    /// The socket on the interface with the kernel's name `interface`.
    ///
    /// # Errors
    /// When there is no such interface, or the process may not have raw sockets (`CAP_NET_RAW`).
    pub fn open(interface: &str) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
        let index = name_to_index(&socket, interface)?;
        socket.set_nonblocking(true)?;
        socket.attach_filter(&SOLICITATIONS_ONLY)?;
        socket.bind_device(Some(interface.as_bytes()))?;
        socket.set_unicast_hops_v6(HOPS)?;
        socket.set_multicast_hops_v6(HOPS)?;
        socket.set_multicast_if_v6(index)?;
        socket.set_multicast_loop_v6(false)?;
        socket.join_multicast_v6(&ALL_ROUTERS, index)?;
        Ok(Self { socket: AsyncFd::new(socket)?, interface: index })
    }

    /// The next machine that asks for routers; none where it has no address yet.
    ///
    /// # Errors
    /// When the kernel refuses the socket, for example because the interface is gone.
    pub async fn asked(&self) -> io::Result<Option<Ipv6Addr>> {
        loop {
            let mut ready = self.socket.readable().await?;
            let received = ready.try_io(|socket| {
                let mut bytes = [0; SOLICITATION_BYTES_MAX];
                let (_, _, source) = recvfrom(socket.get_ref(), &mut bytes, RecvFlags::empty())?;
                Ok(source)
            });
            let Ok(received) = received else { continue };
            let source = received?.and_then(|source| SocketAddrV6::try_from(source).ok());
            match source.map(|source| *source.ip()) {
                Some(source) if source.is_unspecified() => return Ok(None),
                // Routers do not pass on what comes from a link-local address: the asker is on this network.
                Some(source) if source.is_unicast_link_local() => return Ok(Some(source)),
                Some(_) | None => {}
            }
        }
    }

    /// Sends an advertisement to `machine`, or to all; the kernel fills in its checksum. What does not fit into the
    /// kernel's buffer is lost, as the network may lose it.
    ///
    /// # Errors
    /// When the kernel refuses it, for example because the interface is gone.
    pub fn advertise(&self, message: &[u8], machine: Option<Ipv6Addr>) -> io::Result<()> {
        let to = SocketAddrV6::new(machine.unwrap_or(ALL_NODES), 0, 0, self.interface);
        match self.socket.get_ref().send_to(message, &to.into()) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }
}
