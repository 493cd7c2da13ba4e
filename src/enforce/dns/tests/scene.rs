//! Messages written by hand, and a server to ask on the loopback.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use domain::base::iana::Rtype;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, UdpSocket},
    task::JoinSet,
};

use crate::enforce::dns::{key::Key, query::Carrier};

/// A name in wire form.
pub(in crate::enforce::dns) fn wire(name: &str) -> Vec<u8> {
    let mut wire = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        wire.push(u8::try_from(label.len()).unwrap());
        wire.extend(label.as_bytes());
    }
    wire.push(0);
    wire
}

/// Name, type, class IN.
pub(super) fn question(name: &str, rtype: Rtype) -> Vec<u8> {
    [&wire(name)[..], &rtype.to_int().to_be_bytes(), &[0, 1]].concat()
}

/// A message written record by record; sections in their order.
#[derive(Clone)]
pub(in crate::enforce::dns) struct Draft(pub(in crate::enforce::dns) Vec<u8>);

/// A pointer to the question's name.
pub(in crate::enforce::dns) const ASKED: &[u8] = &[0xc0, 12];

impl Draft {
    /// A query with id 0x1234 and RD.
    pub(super) fn query(name: &str, rtype: Rtype) -> Self {
        Self([&[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &question(name, rtype)].concat())
    }

    /// An answer with QR, RD, RA, without records.
    pub(in crate::enforce::dns) fn answer_to(name: &str, rtype: Rtype) -> Self {
        Self::query(name, rtype).flags(0x81, 0x80)
    }

    pub(super) fn flags(mut self, high: u8, low: u8) -> Self {
        self.0[2..4].copy_from_slice(&[high, low]);
        self
    }

    pub(super) fn id(mut self, id: &[u8]) -> Self {
        self.0[..2].copy_from_slice(&id[..2]);
        self
    }

    pub(super) fn record(mut self, section: usize, owner: &[u8], rtype: u16, ttl: u32, data: &[u8]) -> Self {
        self.0.extend(owner);
        self.0.extend(rtype.to_be_bytes());
        self.0.extend([0, 1]);
        self.0.extend(ttl.to_be_bytes());
        self.0.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        self.0.extend(data);
        self.0[5 + 2 * section] += 1;
        self
    }

    pub(in crate::enforce::dns) fn answer(self, owner: &[u8], rtype: Rtype, ttl: u32, data: &[u8]) -> Self {
        self.record(1, owner, rtype.to_int(), ttl, data)
    }

    /// An SOA record of `fr` with this TTL and MINIMUM.
    pub(super) fn soa(self, ttl: u32, minimum: u32) -> Self {
        let mut data = [wire("ns.fr"), wire("hostmaster.fr")].concat();
        for number in [1, 2, 3, 4, minimum] {
            data.extend(number.to_be_bytes());
        }
        self.record(2, &wire("fr"), 6, ttl, &data)
    }

    /// An OPT record of 1232 bytes with DO as told and these options.
    pub(super) fn opt(mut self, dnssec_ok: bool, options: &[u8]) -> Self {
        self.0.extend([0, 0, 41, 0x04, 0xd0, 0, 0, if dnssec_ok { 0x80 } else { 0 }, 0]);
        self.0.extend(u16::try_from(options.len()).unwrap().to_be_bytes());
        self.0.extend(options);
        self.0[11] += 1;
        self
    }
}

pub(super) fn key(name: &str, rtype: Rtype) -> Key {
    Key::new(&wire(name), rtype, false, false)
}

pub(super) type PortAndId = (u16, [u8; 2]);

/// A DNS server on the loopback that notes the port and the id of each question.
pub(super) struct FakeUpstream {
    pub(super) address: SocketAddr,
    pub(super) asked: Arc<Mutex<Vec<PortAndId>>>,
    _tasks: JoinSet<()>,
}

impl FakeUpstream {
    /// Answers each question with all the messages `answer` gives for it, in order.
    pub(super) async fn start(
        host: &str,
        answer: impl Fn(&[u8], Carrier) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let udp = UdpSocket::bind((host, 0)).await.unwrap();
        let address = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(address).await.unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answer = Arc::new(answer);
        let mut tasks = JoinSet::new();
        let (notes, reply) = (Arc::clone(&asked), Arc::clone(&answer));
        tasks.spawn(async move {
            let mut datagram = [0; 1500];
            loop {
                let (length, peer) = udp.recv_from(&mut datagram).await.unwrap();
                notes.lock().unwrap().push((peer.port(), [datagram[0], datagram[1]]));
                for message in reply(&datagram[..length], Carrier::Udp) {
                    udp.send_to(&message, peer).await.unwrap();
                }
            }
        });
        let notes = Arc::clone(&asked);
        tasks.spawn(async move {
            loop {
                let (mut stream, peer) = tcp.accept().await.unwrap();
                let mut query = vec![0; usize::from(stream.read_u16().await.unwrap())];
                stream.read_exact(&mut query).await.unwrap();
                notes.lock().unwrap().push((peer.port(), [query[0], query[1]]));
                for message in answer(&query, Carrier::Tcp) {
                    stream.write_u16(u16::try_from(message.len()).unwrap()).await.unwrap();
                    stream.write_all(&message).await.unwrap();
                }
            }
        });
        Self { address, asked, _tasks: tasks }
    }

    pub(super) fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}
