//! What an asker sent: one question, checked, borrowed from its datagram.
//!
//! What cannot be a question is an [`Unfit`]: it gets a bare error, or silence where an answer could start a loop
//! between two servers.

use domain::{
    base::{
        Message, Name,
        iana::{Class, Opcode, OptRcode, Rcode, Rtype},
        name::ParsedName,
    },
    dep::octseq::Parser,
};

use super::{
    key::Key,
    limits::{PLAIN_ANSWER_BYTES_MAX, QUERY_RECORDS_MAX, UDP_ANSWER_BYTES_MAX},
    wire::{HEADER_BYTES, Place},
};

/// The first record type of private use; all behind it are private or reserved (RFC 6895 section 3.1).
const RTYPE_PRIVATE_FIRST: u16 = 65_280;

/// One question.
#[derive(Clone, Debug)]
pub(super) struct Query<'a> {
    /// The asker's number for it.
    pub(super) id: u16,
    /// The RD bit. Questions without it are treated alike, so that nobody learns what is in the cache.
    pub(super) recursion_desired: bool,
    /// The AD bit: the asker knows what AD means in an answer (RFC 6840 section 5.7).
    pub(super) authentic_data: bool,
    /// The CD bit: the asker wants data even where the upstream's validation fails.
    pub(super) checking_disabled: bool,
    /// The name asked for, as the asker wrote it.
    pub(super) name: &'a Name<[u8]>,
    /// The type asked for.
    pub(super) rtype: Rtype,
    /// The class asked for.
    pub(super) class: Class,
    /// The asker's EDNS, if it speaks it.
    pub(super) edns: Option<Edns>,
    question: &'a [u8],
}

/// What the asker's OPT record says (RFC 6891). Its options are read by nobody: client subnets stay in the school.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edns {
    /// The largest datagram the asker takes, in bytes.
    pub(super) payload_max: u16,
    /// The version; only 0 exists.
    pub(super) version: u8,
    /// The DO bit: the asker wants signatures.
    pub(super) dnssec_ok: bool,
}

/// How a question came, which bounds its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    /// In a datagram.
    Udp,
    /// On a connection.
    Tcp,
}

/// Why bytes are no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Too short for a header, or itself an answer: answering could begin a loop.
    Silence,
    /// A bare header with this error is due.
    Error {
        /// The asker's number.
        id: u16,
        /// The asker's operation.
        opcode: Opcode,
        /// The error.
        rcode: Rcode,
    },
}

impl<'a> Query<'a> {
    /// Reads `datagram`. Bytes behind the message are ignored; they go nowhere.
    pub(super) fn parse(datagram: &'a [u8]) -> Result<Self, Unfit> {
        let message = Message::from_slice(datagram).map_err(|_| Unfit::Silence)?;
        let header = message.header();
        if header.qr() {
            return Err(Unfit::Silence);
        }
        let unfit = |rcode| Unfit::Error { id: header.id(), opcode: header.opcode(), rcode };
        if header.opcode() != Opcode::QUERY {
            return Err(unfit(Rcode::NOTIMP));
        }
        let counts = message.header_counts();
        let fits = counts.qdcount() == 1
            && counts.ancount() == 0
            && counts.nscount() == 0
            && counts.arcount() <= QUERY_RECORDS_MAX;
        if !fits {
            return Err(unfit(Rcode::FORMERR));
        }
        let mut parser = Parser::from_ref(datagram);
        let mut read = || {
            parser.advance(HEADER_BYTES).ok()?;
            let name = Name::from_slice(Name::<&[u8]>::parse(&mut parser).ok()?.into_octets()).ok()?;
            let rtype = Rtype::from_int(parser.parse_u16_be().ok()?);
            let class = Class::from_int(parser.parse_u16_be().ok()?);
            let question = datagram.get(HEADER_BYTES..parser.pos())?;
            let edns = edns(&mut parser, counts.arcount())?;
            Some((name, rtype, class, question, edns))
        };
        let (name, rtype, class, question, edns) = read().ok_or_else(|| unfit(Rcode::FORMERR))?;
        Ok(Self {
            id: header.id(),
            recursion_desired: header.rd(),
            authentic_data: header.ad(),
            checking_disabled: header.cd(),
            name,
            rtype,
            class,
            edns,
            question,
        })
    }

    /// Name, type and class as the asker wrote them: the same case goes back.
    pub(super) fn question(&self) -> &'a [u8] {
        self.question
    }

    /// Whether the asker wants signatures.
    pub(super) fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }

    /// The largest answer the asker takes over `carrier`, in bytes.
    pub(super) fn answer_bytes_max(&self, carrier: Carrier) -> usize {
        match (carrier, self.edns) {
            (Carrier::Tcp, _) => usize::from(u16::MAX),
            (Carrier::Udp, None) => PLAIN_ANSWER_BYTES_MAX,
            (Carrier::Udp, Some(edns)) => {
                usize::from(edns.payload_max.min(UDP_ANSWER_BYTES_MAX)).max(PLAIN_ANSWER_BYTES_MAX)
            }
        }
    }

    /// The error due to a well-formed question that no forwarder answers.
    pub(super) fn fault(&self) -> Option<OptRcode> {
        if self.edns.is_some_and(|edns| edns.version != 0) {
            return Some(OptRcode::BADVERS);
        }
        if self.class != Class::IN {
            return Some(OptRcode::REFUSED);
        }
        match self.rtype {
            Rtype::OPT => Some(OptRcode::FORMERR),
            Rtype::ANY => None,
            // Nothing but tunnels asks for these: NULL holds any bytes and was never more than an experiment (RFC 1035
            // section 3.3.10), and nobody has given the private ones a meaning (RFC 6895 section 3.1).
            Rtype::NULL => Some(OptRcode::REFUSED),
            rtype if rtype.to_int() >= RTYPE_PRIVATE_FIRST => Some(OptRcode::REFUSED),
            // Zone transfers and other types that exist only in questions (RFC 6895 section 3.1).
            rtype if (128..=255).contains(&rtype.to_int()) => Some(OptRcode::NOTIMP),
            _ => None,
        }
    }

    /// What the cache and upstream know the question by.
    pub(super) fn key(&self) -> Key {
        Key::new(self.name.as_slice(), self.rtype, self.dnssec_ok(), self.checking_disabled)
    }
}

/// The OPT record among `count` additional ones. None if a record is broken or a second OPT stands there.
fn edns(parser: &mut Parser<'_, [u8]>, count: u16) -> Option<Option<Edns>> {
    let mut found = None;
    for _ in 0..count {
        let place = Place::parse(parser).ok()?;
        if place.rtype != Rtype::OPT {
            continue;
        }
        let message = parser.as_slice();
        let mut owner = *parser;
        owner.seek(place.owner_at).ok()?;
        let root = ParsedName::parse_ref(&mut owner).ok()?.is_root();
        if found.is_some() || !root || !options_are_whole(place.data_in(message)) {
            return None;
        }
        let [_extended_rcode, version, flags, _zero] = place.ttl.to_be_bytes();
        found = Some(Edns { payload_max: place.class, version, dnssec_ok: flags & 0x80 != 0 });
    }
    Some(found)
}

/// Whether options (code, length, data) fill `data` exactly.
fn options_are_whole(mut data: &[u8]) -> bool {
    while let Some((head, rest)) = data.split_first_chunk::<4>() {
        let [_, _, high, low] = *head;
        match rest.get(usize::from(u16::from_be_bytes([high, low]))..) {
            Some(next) => data = next,
            None => return false,
        }
    }
    data.is_empty()
}
