//! One question to one upstream server, and its answer.
//!
//! Each question has a socket of its own: the kernel draws its port at random, the operating system's generator draws
//! the id, and the socket is connected, so that only datagrams from the server asked arrive, and an unreachable server
//! is known at once. An answer must repeat id and question (RFC 5452 section 9.1). The case of letters is not used as a
//! further secret: the port and the id are about 30 bits, and after a few wrong guesses the question goes to TCP.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use domain::base::{
    Message,
    iana::{Opcode, Rtype},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, UdpSocket},
};

use super::{
    key::Key,
    limits::{STRANGERS_MAX, UDP_ANSWER_BYTES_MAX},
    wire::HEADER_BYTES,
};

/// Room for a datagram; a server that ignores the size we announce is still read.
const DATAGRAM_BYTES_MAX: usize = 4096;

/// Asks `server` the question of `key`, over UDP and then TCP where the answer is truncated; `from` an address of the box,
/// where that matters.
///
/// # Errors
/// When the server cannot be reached or breaks off. Waits for ever otherwise: the caller bounds it.
pub(super) async fn ask(server: SocketAddr, from: Option<IpAddr>, key: &Key) -> io::Result<Vec<u8>> {
    let asked = Asked::new(key)?;
    match asked.over_udp(server, from).await? {
        Some(answer) => Ok(answer),
        None => asked.over_tcp(server, from).await,
    }
}

/// A question on its way.
struct Asked {
    message: Vec<u8>,
    question: Vec<u8>,
}

impl Asked {
    /// Header with RD, and AD so that the upstream says whether it validated (RFC 6840 section 5.7); question; OPT.
    fn new(key: &Key) -> io::Result<Self> {
        let mut id = [0; 2];
        getrandom::fill(&mut id).map_err(io::Error::other)?;
        let question = key.question();
        let mut message = Vec::with_capacity(HEADER_BYTES + question.len() + 11);
        message.extend(id);
        message.extend([0x01, if key.checking_disabled() { 0x30 } else { 0x20 }]);
        message.extend([0, 1, 0, 0, 0, 0, 0, 1]);
        message.extend_from_slice(&question);
        message.push(0);
        message.extend(Rtype::OPT.to_int().to_be_bytes());
        message.extend(UDP_ANSWER_BYTES_MAX.to_be_bytes());
        message.extend([0, 0, if key.dnssec_ok() { 0x80 } else { 0 }, 0, 0, 0]);
        Ok(Self { message, question })
    }

    /// The answer over UDP; none where TCP must be asked.
    async fn over_udp(&self, server: SocketAddr, from: Option<IpAddr>) -> io::Result<Option<Vec<u8>>> {
        let any: IpAddr = match server {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((from.unwrap_or(any), 0)).await?;
        socket.connect(server).await?;
        socket.send(&self.message).await?;
        let mut datagram = vec![0; DATAGRAM_BYTES_MAX];
        for _ in 0..STRANGERS_MAX {
            let length = socket.recv(&mut datagram).await?;
            let answer = datagram.get(..length).unwrap_or_default();
            if let Some(truncated) = self.answered_by(answer) {
                return Ok((!truncated).then(|| answer.to_vec()));
            }
        }
        Ok(None)
    }

    async fn over_tcp(&self, server: SocketAddr, from: Option<IpAddr>) -> io::Result<Vec<u8>> {
        let socket = if server.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Some(from) = from {
            socket.bind(SocketAddr::new(from, 0))?;
        }
        let mut stream = socket.connect(server).await?;
        stream.set_nodelay(true)?;
        let length = u16::try_from(self.message.len()).map_err(io::Error::other)?;
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend_from_slice(&self.message);
        stream.write_all(&framed).await?;
        let mut answer = vec![0; usize::from(stream.read_u16().await?)];
        stream.read_exact(&mut answer).await?;
        match self.answered_by(&answer) {
            Some(false) => Ok(answer),
            Some(true) | None => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "answer to another question"))
            }
        }
    }

    /// Whether `bytes` answer this question, and if so, whether they are truncated.
    fn answered_by(&self, bytes: &[u8]) -> Option<bool> {
        let header = Message::from_slice(bytes).ok()?.header();
        let same_id = self.message.get(..2) == bytes.get(..2);
        let question = bytes.get(HEADER_BYTES..HEADER_BYTES + self.question.len())?;
        let fits = same_id
            && header.qr()
            && header.opcode() == Opcode::QUERY
            && question.eq_ignore_ascii_case(&self.question);
        fits.then(|| header.tc())
    }
}
