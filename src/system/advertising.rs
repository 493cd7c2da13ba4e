//! A router's socket on one interface (RFC 4861): it hears machines that ask for routers, and advertises.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddrV6},
};

use rustix::net::netdevice::name_to_index;
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use tokio::net::UdpSocket;

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
    /// A raw socket in the runtime's clothes of UDP: both send to an address and receive from one.
    socket: UdpSocket,
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
        Ok(Self { socket: UdpSocket::from_std(socket.into())?, interface: index })
    }

    /// The next machine that asks for routers; none where it has no address yet.
    ///
    /// # Errors
    /// When the kernel refuses the socket, for example because the interface is gone.
    pub async fn asked(&self) -> io::Result<Option<Ipv6Addr>> {
        loop {
            let mut bytes = [0; SOLICITATION_BYTES_MAX];
            let (_, source) = self.socket.recv_from(&mut bytes).await?;
            match source.ip() {
                IpAddr::V6(source) if source.is_unspecified() => return Ok(None),
                // Routers do not pass on what comes from a link-local address: the asker is on this network.
                IpAddr::V6(source) if source.is_unicast_link_local() => return Ok(Some(source)),
                IpAddr::V6(_) | IpAddr::V4(_) => {}
            }
        }
    }

    /// Sends an advertisement to `machine`, or to all; the kernel fills in its checksum.
    ///
    /// # Errors
    /// When the kernel refuses it, for example because the interface is gone.
    pub async fn advertise(&self, message: &[u8], machine: Option<Ipv6Addr>) -> io::Result<()> {
        let to = SocketAddrV6::new(machine.unwrap_or(ALL_NODES), 0, 0, self.interface);
        self.socket.send_to(message, to).await.map(drop)
    }
}
