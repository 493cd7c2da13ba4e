//! An upstream's answer, read once and kept as it came.
//!
//! The bytes stay the upstream's own, so that records of unknown types, their order and their compression survive
//! untouched. Beside them stands what every later asker needs: where the TTLs are, which names the answer leads
//! through, which addresses it gives. The OPT record is taken off: EDNS is between neighbours (RFC 6891 section 6.1.1).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use domain::{
    base::{
        Message,
        iana::{Class, Rcode, Rtype},
        wire::ParseError,
    },
    dep::octseq::Parser,
};
use thiserror::Error;

use super::{
    limits::{CHAIN_NAMES_MAX, NEGATIVE_TTL_SECONDS_MAX, PASSED_EXPLANATIONS_BYTES_MAX, TTL_SECONDS_MAX},
    name::Judged,
    outer::OuterName,
    private::Inside,
    svcb,
    wire::{HEADER_BYTES, Place, put, u16_at, u32_at},
};
use crate::model::Domain;

/// The option code of an extended DNS error (RFC 8914 section 2).
pub(super) const EDE_OPTION: u16 = 15;

/// An answer as it is kept.
#[derive(Debug)]
pub(super) struct Answer {
    /// The message without its OPT record and whatever followed that. Its id means nothing.
    pub(super) message: Box<[u8]>,
    /// Where the TTLs stand, in order.
    pub(super) ttl_places: Box<[u16]>,
    /// The error code.
    pub(super) rcode: Rcode,
    /// How long it may be kept; zero: not at all.
    pub(super) lifetime: Duration,
    /// The upstream's explanations (EDE), as whole options.
    pub(super) explanations: Box<[u8]>,
    /// Each name the answer leads to by CNAME; the asker must be allowed all of them.
    pub(super) chain: Box<[Domain]>,
    /// The addresses given in answer to the question, in order.
    pub(super) addresses: Box<[IpAddr]>,
    /// Whether it gives an address that means something inside the school only (DNS rebinding).
    pub(super) points_inside: bool,
    /// What the `ech` parameters said that were stripped of it.
    pub(super) outer_names: Box<[OuterName]>,
}

/// Why bytes from upstream are no usable answer.
#[derive(Debug, Error, PartialEq, Eq)]
pub(super) enum Unusable {
    /// Broken, or not an answer to this question.
    #[error("malformed answer")]
    Malformed,
    /// A CNAME chain longer than anybody follows, or one through a name that cannot be judged.
    #[error("answer leads through too many names, or through one that is no name")]
    Chain,
}

impl From<ParseError> for Unusable {
    fn from(_: ParseError) -> Self {
        Self::Malformed
    }
}

impl Answer {
    /// Reads `upstream`, the answer to `question` (name in lower case, type, class).
    pub(super) fn read(upstream: &[u8], question: &[u8], inside: &Inside) -> Result<Self, Unusable> {
        let stripped = svcb::without_ech(upstream)?;
        let message = stripped.as_ref().map_or(upstream, |stripped| &stripped.message);
        let header = Message::from_slice(message).map_err(|_| Unusable::Malformed)?.header();
        let asked = message.get(HEADER_BYTES..HEADER_BYTES + question.len());
        if !header.qr() || !asked.is_some_and(|asked| asked.eq_ignore_ascii_case(question)) {
            return Err(Unusable::Malformed);
        }
        let mut reading = Reading::new(message, question, inside);
        let end = reading.walk(HEADER_BYTES + question.len())?;
        let mut kept = Box::<[u8]>::from(message.get(..end).unwrap_or_default());
        let additional = u16::try_from(reading.additional_kept).unwrap_or_default();
        put(&mut kept, 10, &additional.to_be_bytes());
        for (place, seconds) in &reading.ttls {
            put(&mut kept, usize::from(*place), &seconds.to_be_bytes());
        }
        let ttl_places = reading.ttls.iter().map(|(place, _)| *place).collect();
        let lifetime = reading.lifetime(header.rcode());
        let Reading { explanations, chain, addresses, points_inside, .. } = reading;
        let outer_names = stripped.map(|stripped| stripped.outer_names).unwrap_or_default();
        Ok(Self {
            message: kept,
            ttl_places,
            rcode: header.rcode(),
            lifetime,
            explanations: explanations.into(),
            chain: chain.into(),
            addresses: addresses.into(),
            points_inside,
            outer_names: outer_names.into(),
        })
    }

    /// Whether the upstream could not or would not resolve the name: neither an answer nor a firm no.
    pub(super) fn is_failure(&self) -> bool {
        !matches!(self.rcode, Rcode::NOERROR | Rcode::NXDOMAIN)
    }

    /// About how many bytes of memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.message.len()
            + 2 * self.ttl_places.len()
            + self.explanations.len()
            + self.chain.iter().map(|name| name.as_str().len() + 32).sum::<usize>()
            + self.addresses.len() * size_of::<IpAddr>()
            + self.outer_names.len() * (size_of::<OuterName>() + 32)
            + size_of::<Self>()
    }
}

/// The state of one walk over the records.
struct Reading<'a> {
    message: &'a [u8],
    inside: &'a Inside,
    asked: Rtype,
    ttls: Vec<(u16, u32)>,
    answer_ttl: Option<u32>,
    negative_ttl: Option<u32>,
    answered: bool,
    additional_kept: usize,
    explanations: Vec<u8>,
    chain: Vec<Domain>,
    addresses: Vec<IpAddr>,
    points_inside: bool,
}

impl<'a> Reading<'a> {
    fn new(message: &'a [u8], question: &[u8], inside: &'a Inside) -> Self {
        let asked = question.len().checked_sub(4).and_then(|at| u16_at(question, at));
        Self {
            message,
            inside,
            asked: Rtype::from_int(asked.unwrap_or_default()),
            ttls: Vec::new(),
            answer_ttl: None,
            negative_ttl: None,
            answered: false,
            additional_kept: 0,
            explanations: Vec::new(),
            chain: Vec::new(),
            addresses: Vec::new(),
            points_inside: false,
        }
    }

    /// Reads all records from `begin` on and says where the last one to keep ends.
    fn walk(&mut self, begin: usize) -> Result<usize, Unusable> {
        let header_counts =
            Message::from_slice(self.message).map_err(|_| Unusable::Malformed)?.header_counts();
        if header_counts.qdcount() != 1 {
            return Err(Unusable::Malformed);
        }
        let mut parser = Parser::from_ref(self.message);
        parser.seek(begin).map_err(|_| Unusable::Malformed)?;
        for _ in 0..header_counts.ancount() {
            let place = Place::parse(&mut parser)?;
            self.answer_record(&place)?;
        }
        for _ in 0..header_counts.nscount() {
            let place = Place::parse(&mut parser)?;
            self.keep(&place)?;
            if place.rtype == Rtype::SOA {
                self.negative_ttl = Some(self.soa_ttl(&place)?);
            }
        }
        for _ in 0..header_counts.arcount() {
            let end = parser.pos();
            let place = Place::parse(&mut parser)?;
            if place.rtype == Rtype::OPT {
                // Records behind OPT go with it: taking it out from between would break their pointers, and nothing
                // that an asker needs stands there.
                self.opt(&place)?;
                return Ok(end);
            }
            self.keep(&place)?;
            self.additional_kept += 1;
        }
        Ok(parser.pos())
    }

    fn answer_record(&mut self, place: &Place) -> Result<(), Unusable> {
        let seconds = self.keep(place)?;
        self.answer_ttl = Some(self.answer_ttl.map_or(seconds, |least| least.min(seconds)));
        self.answered |= place.rtype == self.asked || self.asked == Rtype::ANY;
        if place.rtype == Rtype::CNAME {
            let target = Judged::read(place.name_in(self.message, 0)?.iter()).ok_or(Unusable::Chain)?.name;
            if !self.chain.contains(&target) {
                self.chain.push(target);
            }
            if self.chain.len() > CHAIN_NAMES_MAX {
                return Err(Unusable::Chain);
            }
        }
        if place.rtype == self.asked {
            self.addresses.extend(address(place, self.message));
        }
        Ok(())
    }

    /// Notes the TTL of a record, and whether it points inside.
    fn keep(&mut self, place: &Place) -> Result<u32, Unusable> {
        // RFC 2181 section 8: a TTL with its highest bit set is zero.
        let seconds = if place.ttl > u32::MAX >> 1 { 0 } else { place.ttl.min(TTL_SECONDS_MAX) };
        self.ttls.push((u16::try_from(place.ttl_at).map_err(|_| Unusable::Malformed)?, seconds));
        let pointed = address(place, self.message).into_iter().chain(svcb::hints(place, self.message));
        for address in pointed {
            self.points_inside |= self.inside.contains(address);
        }
        Ok(seconds)
    }

    /// RFC 2308 section 5: a negative answer lives as long as the lesser of the SOA's TTL and its MINIMUM.
    fn soa_ttl(&self, place: &Place) -> Result<u32, Unusable> {
        let mut parser = Parser::from_ref(self.message);
        parser.seek(place.data.start).map_err(|_| Unusable::Malformed)?;
        domain::base::ParsedName::skip(&mut parser)?;
        domain::base::ParsedName::skip(&mut parser)?;
        let minimum = u32_at(self.message, parser.pos() + 16)
            .filter(|_| parser.pos() + 20 == place.data.end)
            .ok_or(Unusable::Malformed)?;
        Ok(place.ttl.min(minimum).min(NEGATIVE_TTL_SECONDS_MAX))
    }

    /// Keeps the upstream's explanations. An extended error code means that EDNS itself failed.
    fn opt(&mut self, place: &Place) -> Result<(), Unusable> {
        let [extended_rcode, ..] = place.ttl.to_be_bytes();
        if extended_rcode != 0 {
            return Err(Unusable::Malformed);
        }
        let mut options = place.data_in(self.message);
        while let (Some(code), Some(length)) = (u16_at(options, 0), u16_at(options, 2)) {
            let (option, rest) =
                options.split_at_checked(4 + usize::from(length)).ok_or(Unusable::Malformed)?;
            if code == EDE_OPTION && self.explanations.len() + option.len() <= PASSED_EXPLANATIONS_BYTES_MAX {
                self.explanations.extend_from_slice(option);
            }
            options = rest;
        }
        Ok(())
    }

    fn lifetime(&self, rcode: Rcode) -> Duration {
        let negative = !self.answered || rcode == Rcode::NXDOMAIN;
        // RFC 2308 section 5: a negative answer without SOA is not kept.
        let seconds = match (negative, self.answer_ttl, self.negative_ttl) {
            (false, Some(positive), _) => positive,
            (true, Some(alias), Some(soa)) => alias.min(soa),
            (true, None, Some(soa)) => soa,
            (true, _, None) | (false, None, _) => 0,
        };
        Duration::from_secs(u64::from(seconds))
    }
}

/// The address that an A or AAAA record gives.
fn address(place: &Place, message: &[u8]) -> Option<IpAddr> {
    if place.class != Class::IN.to_int() {
        return None;
    }
    let data = place.data_in(message);
    match place.rtype {
        Rtype::A => <[u8; 4]>::try_from(data).ok().map(|bytes| IpAddr::V4(Ipv4Addr::from(bytes))),
        Rtype::AAAA => <[u8; 16]>::try_from(data).ok().map(|bytes| IpAddr::V6(Ipv6Addr::from(bytes))),
        _ => None,
    }
}
