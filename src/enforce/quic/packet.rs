//! The outside of QUIC packets: what can be read without keys (RFC 9000 section 17, RFC 9369 section 3).
//!
//! ```text
//! long header:  1 F T T x x x x | version (4) | destination (1+n) | source (1+n) | of the type
//!     initial:  token (varint+n) | length (varint) | number and payload
//!     0-RTT, handshake:            length (varint) | number and payload
//!     retry:    token and integrity tag, to the end of the datagram
//! short header: 0 F x x x x x x | … to the end of the datagram
//! ```
//!
//! Several packets may share a datagram; one with a short header, or a retry, is the last.

use super::handshake::NotQuic;

/// RFC 9000 section 17.2: connection ids of versions 1 and 2 have at most 20 bytes.
const CONNECTION_ID_BYTES_MAX: usize = 20;

/// A version whose packets are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// RFC 9000.
    V1,
    /// RFC 9369.
    V2,
}

impl Version {
    fn of(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::V1),
            0x6b33_43cf => Some(Self::V2),
            _ => None,
        }
    }

    /// The kind of a packet with this first byte: version 2 counts them from another beginning.
    fn kind(self, first: u8) -> Kind {
        let kinds = [Kind::Initial, Kind::ZeroRtt, Kind::Handshake, Kind::Retry];
        let number = usize::from((first >> 4) & 3);
        match self {
            Self::V1 => kinds[number],
            Self::V2 => kinds[(number + 3) % 4],
        }
    }
}

/// The kinds of packets with a long header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Initial,
    ZeroRtt,
    Handshake,
    Retry,
}

/// One packet of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// With a short header, or padding behind the packets: nothing of it can be read.
    Short,
    /// With a long header.
    Long(Long<'a>),
}

/// A packet with a long header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Long<'a> {
    pub(super) version: Version,
    pub(super) kind: Kind,
    /// The connection id of whom it is for.
    pub(super) destination: &'a [u8],
    /// The connection id of whom it is from.
    pub(super) source: &'a [u8],
    /// The whole packet.
    pub(super) bytes: &'a [u8],
    /// Where in `bytes` the protected packet number begins; the end for a retry, which has none.
    pub(super) number_at: usize,
}

/// Whether a datagram begins with a packet that is read at all: a long header of a known version.
pub(super) fn is_long(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| first & 0x80 != 0)
}

/// The packets of a datagram, in order. After an error there are none.
pub(super) struct Packets<'a>(&'a [u8]);

impl<'a> Packets<'a> {
    pub(super) fn of(datagram: &'a [u8]) -> Self {
        Self(datagram)
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, NotQuic>;

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = std::mem::take(&mut self.0);
        if bytes.is_empty() {
            return None;
        }
        if !is_long(bytes) {
            return Some(Ok(Packet::Short));
        }
        let packet = long(bytes);
        if let Ok(packet) = &packet {
            self.0 = &bytes[packet.bytes.len()..];
        }
        Some(packet.map(Packet::Long))
    }
}

fn long(bytes: &[u8]) -> Result<Long<'_>, NotQuic> {
    let mut reader = Reader(bytes);
    let first = reader.byte()?;
    let version = reader.take(4)?;
    let version = Version::of(u32::from_be_bytes([version[0], version[1], version[2], version[3]]));
    let version = version.ok_or(NotQuic::Version)?;
    let kind = version.kind(first);
    let destination = reader.connection_id()?;
    let source = reader.connection_id()?;
    if kind == Kind::Retry {
        return Ok(Long { version, kind, destination, source, bytes, number_at: bytes.len() });
    }
    if kind == Kind::Initial {
        let token = reader.length()?;
        reader.take(token)?;
    }
    let length = reader.length()?;
    let number_at = bytes.len() - reader.0.len();
    reader.take(length)?;
    let bytes = &bytes[..number_at + length];
    Ok(Long { version, kind, destination, source, bytes, number_at })
}

/// What is left to read of a packet or of its payload.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], NotQuic> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(NotQuic::Length)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, NotQuic> {
        Ok(self.take(1)?[0])
    }

    /// A number of one, two, four or eight bytes (RFC 9000 section 16).
    pub(super) fn number(&mut self) -> Result<u64, NotQuic> {
        let first = self.byte()?;
        let rest = self.take((1 << (first >> 6)) - 1)?;
        Ok(rest.iter().fold(u64::from(first & 0x3f), |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A number of bytes.
    pub(super) fn length(&mut self) -> Result<usize, NotQuic> {
        usize::try_from(self.number()?).map_err(|_| NotQuic::Length)
    }

    fn connection_id(&mut self) -> Result<&'a [u8], NotQuic> {
        let length = usize::from(self.byte()?);
        if length > CONNECTION_ID_BYTES_MAX {
            return Err(NotQuic::Length);
        }
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enforce::quic::scene::{CHROMIUM_FIRST, hex};

    fn kinds(datagram: &[u8]) -> Vec<Result<Kind, NotQuic>> {
        Packets::of(datagram)
            .map(|packet| {
                packet.map(|packet| match packet {
                    Packet::Long(long) => long.kind,
                    Packet::Short => Kind::Retry,
                })
            })
            .collect()
    }

    #[test]
    fn numbers_of_every_length_are_read() {
        // RFC 9000 appendix A.1.
        for (bytes, number) in [
            ("c2197c5eff14e88c", 151_288_809_941_952_652),
            ("9d7f3e7d", 494_878_333),
            ("7bbd", 15_293),
            ("25", 37),
            ("4025", 37),
        ] {
            assert_eq!(Reader(&hex(bytes)).number(), Ok(number));
        }
        assert_eq!(Reader(&[0xc0, 0, 0]).number(), Err(NotQuic::Length));
    }

    #[test]
    fn the_kinds_of_both_versions_are_told_apart() {
        for (number, first, kind) in [
            ("00000001", "c0", Kind::Initial),
            ("00000001", "d0", Kind::ZeroRtt),
            ("00000001", "e0", Kind::Handshake),
            ("00000001", "f0", Kind::Retry),
            ("6b3343cf", "d0", Kind::Initial),
            ("6b3343cf", "e0", Kind::ZeroRtt),
            ("6b3343cf", "f0", Kind::Handshake),
            ("6b3343cf", "c0", Kind::Retry),
        ] {
            let token = if kind == Kind::Initial { "00" } else { "" };
            let datagram = hex(&format!("{first}{number}01aa01bb{token}0100"));
            assert_eq!(kinds(&datagram), [Ok(kind)], "{first} {number}");
        }
    }

    #[test]
    fn other_versions_and_version_negotiation_are_not_read() {
        for version in ["00000000", "ff00001d", "51303530", "0a0a0a0a"] {
            assert_eq!(kinds(&hex(&format!("c0{version}01aa01bb000100"))), [Err(NotQuic::Version)]);
        }
    }

    #[test]
    fn packets_of_one_datagram_are_read_one_after_the_other() {
        let one = "c00000000101aa01bb000100";
        let two = "e00000000101aa01bb0100";
        assert_eq!(
            kinds(&hex(&format!("{one}{two}40ff"))),
            [Ok(Kind::Initial), Ok(Kind::Handshake), Ok(Kind::Retry)]
        );
        assert_eq!(kinds(&hex(&format!("{one}ff"))), [Ok(Kind::Initial), Err(NotQuic::Length)]);
    }

    #[test]
    fn every_prefix_of_a_datagram_is_read_or_refused() {
        for length in 0..CHROMIUM_FIRST.len() {
            for packet in Packets::of(&CHROMIUM_FIRST[..length]) {
                assert!(packet.is_err(), "{length}");
            }
        }
    }
}
