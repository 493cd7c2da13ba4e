//! Sockets as the daemon's services need them: bound to a zone's address before it is up, or open to every destination.

use std::{io, net::SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use super::inherited;

/// Connections the kernel holds for a service that has not taken them yet.
const BACKLOG: i32 = 1024;

/// Receive and send buffers of a UDP service, in bytes: a class that starts at once fits, the kernel doubles it.
const UDP_BUFFER_BYTES: usize = 1 << 20;

/// A UDP socket on `address`, which need not be up yet.
///
/// # Errors
/// When the kernel refuses, for example because the port is taken or below 1024 without the right to it.
pub fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = bound(address, Type::DGRAM, Protocol::UDP, Destination::Own)?;
    socket.set_recv_buffer_size(UDP_BUFFER_BYTES)?;
    socket.set_send_buffer_size(UDP_BUFFER_BYTES)?;
    UdpSocket::from_std(socket.into())
}

/// As [`bind_udp`], for the datagrams TPROXY hands over.
///
/// # Errors
/// As [`bind_udp`]; also without `CAP_NET_ADMIN`.
pub(super) fn bind_udp_transparent(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = bound(address, Type::DGRAM, Protocol::UDP, Destination::Any)?;
    socket.set_recv_buffer_size(UDP_BUFFER_BYTES)?;
    UdpSocket::from_std(socket.into())
}

/// A TCP listener on `address`, which need not be up yet.
///
/// # Errors
/// As [`bind_udp`].
pub fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    listen(address, Destination::Own)
}

/// A TCP listener that takes the connections TPROXY hands it: the accepted socket's local address is the destination
/// the client asked for. Accepted sockets send what they are given at once (`TCP_NODELAY`), as their listener does.
///
/// # Errors
/// As [`bind_udp`]; also without `CAP_NET_ADMIN`.
pub fn listen_transparent(address: SocketAddr) -> io::Result<TcpListener> {
    listen(address, Destination::Any)
}

/// Whose packets a socket takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Destination {
    /// Those sent to its address.
    Own,
    /// Also those that TPROXY hands it, whoever they were sent to.
    Any,
}

fn listen(address: SocketAddr, destination: Destination) -> io::Result<TcpListener> {
    let socket = bound(address, Type::STREAM, Protocol::TCP, destination)?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// The service manager's socket on `address` where it has one, otherwise one of our own.
fn bound(
    address: SocketAddr,
    kind: Type,
    protocol: Protocol,
    destination: Destination,
) -> io::Result<Socket> {
    let (socket, is_bound) = match inherited::take(address, kind) {
        Some(socket) => (socket, true),
        None => (Socket::new(Domain::for_address(address), kind, Some(protocol))?, false),
    };
    socket.set_nonblocking(true)?;
    if destination == Destination::Any {
        if kind == Type::STREAM {
            socket.set_tcp_nodelay(true)?;
        }
        if address.is_ipv4() {
            socket.set_ip_transparent_v4(true)?
        } else {
            socket.set_ip_transparent_v6(true)?
        }
    }
    if !is_bound {
        if address.is_ipv4() {
            socket.set_freebind_v4(true)?
        } else {
            socket.set_freebind_v6(true)?
        }
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        if kind == Type::STREAM {
            socket.set_reuse_address(true)?;
        }
        socket.bind(&address.into())?;
    }
    Ok(socket)
}
