//! The beginning of one connection: which hello it makes, and which later datagrams belong to it.
//!
//! Pure: datagrams in, answers out. The keys of Initial packets follow from the connection id of the client's first
//! packet; after a retry (RFC 9000 section 17.2.5) also from the id that the server chose in it. Version negotiation
//! between 1 and 2 (RFC 9368) keeps the first id and changes only how keys follow from it.

use thiserror::Error;

use super::{
    crypto_stream::CryptoStream,
    frames::Pieces,
    initial::Opener,
    packet::{Kind, Long, Packet, Packets, is_long},
};
use crate::{
    enforce::proxy::client_hello::{Hello, NotTls, Progress, message_bytes, read_message},
    model::Domain,
};

/// RFC 9000 section 14.1: servers discard an Initial packet in a smaller datagram.
pub(super) const FIRST_DATAGRAM_BYTES_MIN: usize = 1200;

/// What Ethernet carries. Hellos come in datagrams that pass everywhere, and those in front of them are kept: an IP packet
/// of 64 KiB, in fragments, would cost forty times the room.
const HELLO_DATAGRAM_BYTES_MAX: usize = 1500;

/// Hellos of one connection: a server may ask for a second one (RFC 8446 section 4.1.4), not for a third.
const HELLOS_MAX: usize = 2;

/// Why datagrams are no beginning of a connection that can be judged.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum NotQuic {
    /// Another version, or none: no version but 1 and 2 is ever relayed.
    #[error("the version is unknown")]
    Version,
    /// The first packet belongs to a connection that is not known here.
    #[error("the first packet begins no connection")]
    NotInitial,
    /// The first datagram is smaller than a server would accept.
    #[error("the first datagram is too small")]
    TooSmall,
    /// A length reaches behind its packet.
    #[error("a length inside a packet is wrong")]
    Length,
    /// An Initial packet was made with other keys than its own.
    #[error("an initial packet does not open")]
    Closed,
    /// A frame that may not stand in an Initial packet.
    #[error("a frame is out of place")]
    Frame,
    /// A part of the hello came twice with different bytes.
    #[error("the hello contradicts itself")]
    Conflict,
    /// The hello has too many bytes.
    #[error("the hello is too long")]
    TooLong,
    /// The handshake begins with something else than a hello that is accepted.
    #[error("the hello is not accepted")]
    Hello(#[source] NotTls),
}

/// How far the hello has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// More datagrams are needed.
    NeedMore,
    /// All of it is there.
    Hello(Hello),
}

impl Reading {
    /// Whether the hello is there.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self, Self::Hello(_))
    }
}

/// What becomes of a client's datagram on a connection that is relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    /// It goes to the server.
    Pass,
    /// It goes nowhere.
    Drop,
    /// It begins another connection on the same ports.
    Begins,
}

/// A connection from its first datagram on.
#[derive(Default)]
pub(super) struct Handshake {
    /// The connection id that keys follow from: the client's, then the server's of a retry.
    ids: Vec<Box<[u8]>>,
    /// Keys used so far, at most one for each id and version.
    openers: Vec<(usize, Opener)>,
    stream: CryptoStream,
    /// The name that the first hello gave.
    server_name: Option<Domain>,
    stage: Stage,
}

/// How far the client has come, as far as one can see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// It sends its hello.
    #[default]
    Hello,
    /// Its first hello is read.
    Judged,
    /// It has keys of its own with the server and sends no more hellos.
    Settled,
}

/// Whether `datagram` looks like the beginning of a connection, without the cost of opening it.
pub(super) fn begins_connection(datagram: &[u8]) -> bool {
    let first = Packets::of(datagram).next();
    matches!(first, Some(Ok(Packet::Long(Long { kind: Kind::Initial, .. }))))
        && datagram.len() >= FIRST_DATAGRAM_BYTES_MIN
        && may_be_kept(datagram)
}

/// Whether `datagram` is none too large to be kept until a hello is whole and its site reached.
pub(super) fn may_be_kept(datagram: &[u8]) -> bool {
    datagram.len() <= HELLO_DATAGRAM_BYTES_MAX
}

impl Handshake {
    /// Takes the client's next datagram while its hello is not whole.
    ///
    /// # Errors
    /// When this can be no connection that is judged.
    pub(super) fn read(&mut self, datagram: &[u8]) -> Result<Reading, NotQuic> {
        for packet in Packets::of(datagram) {
            match packet? {
                Packet::Long(packet) if packet.kind == Kind::Initial => {
                    if self.ids.is_empty() {
                        if datagram.len() < FIRST_DATAGRAM_BYTES_MIN {
                            return Err(NotQuic::TooSmall);
                        }
                        self.ids.push(packet.destination.into());
                    }
                    let payload = self.open(&packet).ok_or(NotQuic::Closed)?;
                    for piece in Pieces::of(&payload) {
                        self.stream.put(piece?)?;
                    }
                }
                // Data sent before the handshake, which only the server can read, and padding.
                Packet::Long(Long { kind: Kind::ZeroRtt, .. }) | Packet::Short if !self.ids.is_empty() => {}
                Packet::Long(_) | Packet::Short => return Err(NotQuic::NotInitial),
            }
        }
        match read_message(self.stream.whole()) {
            Progress::NeedMore if self.ids.is_empty() => Err(NotQuic::NotInitial),
            Progress::NeedMore => Ok(Reading::NeedMore),
            Progress::NotTls(reason) => Err(NotQuic::Hello(reason)),
            Progress::Hello(hello) => {
                self.server_name.clone_from(&hello.server_name);
                self.stage = Stage::Judged;
                Ok(Reading::Hello(hello))
            }
        }
    }

    /// Whether a later datagram of the client belongs to the connection whose hello was read.
    pub(super) fn passes(&mut self, datagram: &[u8]) -> Passing {
        if !is_long(datagram) {
            self.settle();
            return Passing::Pass;
        }
        for (place, packet) in Packets::of(datagram).enumerate() {
            let packet = match packet {
                Ok(Packet::Long(packet)) => packet,
                Ok(Packet::Short) => continue,
                Err(_) => return Passing::Drop,
            };
            match packet.kind {
                Kind::Handshake | Kind::ZeroRtt => {}
                Kind::Retry => return Passing::Drop,
                Kind::Initial => match self.open(&packet) {
                    Some(payload) if self.agrees(&payload) => {}
                    None if place == 0 && begins_connection(datagram) => return Passing::Begins,
                    Some(_) | None => return Passing::Drop,
                },
            }
        }
        Passing::Pass
    }

    /// Hears what the server sends, for the id of a retry.
    pub(super) fn hear(&mut self, datagram: &[u8]) {
        if self.ids.len() == 1
            && let Some(Ok(Packet::Long(Long { kind: Kind::Retry, source, .. }))) =
                Packets::of(datagram).next()
        {
            self.ids.push(source.into());
        }
    }

    /// Whether an Initial packet with these frames says nothing that the hello read did not say.
    fn agrees(&mut self, payload: &[u8]) -> bool {
        for piece in Pieces::of(payload) {
            // A client that has further keys has no use for another hello.
            let taken =
                piece.is_ok_and(|piece| self.stage != Stage::Settled && self.stream.put(piece).is_ok());
            if !taken {
                return false;
            }
        }
        self.stage == Stage::Settled || self.names_one_site()
    }

    /// Whether every hello of the connection names the site that was judged.
    fn names_one_site(&self) -> bool {
        let mut rest = self.stream.whole();
        for _ in 0..HELLOS_MAX {
            match read_message(rest) {
                Progress::NeedMore => return true,
                Progress::NotTls(_) => return false,
                Progress::Hello(hello) if hello.server_name != self.server_name => return false,
                Progress::Hello(_) => {
                    let length = message_bytes(rest).unwrap_or(rest.len());
                    rest = rest.get(length..).unwrap_or_default();
                }
            }
        }
        rest.is_empty()
    }

    /// Lets go of what only a hello needs: a connection may last for hours.
    fn settle(&mut self) {
        if self.stage != Stage::Settled {
            self.stage = Stage::Settled;
            self.stream = CryptoStream::default();
            self.openers = Vec::new();
        }
    }

    /// The frames of an Initial packet, if it was made with keys of this connection.
    fn open(&mut self, packet: &Long<'_>) -> Option<Vec<u8>> {
        for (place, id) in self.ids.iter().enumerate() {
            let known = self
                .openers
                .iter()
                .position(|(of, opener)| *of == place && opener.version() == packet.version);
            let known = match known {
                Some(known) => known,
                None => {
                    self.openers.push((place, Opener::new(packet.version, id)?));
                    self.openers.len() - 1
                }
            };
            if let Some(payload) = self.openers[known].1.open(packet) {
                return Some(payload);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::enforce::quic::{
        packet::Version,
        scene::{Client, RFC_9001, RFC_9369, captures, hello},
    };

    const NAME: &str = "www.exemple.fr";

    fn read_all(handshake: &mut Handshake, datagrams: &[Vec<u8>]) -> Result<Reading, NotQuic> {
        let mut reading = Reading::NeedMore;
        for datagram in datagrams {
            reading = handshake.read(datagram)?;
        }
        Ok(reading)
    }

    fn name(reading: &Result<Reading, NotQuic>) -> Option<String> {
        match reading {
            Ok(Reading::Hello(hello)) => hello.server_name.as_ref().map(ToString::to_string),
            _ => None,
        }
    }

    /// A connection to [`NAME`] whose hello was read, and the hello.
    fn judged(version: Version) -> (Client, Handshake, Vec<u8>) {
        let mut client = Client::new(version, b"original");
        let mut handshake = Handshake::default();
        let hello = hello(NAME, false);
        let read = handshake.read(&client.initial(&[(0, &hello)]));
        assert_eq!(name(&read).as_deref(), Some(NAME));
        (client, handshake, hello)
    }

    #[test]
    fn the_hellos_of_the_standards_are_read() {
        for datagram in [RFC_9001, RFC_9369] {
            let read = Handshake::default().read(datagram);
            assert_eq!(name(&read).as_deref(), Some("example.com"));
        }
    }

    #[test]
    fn the_hellos_of_real_clients_are_read_in_order_and_backwards() {
        for (client, mut datagrams) in captures() {
            let read = read_all(&mut Handshake::default(), &datagrams);
            assert_eq!(name(&read).as_deref(), Some(NAME), "{client}");
            datagrams.reverse();
            let read = read_all(&mut Handshake::default(), &datagrams);
            assert_eq!(name(&read).as_deref(), Some(NAME), "{client}, backwards");
        }
    }

    #[test]
    fn no_prefix_of_a_datagram_is_a_hello() {
        for (client, datagrams) in captures() {
            for length in 0..datagrams[0].len() {
                let read = Handshake::default().read(&datagrams[0][..length]);
                assert!(read.is_err(), "{client}, {length}");
            }
        }
    }

    #[test]
    fn a_post_quantum_hello_over_three_datagrams_is_read_with_its_last_one() {
        let hello = hello(NAME, true);
        assert!(hello.len() > FIRST_DATAGRAM_BYTES_MIN);
        let mut client = Client::new(Version::V1, b"original");
        let mut handshake = Handshake::default();
        let pieces: Vec<_> = hello.chunks(600).collect();
        for (place, piece) in pieces.iter().enumerate() {
            let offset = place * 600;
            let read = handshake.read(&client.initial(&[(offset, piece)]));
            assert_eq!(name(&read).is_some(), place + 1 == pieces.len());
        }
    }

    #[test]
    fn what_begins_no_connection_is_refused_with_its_reason() {
        let whole = hello(NAME, false);
        let mut client = Client::new(Version::V1, b"original");
        let good = client.initial(&[(0, &whole)]);
        let mut version = good.clone();
        version[4] = 9;
        let mut spoilt = good.clone();
        spoilt[500] ^= 1;
        let small = client.initial_of(&[(0, &whole)], 1199);
        let conflict = client.initial(&[(0, &whole), (4, b"x")]);
        let other = client.initial(&[(0, b"\x02\x00\x00\x00")]);
        let long = client.initial(&[(20_000, b"x")]);
        for (fact, datagram, reason) in [
            ("nothing", Vec::new(), NotQuic::NotInitial),
            ("a short header", vec![0x40; 1200], NotQuic::NotInitial),
            ("a handshake packet", client.packet(Kind::Handshake), NotQuic::NotInitial),
            ("an unknown version", version, NotQuic::Version),
            ("a spoilt packet", spoilt, NotQuic::Closed),
            ("a small datagram", small, NotQuic::TooSmall),
            ("a contradiction", conflict, NotQuic::Conflict),
            ("another message", other, NotQuic::Hello(NotTls::OtherProtocol)),
            ("a long hello", long, NotQuic::TooLong),
        ] {
            assert_eq!(Handshake::default().read(&datagram), Err(reason), "{fact}");
        }
    }

    #[test]
    fn what_belongs_to_the_connection_passes() {
        for version in [Version::V1, Version::V2] {
            let (mut client, mut handshake, hello) = judged(version);
            assert_eq!(handshake.passes(&client.initial(&[(0, &hello)])), Passing::Pass, "said again");
            client.address(b"server's");
            assert_eq!(handshake.passes(&client.initial(&[])), Passing::Pass, "acknowledged");
            assert_eq!(handshake.passes(&client.packet(Kind::Handshake)), Passing::Pass);
            assert_eq!(handshake.passes(&client.packet(Kind::ZeroRtt)), Passing::Pass);
            assert_eq!(handshake.passes(&[0x40; 50]), Passing::Pass);
            assert_eq!(handshake.passes(&client.initial(&[])), Passing::Pass, "late");
        }
    }

    #[test]
    fn a_client_that_goes_on_in_version_2_keeps_its_connection() {
        let (_, mut handshake, _) = judged(Version::V1);
        let mut client = Client::new(Version::V2, b"original");
        client.address(b"server's");
        assert_eq!(handshake.passes(&client.initial(&[])), Passing::Pass);
    }

    #[test]
    fn after_a_retry_the_hello_comes_again_under_the_servers_id() {
        let (_, mut handshake, hello) = judged(Version::V1);
        let mut client = Client::new(Version::V1, b"of the retry");
        let again = client.initial(&[(0, &hello)]);
        assert_eq!(handshake.passes(&again), Passing::Begins, "no retry yet");
        handshake.hear(&Client::retry(b"of the retry"));
        assert_eq!(handshake.passes(&again), Passing::Pass);
        handshake.hear(&Client::retry(b"of another"));
        let mut client = Client::new(Version::V1, b"of another");
        assert_eq!(handshake.passes(&client.initial(&[])), Passing::Begins, "there is one retry");
    }

    #[test]
    fn what_is_larger_than_a_packet_of_ethernet_begins_no_connection() {
        let (_, mut handshake, same) = judged(Version::V1);
        let first_of = |size| Client::new(Version::V1, b"stranger").initial_of(&[(0, &same)], size);
        assert!(begins_connection(&first_of(1500)));
        assert_eq!(handshake.passes(&first_of(1500)), Passing::Begins);
        for size in [1501, 9000, 16_000] {
            assert!(!begins_connection(&first_of(size)), "{size}");
            assert_eq!(handshake.passes(&first_of(size)), Passing::Drop, "{size}");
        }
    }

    #[test]
    fn another_hello_on_the_same_ports_never_passes() {
        let (mut client, mut handshake, same) = judged(Version::V1);
        let other = hello("jeux.example", false);
        assert_eq!(handshake.passes(&client.initial(&[(0, &other)])), Passing::Drop, "the same connection");
        let mut stranger = Client::new(Version::V1, b"stranger");
        assert_eq!(handshake.passes(&stranger.initial(&[(0, &other)])), Passing::Begins);
        let hidden = [client.packet(Kind::Handshake), stranger.initial(&[(0, &other)])].concat();
        assert_eq!(handshake.passes(&hidden), Passing::Drop, "behind another packet");
        handshake.passes(&[0x40; 50]);
        assert_eq!(handshake.passes(&client.initial(&[(0, &same)])), Passing::Drop, "once settled");
    }

    #[test]
    fn a_second_hello_names_the_same_site() {
        for (second, passing) in [(NAME, Passing::Pass), ("jeux.example", Passing::Drop)] {
            let (mut client, mut handshake, first) = judged(Version::V1);
            let second = client.initial(&[(first.len(), &hello(second, false))]);
            assert_eq!(handshake.passes(&second), passing);
        }
    }

    #[test]
    fn other_versions_and_retries_of_a_client_do_not_pass() {
        let (mut client, mut handshake, _) = judged(Version::V1);
        let mut version = client.initial(&[]);
        version[1] = 0xff;
        assert_eq!(handshake.passes(&version), Passing::Drop);
        assert_eq!(handshake.passes(&Client::retry(b"mine")), Passing::Drop);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn any_cut_and_order_of_pieces_and_datagrams_gives_the_name(
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
            order in any::<prop::sample::Index>(),
            in_one in 1_usize..4,
            twice in any::<bool>(),
        ) {
            let hello = hello(NAME, true);
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(hello.len())).collect();
            cuts.extend([0, hello.len() / 2, hello.len()]);
            cuts.sort_unstable();
            cuts.dedup();
            let mut pieces: Vec<(usize, &[u8])> =
                cuts.windows(2).map(|ends| (ends[0], &hello[ends[0]..ends[1]])).collect();
            if twice {
                pieces.extend(pieces.clone());
            }
            let count = pieces.len();
            pieces.rotate_left(order.index(count));
            let middle = count / 2;
            pieces[middle..].reverse();
            let mut client = Client::new(Version::V1, b"original");
            let datagrams: Vec<_> = pieces.chunks(in_one).map(|pieces| client.initial(pieces)).collect();
            let mut handshake = Handshake::default();
            let mut found = None;
            for datagram in &datagrams {
                let read = handshake.read(datagram);
                prop_assert!(read.is_ok(), "{:?}", read);
                found = found.or(name(&read));
            }
            prop_assert_eq!(found.as_deref(), Some(NAME));
        }
    }
}
