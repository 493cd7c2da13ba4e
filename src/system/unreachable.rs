//! "Port unreachable", as the network says it to whoever sent a datagram to a closed port: programs that try QUIC learn
//! at once that they should take TCP.
//!
//! The message quotes the datagram it answers (RFC 792, RFC 4443 section 3.1), by which the sender's kernel finds the
//! socket it is for. Of the quoted IP header only what identifies the datagram is true: we have never seen the rest.
//!
//! ```text
//! IPv4:  3 | 3 | checksum (2) | 0 (4) | IP header (20) | UDP header (8) | the datagram's beginning
//! IPv6:  1 | 4 | checksum (2) | 0 (4) | IP header (40) | UDP header (8) | the datagram's beginning
//! ```

use std::{
    io,
    net::{SocketAddr, SocketAddrV4, SocketAddrV6},
};

use socket2::{Domain, Protocol, Socket, Type};

/// RFC 1812 section 4.3.2.3: the message has at most 576 bytes with its own IP header of 20.
const V4_BYTES_MAX: usize = 576 - 20;

/// RFC 4443 section 2.4: the packet has at most 1280 bytes with its own IP header of 40.
const V6_BYTES_MAX: usize = 1280 - 40;

const UDP: u8 = 17;
const UDP_HEADER_BYTES: usize = 8;
const HOPS: u8 = 64;

/// Tells senders that nobody listens, in the name of the box.
#[derive(Debug)]
pub struct Unreachable {
    v4: Socket,
    v6: Socket,
}

impl Unreachable {
    /// # Errors
    /// When the process may not have raw sockets (`CAP_NET_RAW`).
    pub fn open() -> io::Result<Self> {
        let raw = |domain, protocol| -> io::Result<Socket> {
            let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
            socket.set_nonblocking(true)?;
            // It only sends: what arrives is for the kernel, and costs a copy less with hardly any room for it.
            socket.set_recv_buffer_size(1)?;
            Ok(socket)
        };
        Ok(Self { v4: raw(Domain::IPV4, Protocol::ICMPV4)?, v6: raw(Domain::IPV6, Protocol::ICMPV6)? })
    }

    /// Tells `sender` that the `datagram` it sent to `destination` found nobody. A full buffer loses the message, as the
    /// network may.
    ///
    /// # Errors
    /// When the two addresses are of different families, or no way leads to `sender`.
    pub fn tell(&self, sender: SocketAddr, destination: SocketAddr, datagram: &[u8]) -> io::Result<()> {
        let (socket, message, to) = match (sender, destination) {
            (SocketAddr::V4(from), SocketAddr::V4(to)) => {
                (&self.v4, message_v4(from, to, datagram), SocketAddr::new((*from.ip()).into(), 0))
            }
            (SocketAddr::V6(from), SocketAddr::V6(to)) => {
                let way = SocketAddrV6::new(*from.ip(), 0, 0, from.scope_id());
                (&self.v6, message_v6(from, to, datagram), way.into())
            }
            _ => return Err(io::ErrorKind::InvalidInput.into()),
        };
        match socket.send_to(&message, &to.into()) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }
}

fn message_v4(from: SocketAddrV4, to: SocketAddrV4, datagram: &[u8]) -> Vec<u8> {
    let (source, destination) = (from.ip().octets(), to.ip().octets());
    let udp_length = udp_length(datagram);
    let mut quoted = vec![0x45, 0];
    // A datagram too long for IPv4 never arrived by it.
    quoted.extend(udp_length.saturating_add(20).to_be_bytes());
    quoted.extend([0, 0, 0x40, 0, HOPS, UDP, 0, 0]);
    quoted.extend(source);
    quoted.extend(destination);
    let header_sum = checksum(&[&quoted]).to_be_bytes();
    quoted[10..12].copy_from_slice(&header_sum);
    let pseudo = [&source[..], &destination, &[0, UDP], &udp_length.to_be_bytes()].concat();
    push_udp(&mut quoted, from.port(), to.port(), &pseudo, datagram);
    let mut message = vec![3, 3, 0, 0, 0, 0, 0, 0];
    message.extend(quoted);
    message.truncate(V4_BYTES_MAX);
    let sum = checksum(&[&message]).to_be_bytes();
    message[2..4].copy_from_slice(&sum);
    message
}

/// The checksum stays zero: for raw ICMPv6 sockets the kernel computes it (RFC 3542 section 3.1).
fn message_v6(from: SocketAddrV6, to: SocketAddrV6, datagram: &[u8]) -> Vec<u8> {
    let (source, destination) = (from.ip().octets(), to.ip().octets());
    let udp_length = udp_length(datagram);
    let mut message = vec![1, 4, 0, 0, 0, 0, 0, 0];
    message.extend([0x60, 0, 0, 0]);
    message.extend(udp_length.to_be_bytes());
    message.extend([UDP, HOPS]);
    message.extend(source);
    message.extend(destination);
    let pseudo = [&source[..], &destination, &[0, 0], &udp_length.to_be_bytes(), &[0, 0, 0, UDP]].concat();
    push_udp(&mut message, from.port(), to.port(), &pseudo, datagram);
    message.truncate(V6_BYTES_MAX);
    message
}

fn udp_length(datagram: &[u8]) -> u16 {
    u16::try_from(UDP_HEADER_BYTES + datagram.len()).unwrap_or(u16::MAX)
}

/// Appends the UDP header with its checksum, and the datagram (RFC 768).
fn push_udp(out: &mut Vec<u8>, from_port: u16, to_port: u16, pseudo: &[u8], datagram: &[u8]) {
    let mut header = [0; UDP_HEADER_BYTES];
    header[0..2].copy_from_slice(&from_port.to_be_bytes());
    header[2..4].copy_from_slice(&to_port.to_be_bytes());
    header[4..6].copy_from_slice(&udp_length(datagram).to_be_bytes());
    let sum = match checksum(&[pseudo, &header, datagram]) {
        0 => u16::MAX,
        sum => sum,
    };
    header[6..8].copy_from_slice(&sum.to_be_bytes());
    out.extend(header);
    out.extend_from_slice(datagram);
}

/// The Internet checksum (RFC 1071) over parts of which all but the last have an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let pairs = parts.iter().flat_map(|part| part.chunks(2));
    let mut sum: u64 =
        pairs.map(|pair| u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("the carries were added until 16 bits were left")
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const FROM: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 10, 0, 9), 40_000);
    const TO: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 7), 443);

    #[test]
    fn a_message_in_ipv4_quotes_the_datagram_with_right_checksums() {
        let message = message_v4(FROM, TO, b"bonjour");
        assert_eq!(message.len(), 8 + 20 + 8 + 7);
        assert_eq!(message[..2], [3, 3]);
        assert_eq!(checksum(&[&message]), 0);
        let quoted = &message[8..];
        assert_eq!(checksum(&[&quoted[..20]]), 0);
        assert_eq!(quoted[2..4], [0, 35]);
        assert_eq!(quoted[12..20], [10, 10, 0, 9, 192, 0, 2, 7]);
        assert_eq!(quoted[20..24], [0x9c, 0x40, 1, 0xbb]);
        let pseudo = [&quoted[12..20], &[0, UDP, 0, 15]].concat();
        assert_eq!(checksum(&[&pseudo, &quoted[20..]]), 0);
    }

    #[test]
    fn a_long_datagram_is_quoted_as_far_as_the_standards_allow() {
        let long = vec![7; 60_000];
        assert_eq!(message_v4(FROM, TO, &long).len(), 556);
        let v6 = |port| SocketAddrV6::new(Ipv6Addr::LOCALHOST, port, 0, 0);
        let message = message_v6(v6(40_000), v6(443), &long);
        assert_eq!(message.len(), 1240);
        assert_eq!(message[..2], [1, 4]);
        assert_eq!(message[12..14], 60_008_u16.to_be_bytes());
    }
}
