//! A client of QUIC for tests: datagrams of real ones, and of one that does as told.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore, Side,
    crypto::aws_lc_rs::{cipher_suite::TLS13_AES_128_GCM_SHA256, default_provider, kx_group},
    quic::{self, ClientConnection, DirectionalKeys},
    version::TLS13,
};

use super::{
    exercise::datagrams,
    handshake::FIRST_DATAGRAM_BYTES_MIN,
    packet::{Kind, Version},
};

/// RFC 9001 appendix A.2.
pub(super) const RFC_9001: &[u8] = only(include_bytes!("../../../fuzz/corpus/quic_initial/rfc-9001-example"));
/// RFC 9369 appendix A.2.
pub(super) const RFC_9369: &[u8] = only(include_bytes!("../../../fuzz/corpus/quic_initial/rfc-9369-example"));
/// What Chromium sent to `www.exemple.fr`: a post-quantum hello shuffled over two datagrams of 1,250 bytes.
const CHROMIUM: &[u8] = include_bytes!("../../../fuzz/corpus/quic_initial/real-chromium");
/// The first of them.
pub(super) const CHROMIUM_FIRST: &[u8] = CHROMIUM.split_at(2).1.split_at(1250).0;

const fn only(file: &'static [u8]) -> &'static [u8] {
    file.split_at(2).1
}

/// What real clients sent to `www.exemple.fr`, each until its hello was whole.
pub(super) fn captures() -> [(&'static str, Vec<Vec<u8>>); 3] {
    let file = |bytes: &'static [u8]| datagrams(bytes).map(<[u8]>::to_vec).collect();
    [
        ("chromium", file(CHROMIUM)),
        ("aioquic", file(include_bytes!("../../../fuzz/corpus/quic_initial/real-aioquic"))),
        (
            "aioquic in version 2",
            file(include_bytes!("../../../fuzz/corpus/quic_initial/real-aioquic-version-2")),
        ),
    ]
}

/// The bytes that `text` writes in hexadecimal; spaces do not count.
pub(super) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| u8::try_from(digit).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The hello message that rustls sends to `name`.
pub(super) fn hello(name: &'static str, post_quantum: bool) -> Vec<u8> {
    let mut provider = default_provider();
    if post_quantum {
        provider.kx_groups = vec![kx_group::X25519MLKEM768, kx_group::X25519];
    } else {
        provider.kx_groups = vec![kx_group::X25519];
    }
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let server_name = name.try_into().unwrap();
    let mut client =
        ClientConnection::new(Arc::new(config), quic::Version::V1, server_name, vec![1, 2, 0x40, 50])
            .unwrap();
    let mut bytes = Vec::new();
    client.write_hs(&mut bytes);
    bytes
}

/// A client that makes its packets by hand.
pub(super) struct Client {
    version: Version,
    keys: DirectionalKeys,
    destination: Vec<u8>,
    number: u16,
}

impl Client {
    /// One whose Initial keys follow from `destination`.
    pub(super) fn new(version: Version, destination: &[u8]) -> Self {
        let number = match version {
            Version::V1 => quic::Version::V1,
            Version::V2 => quic::Version::V2,
        };
        let suite = TLS13_AES_128_GCM_SHA256.tls13().unwrap().quic_suite().unwrap();
        let keys = suite.keys(destination, Side::Client, number).local;
        Self { version, keys, destination: destination.to_vec(), number: 0 }
    }

    /// Sends to this connection id from here on, under the same keys.
    pub(super) fn address(&mut self, destination: &[u8]) {
        self.destination = destination.to_vec();
    }

    /// A datagram with one Initial packet that carries these pieces of a hello, by their place.
    pub(super) fn initial(&mut self, pieces: &[(usize, &[u8])]) -> Vec<u8> {
        self.initial_of(pieces, FIRST_DATAGRAM_BYTES_MIN)
    }

    /// As [`Self::initial`], padded to `size` bytes.
    pub(super) fn initial_of(&mut self, pieces: &[(usize, &[u8])], size: usize) -> Vec<u8> {
        let mut payload = Vec::new();
        for (offset, bytes) in pieces {
            payload.push(6);
            payload.extend((0x8000_0000 | u32::try_from(*offset).unwrap()).to_be_bytes());
            payload.extend((0x4000 | u16::try_from(bytes.len()).unwrap()).to_be_bytes());
            payload.extend_from_slice(bytes);
        }
        let mut packet = self.head(Kind::Initial);
        packet.push(0);
        let around = packet.len() + 2 + 2 + 16;
        payload.resize(payload.len().max(size.saturating_sub(around)), 0);
        packet.extend((0x4000 | u16::try_from(payload.len() + 2 + 16).unwrap()).to_be_bytes());
        let number_at = packet.len();
        packet.extend(self.number.to_be_bytes());
        let tag = self.keys.packet.encrypt_in_place(self.number.into(), &packet, &mut payload).unwrap();
        self.number += 1;
        packet.extend_from_slice(&payload);
        packet.extend_from_slice(tag.as_ref());
        let sample = packet[number_at + 4..number_at + 20].to_vec();
        let (head, rest) = packet.split_at_mut(number_at);
        self.keys.header.encrypt_in_place(&sample, &mut head[0], &mut rest[..2]).unwrap();
        packet
    }

    /// A packet of another kind, its content nobody's to read.
    pub(super) fn packet(&self, kind: Kind) -> Vec<u8> {
        let mut packet = self.head(kind);
        packet.extend([0x40, 40]);
        packet.extend([0x5a; 40]);
        packet
    }

    /// A server's retry in version 1 that asks to be called `source`.
    pub(super) fn retry(source: &[u8]) -> Vec<u8> {
        let mut packet = vec![0xf0, 0, 0, 0, 1, 0, u8::try_from(source.len()).unwrap()];
        packet.extend_from_slice(source);
        packet.extend([0x77; 30]);
        packet
    }

    /// The head of a packet up to the part that depends on its kind; its number has two bytes.
    fn head(&self, kind: Kind) -> Vec<u8> {
        let place = match kind {
            Kind::Initial => 0,
            Kind::ZeroRtt => 1,
            Kind::Handshake => 2,
            Kind::Retry => 3,
        };
        let (version, place) = match self.version {
            Version::V1 => (1_u32, place),
            Version::V2 => (0x6b33_43cf, (place + 1) % 4),
        };
        let mut head = vec![0xc1 | place << 4];
        head.extend(version.to_be_bytes());
        head.push(u8::try_from(self.destination.len()).unwrap());
        head.extend_from_slice(&self.destination);
        head.extend([4, 1, 2, 3, 4]);
        head
    }
}
