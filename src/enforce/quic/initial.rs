//! Opens the Initial packets of a client. Their keys follow from the connection id that the client chose, so that whoever
//! sees the first packet can read them all (RFC 9001 section 5.2, RFC 9369 section 3.3).

use rustls::{
    Side,
    crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
    quic::{self, DirectionalKeys, Keys},
};

use super::packet::{Long, Version};

/// A packet number has at most four bytes, and the sample for its protection stands behind them.
const NUMBER_BYTES_MAX: usize = 4;

/// The keys of one client's Initial packets.
pub(super) struct Opener {
    version: Version,
    keys: DirectionalKeys,
    /// The highest packet number opened so far.
    largest: Option<u64>,
}

impl Opener {
    /// The keys that follow from `destination`, the connection id in the first packet of the client, or of its first after
    /// a retry. Nothing when the crypto library lacks the suite, which it does not.
    pub(super) fn new(version: Version, destination: &[u8]) -> Option<Self> {
        let suite = TLS13_AES_128_GCM_SHA256.tls13()?.quic_suite()?;
        let number = match version {
            Version::V1 => quic::Version::V1,
            Version::V2 => quic::Version::V2,
        };
        let Keys { remote, .. } = suite.keys(destination, Side::Server, number);
        Some(Self { version, keys: remote, largest: None })
    }

    /// The version whose packets it opens.
    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// The frames of `packet`, if it was made with these keys.
    pub(super) fn open(&mut self, packet: &Long<'_>) -> Option<Vec<u8>> {
        let sample_len = self.keys.header.sample_len();
        let sample_at = packet.number_at + NUMBER_BYTES_MAX;
        let sample = packet.bytes.get(sample_at..sample_at + sample_len)?.to_vec();
        let mut bytes = packet.bytes.to_vec();
        let (head, number_and_payload) = bytes.split_at_mut(packet.number_at);
        let number = number_and_payload.get_mut(..NUMBER_BYTES_MAX)?;
        self.keys.header.decrypt_in_place(&sample, head.first_mut()?, number).ok()?;
        let number_len = usize::from(head.first()? & 3) + 1;
        let truncated = number.iter().take(number_len).fold(0, |number, byte| number << 8 | u64::from(*byte));
        let number = whole_number(self.largest, truncated, number_len);
        let (head, payload) = bytes.split_at_mut(packet.number_at + number_len);
        let length = self.keys.packet.decrypt_in_place(number, head, payload).ok()?.len();
        self.largest = self.largest.max(Some(number));
        bytes.truncate(packet.number_at + number_len + length);
        Some(bytes.split_off(packet.number_at + number_len))
    }
}

/// The packet number nearest to the one expected that ends in the `bytes` low bytes `truncated` (RFC 9000 appendix A.3).
fn whole_number(largest: Option<u64>, truncated: u64, bytes: usize) -> u64 {
    let expected = largest.map_or(0, |largest| largest + 1);
    let window = 1_u64 << (8 * bytes);
    let candidate = (expected & !(window - 1)) | truncated;
    if candidate + window / 2 <= expected && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > expected + window / 2 && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enforce::quic::{
        frames::Pieces,
        packet::{Packet, Packets},
        scene::{CHROMIUM_FIRST, RFC_9001, RFC_9369},
    };

    fn first(datagram: &[u8]) -> Long<'_> {
        match Packets::of(datagram).next() {
            Some(Ok(Packet::Long(long))) => long,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_examples_of_the_standards_open() {
        for (datagram, version) in [(RFC_9001, Version::V1), (RFC_9369, Version::V2)] {
            let packet = first(datagram);
            assert_eq!(packet.version, version);
            let payload = Opener::new(version, packet.destination).unwrap().open(&packet).unwrap();
            let pieces: Vec<_> = Pieces::of(&payload).map(Result::unwrap).collect();
            // A.2: one CRYPTO frame at the beginning, a hello of 241 bytes, then padding.
            assert_eq!((pieces.len(), pieces[0].offset, pieces[0].bytes.len()), (1, 0, 241));
            assert!(pieces[0].bytes.starts_with(&[1, 0, 0, 0xed, 3, 3]));
        }
    }

    #[test]
    fn one_bit_that_differs_anywhere_keeps_a_packet_closed() {
        let packet = first(CHROMIUM_FIRST);
        let mut opener = Opener::new(packet.version, packet.destination).unwrap();
        assert!(opener.open(&packet).is_some());
        for at in [0, 5, packet.number_at, packet.number_at + 9, packet.bytes.len() - 1] {
            let mut bytes = packet.bytes.to_vec();
            bytes[at] ^= 1;
            assert!(opener.open(&Long { bytes: &bytes, ..packet }).is_none(), "{at}");
        }
        assert!(opener.open(&Long { bytes: &packet.bytes[..packet.number_at + 10], ..packet }).is_none());
    }

    #[test]
    fn packet_numbers_are_completed_from_those_before() {
        // RFC 9000 appendix A.3.
        assert_eq!(whole_number(Some(0xa82f_30ea), 0x9b32, 2), 0xa82f_9b32);
        assert_eq!(whole_number(None, 200, 1), 200);
        assert_eq!(whole_number(Some(255), 1, 1), 257);
        assert_eq!(whole_number(Some(256), 255, 1), 255);
    }
}
