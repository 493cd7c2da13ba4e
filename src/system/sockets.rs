//! Sockets as the daemon's services need them: bound to a zone's address before it is up, or open to every destination.

use std::{io, net::SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

/// Connections the kernel holds for a service that has not taken them yet.
const BACKLOG: i32 = 1024;

/// Receive and send buffers of a UDP service, in bytes: a class that starts at once fits, the kernel doubles it.
const UDP_BUFFER_BYTES: usize = 1 << 20;

/// A UDP socket on `address`, which need not be up yet.
///
/// # Errors
/// When the kernel refuses, for example because the port is taken or below 1024 without the right to it.
pub fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    prepare(&socket, address)?;
    socket.set_recv_buffer_size(UDP_BUFFER_BYTES)?;
    socket.set_send_buffer_size(UDP_BUFFER_BYTES)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// A TCP listener on `address`, which need not be up yet.
///
/// # Errors
/// As [`bind_udp`].
pub fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    prepare(&socket, address)?;
    listen(socket, address)
}

/// A TCP listener that takes the connections TPROXY hands it: the accepted socket's local address is the destination
/// the client asked for.
///
/// # Errors
/// As [`bind_udp`]; also without `CAP_NET_ADMIN`.
pub fn listen_transparent(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv4() {
        socket.set_ip_transparent_v4(true)?
    } else {
        socket.set_ip_transparent_v6(true)?
    }
    prepare(&socket, address)?;
    listen(socket, address)
}

fn prepare(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv4() {
        socket.set_freebind_v4(true)?
    } else {
        socket.set_freebind_v6(true)?
    }
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)
}

fn listen(socket: Socket, address: SocketAddr) -> io::Result<TcpListener> {
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}
